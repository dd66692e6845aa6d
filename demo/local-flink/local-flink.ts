import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { assembleFlink } from './assemble.js';
import { FlinkProcess, type FlinkRole, type ProcessPlan } from './flink-process.js';
import { registeredSlots } from './flink-rest.js';
import { findFreePorts, foldersBelow, restUrl, writeSettings } from './flink-settings.js';
import { needJavaTools } from './java-tools.js';
import { endLeftOvers, recordPids } from './left-overs.js';

const READY_MS = 90_000;
const LOOK_AGAIN_MS = 100;
/** A port that was free may be taken by another program before Flink binds it. */
const PORT_ATTEMPTS = 3;
const PORT_TAKEN = /BindException|Address already in use|Could not start rest endpoint on any port/;

export interface LocalFlinkOptions {
  /** Of Flink, like `2.3.0`. */
  version: string;
  /** Gets conf, log, tmp, uploads, checkpoints and savepoints. One cluster at a time: an earlier one in it is ended. */
  folder: string;
  /** 8 unless given. */
  slots?: number;
  scheduler?: 'default' | 'adaptive';
  /** Keys of Flink's configuration; they win over the ones that are set here. null: not set. */
  configuration?: Record<string, string | null>;
  /** A free one unless given. */
  restPort?: number;
  cacheFolder?: string;
  onProgress?: (line: string) => void;
  signal?: AbortSignal;
}

/**
 * Starts a JobManager and a TaskManager on this machine and waits until all slots are there.
 * @throws Error that holds the last lines of the log and its path; nothing is left running then.
 */
