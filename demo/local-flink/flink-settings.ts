import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';

/** Literal, not `localhost`: Node and Java may disagree about which address that is. */
const HOST = '127.0.0.1';

export interface FlinkPorts {
  rest: number;
  rpc: number;
  blob: number;
}

export interface FlinkFolders {
  conf: string;
  log: string;
  tmp: string;
  uploads: string;
  checkpoints: string;
  savepoints: string;
}

export interface FlinkSettings {
  ports: FlinkPorts;
  slots: number;
  scheduler: 'default' | 'adaptive';
  /** Wins over everything else. null: not set. */
  configuration: Record<string, string | null>;
}

export function foldersBelow(folder: string): FlinkFolders {
  return {
    conf: join(folder, 'conf'),
    log: join(folder, 'log'),
    tmp: join(folder, 'tmp'),
    uploads: join(folder, 'uploads'),
    checkpoints: join(folder, 'checkpoints'),
    savepoints: join(folder, 'savepoints'),
  };
}

export function restUrl(ports: FlinkPorts): string {
  return `http://${HOST}:${ports.rest}`;
}

/** Ports that were free a moment ago; they are held together, so they differ. */
export async function findFreePorts(restPort?: number): Promise<FlinkPorts> {
  const [rest, rpc, blob] = await Promise.all([holdPort(restPort ?? 0), holdPort(0), holdPort(0)]);
  await Promise.all([rest.release(), rpc.release(), blob.release()]);
  return { rest: rest.port, rpc: rpc.port, blob: blob.port };
}

async function holdPort(wanted: number): Promise<{ port: number; release: () => Promise<void> }> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new Error(`Port ${wanted} for Flink's REST is taken. Free it or choose another.`, { cause })),
    );
    server.listen(wanted, HOST, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    release: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Writes config.yaml and log4j.properties; one folder serves both processes. */
export async function writeSettings(folders: FlinkFolders, settings: FlinkSettings): Promise<void> {
  await Promise.all(Object.values(folders).map((folder) => mkdir(folder, { recursive: true })));
  const entries = Object.entries({ ...ownEntries(folders, settings), ...settings.configuration });
  const wanted = entries.filter(([, value]) => value !== null);
  // A JSON text is a YAML text in double quotes; Flink turns numbers in quotes into numbers.
  const yaml = wanted.map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
  await writeFile(join(folders.conf, 'config.yaml'), yaml.join(''));
  await writeFile(join(folders.conf, 'log4j.properties'), LOG4J_PROPERTIES);
}

function ownEntries(folders: FlinkFolders, { ports, slots, scheduler }: FlinkSettings): Record<string, string> {
  return {
    'jobmanager.rpc.address': HOST,
    'jobmanager.rpc.port': String(ports.rpc),
    'jobmanager.bind-host': HOST,
    'taskmanager.bind-host': HOST,
    'taskmanager.host': HOST,
    'rest.address': HOST,
    'rest.bind-address': HOST,
    'rest.port': String(ports.rest),
    'rest.bind-port': String(ports.rest),
    'blob.server.port': String(ports.blob),
    'taskmanager.numberOfTaskSlots': String(slots),
    'jobmanager.scheduler': scheduler,
    'io.tmp.dirs': folders.tmp,
    // Without it, uploaded jars are lost with the JobManager's process.
    'web.upload.dir': folders.uploads,
    'web.checkpoints.history': '100',
    'execution.checkpointing.dir': fileLocation(folders.checkpoints),
    'execution.checkpointing.savepoint-dir': fileLocation(folders.savepoints),
    'execution.checkpointing.interval': '10 s',
    'execution.checkpointing.num-retained': '3',
    'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
    // A lost process is noticed after 1 to 5 s instead of 10 to 50.
    'heartbeat.interval': '1000',
    'heartbeat.timeout': '5000',
    // The TaskManager finds a restarted JobManager after 1 s instead of 10.
    'cluster.registration.error-delay': '1 s',
    // Started without Flink's scripts, a TaskManager insists on every one of these.
    'taskmanager.cpu.cores': '2',
    'taskmanager.memory.task.heap.size': '256m',
    'taskmanager.memory.task.off-heap.size': '0b',
    'taskmanager.memory.managed.size': '128m',
    'taskmanager.memory.network.min': '64m',
    'taskmanager.memory.network.max': '64m',
    'taskmanager.memory.framework.heap.size': '64m',
    'taskmanager.memory.framework.off-heap.size': '64m',
    'taskmanager.memory.jvm-metaspace.size': '128m',
    'taskmanager.memory.jvm-overhead.min': '64m',
    'taskmanager.memory.jvm-overhead.max': '64m',
  };
}

/** Not a URL: Flink takes `%20` and spaces literally. */
function fileLocation(path: string): string {
  return `file://${path}`;
}

const LOG4J_PROPERTIES = `monitorInterval = 0
rootLogger.level = INFO
rootLogger.appenderRef.file.ref = File
appender.file.name = File
appender.file.type = FILE
appender.file.append = true
appender.file.fileName = \${sys:log.file}
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %-60c %x - %m%n
logger.netty.name = org.jboss.netty.channel.DefaultChannelPipeline
logger.netty.level = OFF
`;
