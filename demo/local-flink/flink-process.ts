import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FlinkDistribution } from './assemble.js';
import type { FlinkFolders } from './flink-settings.js';
import { javaAccessFlags } from './java-flags.js';
import { lastLines } from './run-command.js';

/** From SIGTERM to SIGKILL. */
const PATIENCE_MS = 5_000;

const NOISE = /^(?:\s+at |\s+\.\.\. \d+ more|.* INFO +org\.apache\.pekko\.).*\n/gm;

export type FlinkRole = 'jobmanager' | 'taskmanager';

export const mainClasses: Record<FlinkRole, string> = {
  jobmanager: 'org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint',
  taskmanager: 'org.apache.flink.runtime.taskexecutor.TaskManagerRunner',
};

const MEMORY: Record<FlinkRole, string[]> = {
  jobmanager: ['-Xmx512m'],
  taskmanager: ['-Xmx384m', '-XX:MaxDirectMemorySize=256m'],
};

export interface ProcessPlan {
  java: string;
  flink: FlinkDistribution;
  /** Working directory; Flink looks there for plugins, and finds none. */
  folder: string;
  folders: FlinkFolders;
}

/** One running JVM of Flink. */
export class FlinkProcess {
  readonly pid: number;
  readonly logFile: string;
  private readonly outFile: string;
  private readonly ended: Promise<void>;

  private constructor(
    readonly role: FlinkRole,
    private readonly child: ChildProcess,
    pid: number,
    logFolder: string,
  ) {
    this.pid = pid;
    this.logFile = join(logFolder, `${role}.log`);
    this.outFile = join(logFolder, `${role}.out`);
    const letGo = endWithThisProcess(pid);
    this.ended = new Promise((resolve) =>
      child.once('exit', () => {
        letGo();
        resolve();
      }),
    );
  }

  static start(role: FlinkRole, plan: ProcessPlan, flinkArguments: string[] = []): FlinkProcess {
    const { folders } = plan;
    mkdirSync(folders.log, { recursive: true });
    // Files, not pipes: the JVM must not depend on the process that started it.
    const out = openSync(join(folders.log, `${role}.out`), 'a');
    const javaArguments = [
      ...MEMORY[role],
      // Only the quick compiler: halves the start (6 s of CPU to 3 s each, 2.3.0 on Java 17).
      '-XX:TieredStopAtLevel=1',
      '-XX:+UseSerialGC',
      ...javaAccessFlags,
      `-Djava.io.tmpdir=${folders.tmp}`,
      `-Dlog.file=${join(folders.log, `${role}.log`)}`,
      `-Dlog4j.configurationFile=${join(folders.conf, 'log4j.properties')}`,
      '-cp',
      `${plan.flink.libFolder}/*`,
      mainClasses[role],
      '--configDir',
      folders.conf,
      ...flinkArguments,
    ];
    const child = spawn(plan.java, javaArguments, {
      cwd: plan.folder,
      env: cleanEnvironment(),
      stdio: ['ignore', out, out],
    });
    closeSync(out);
    // `pid` is absent exactly when the program could not be started; the error event then only repeats that.
    child.once('error', () => undefined);
    if (child.pid === undefined) throw new Error(`${plan.java} could not be started.`);
    return new FlinkProcess(role, child, child.pid, folders.log);
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** How it ended, for a message: `exit code 1`, `SIGKILL`. */
  get ending(): string {
    return this.child.signalCode ?? `exit code ${this.child.exitCode}`;
  }

  /** SIGTERM, then SIGKILL after 5 s; resolves when the process is gone. */
  async stop(): Promise<void> {
    if (!this.running) return;
    this.child.kill('SIGTERM');
    this.child.kill('SIGCONT'); // A paused process would keep the SIGTERM waiting.
    const timer = setTimeout(() => this.child.kill('SIGKILL'), PATIENCE_MS);
    await this.ended;
    clearTimeout(timer);
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    if (!this.running) return;
    this.child.kill('SIGKILL');
    await this.ended;
  }

  pause(): void {
    this.child.kill('SIGSTOP');
  }

  resume(): void {
    this.child.kill('SIGCONT');
  }

  /** The last lines of its log without stack frames and farewells, or of what the JVM printed when it came to no log. */
  async lastWords(): Promise<string> {
    for (const file of [this.logFile, this.outFile]) {
      const text = await readFile(file, 'utf8').catch(() => ''); // A JVM that never started has no log.
      const lines = text.replace(NOISE, '');
      if (lines.trim() !== '') return `Last lines of ${file}:\n${lastLines(lines, 15)}`;
    }
    return `${this.logFile} is empty.`;
  }
}

/**
 * Has a process killed when this one is gone, however that happens, SIGKILL included: a watcher reads a pipe that only
 * this process holds open. In its own process group, so that a Ctrl-C does not end the watcher first.
 * @returns ends the watcher; to be called as soon as the pid is free for others.
 */
function endWithThisProcess(pid: number): () => void {
  const watcher = spawn('/bin/sh', ['-c', 'cat >/dev/null; kill -KILL "$1"', 'sh', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watcher.once('error', () => undefined); // Without a shell the pid file alone has to do.
  watcher.stdin.once('error', () => undefined);
  return () => {
    if (watcher.pid === undefined || watcher.exitCode !== null || watcher.signalCode !== null) return;
    process.kill(-watcher.pid, 'SIGKILL'); // The group: `cat` too.
  };
}

/** Without the settings of a Flink or Hadoop that the person may have installed. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(FLINK|HADOOP|YARN|HBASE)_/.test(name)));
}