export async function startLocalFlink(options: LocalFlinkOptions): Promise<LocalFlink> {
  const { version, signal, cacheFolder, onProgress } = options;
  const folder = resolve(options.folder);
  const flink = await assembleFlink(version, {
    ...(cacheFolder !== undefined && { cacheFolder }),
    ...(onProgress && { onProgress }),
    ...(signal && { signal }),
  });
  const { java } = await needJavaTools();
  await mkdir(folder, { recursive: true });
  const ended = await endLeftOvers(folder);
  if (ended.length > 0) onProgress?.(`Ended the Flink of an earlier run (pids ${ended.join(', ')})`);
  const folders = foldersBelow(folder);
  const slots = options.slots ?? 8;

  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    const startedAt = performance.now();
    const ports = await findFreePorts(options.restPort);
    const { scheduler = 'default', configuration = {} } = options;
    await writeSettings(folders, { ports, slots, scheduler, configuration });
    const cluster = new LocalFlink({ java, flink, folder, folders }, restUrl(ports), slots);
    try {
      await Promise.all([cluster.startJobManager(signal), cluster.startTaskManager(signal)]);
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      onProgress?.(`Flink ${version} answers at ${cluster.url} with ${slots} slots, ${seconds} s`);
      return cluster;
    } catch (error) {
      await cluster.stop();
      if (!(error instanceof Error && PORT_TAKEN.test(error.message)) || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

/** A session cluster of two processes. All methods resolve when what they say has happened. */
export class LocalFlink {
  readonly version: string;
  /** Paths; as a location for Flink, write `file://` before them. */
  readonly savepointFolder: string;
  readonly checkpointFolder: string;
  readonly logFolder: string;
  private jobManager: FlinkProcess | null = null;
  private taskManager: FlinkProcess | null = null;
  private taskManagersStarted = 0;

  constructor(
    private readonly plan: ProcessPlan,
    readonly url: string,
    readonly slots: number,
  ) {
    this.version = plan.flink.version;
    this.savepointFolder = plan.folders.savepoints;
    this.checkpointFolder = plan.folders.checkpoints;
    this.logFolder = plan.folders.log;
  }

  /** null when it does not run. */
  get jobManagerPid(): number | null {
    return this.jobManager?.running ? this.jobManager.pid : null;
  }

  /** null when it does not run. */
  get taskManagerPid(): number | null {
    return this.taskManager?.running ? this.taskManager.pid : null;
  }

  /** Same ports, same configuration. Resolves when REST answers; the slots come back later: {@link waitForSlots}. */
  async startJobManager(signal?: AbortSignal): Promise<void> {
    if (this.jobManager?.running) throw new Error(`The JobManager already runs (pid ${this.jobManager.pid}).`);
    this.jobManager = this.start('jobmanager');
    await this.waitUntil('answered REST', ['jobManager'], (taskManagers) => taskManagers !== null, signal);
  }

  /** Resolves when its slots are registered. */
  async startTaskManager(signal?: AbortSignal): Promise<void> {
    if (this.taskManager?.running) throw new Error(`The TaskManager already runs (pid ${this.taskManager.pid}).`);
    this.taskManagersStarted += 1;
    this.taskManager = this.start('taskmanager', ['-D', `taskmanager.resource-id=${this.taskManagerId}`]);
    await this.waitForSlots(signal);
  }

  /** Resolves when the running TaskManager is registered with all its slots, for instance after a JobManager came back. */
  async waitForSlots(signal?: AbortSignal): Promise<void> {
    // Its own id, since a killed predecessor stays listed until its heartbeat times out.
    const id = this.taskManagerId;
    const registered = (taskManagers: Map<string, number> | null) => taskManagers?.get(id) === this.slots;
    await this.waitUntil(`had ${this.slots} slots`, ['jobManager', 'taskManager'], registered, signal);
  }

  /** SIGKILL. */
  async killJobManager(): Promise<void> {
    await this.jobManager?.kill();
    this.record();
  }

  /** SIGKILL. */
  async killTaskManager(): Promise<void> {
    await this.taskManager?.kill();
    this.record();
  }

  /** SIGSTOP: connections are accepted, nothing answers. */
  pauseJobManager(): void {
    this.jobManager?.pause();
  }

  /** SIGCONT. */
  resumeJobManager(): void {
    this.jobManager?.resume();
  }

  /** Ends both processes: SIGTERM, and SIGKILL after 5 s. May be called twice. Files stay. */
  async stop(): Promise<void> {
    await Promise.all([this.taskManager?.stop(), this.jobManager?.stop()]);
    this.record();
  }

  private get taskManagerId(): string {
    return `taskmanager-${this.taskManagersStarted}`;
  }

  private start(role: FlinkRole, flinkArguments: string[] = []): FlinkProcess {
    const started = FlinkProcess.start(role, this.plan, flinkArguments);
    this.record(started.pid);
    return started;
  }

  /** `justStarted`: a process that is not yet one of the fields. */
  private record(justStarted?: number): void {
    const pids = [this.jobManagerPid, this.taskManagerPid, justStarted ?? null];
    recordPids(
      this.plan.folder,
      pids.filter((pid) => pid !== null),
    );
  }

  private async waitUntil(
    what: string,
    needed: ('jobManager' | 'taskManager')[],
    isTrue: (taskManagers: Map<string, number> | null) => boolean,
    signal?: AbortSignal,
  ): Promise<void> {
    const deadline = Date.now() + READY_MS;
    while (!isTrue(await registeredSlots(this.url))) {
      const processes = needed.map((name) => this[name]).filter((process) => process !== null);
      const dead = processes.find((process) => !process.running);
      if (dead) {
        throw new Error(
          `The ${dead.role} of Flink ${this.version} ended (${dead.ending}) before the cluster ${what}. ` +
            (await dead.lastWords()),
        );
      }
      if (Date.now() > deadline) {
        const words = await Promise.all(processes.map((process) => process.lastWords()));
        throw new Error(
          `Flink ${this.version} at ${this.url} never ${what}, though its processes run: gave up after ` +
            `${READY_MS / 1000} s. ${words.join('\n')}`,
        );
      }
      await pause(LOOK_AGAIN_MS, undefined, signal ? { signal } : {});
    }
  }
}
