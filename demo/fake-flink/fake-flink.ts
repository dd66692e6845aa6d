import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { captured } from './captured-replies.js';
import { CheckpointOperations } from './checkpoint-operations.js';
import type { FlinkVersion } from './captured-replies.js';
import { Cluster } from './cluster.js';
import type { FakeFlinkKnobs, SavepointMade } from './cluster.js';
import { NO_SLOTS } from './fake-job.js';
import type { FakeJob, FakeJobOptions } from './fake-job.js';
import type { Fault, FaultMatch } from './faults.js';
import { JarStore } from './jar-store.js';
import { JobSubmission } from './job-submission.js';
import { RestServer } from './rest-server.js';
import type { RecordedRequest } from './rest-server.js';
import { Routes } from './routes.js';
import { SavepointDisposal } from './savepoint-disposal.js';
import { SavepointOperations } from './savepoint-operations.js';

export interface FakeFlinkOptions {
  version?: FlinkVersion;
  /** `execution.checkpointing.savepoint-dir`; null: not set (default: below the fake's folder). */
  savepointRoot?: string | null;
  /** `execution.checkpointing.dir`; null: not set (default: below the fake's folder). */
  checkpointRoot?: string | null;
  /** Where the fake may write; made and removed by itself when not given. */
  folder?: string;
  slots?: number;
  /** How long finished operations are remembered; 0: for ever (default 300,000). */
  asyncStoreDurationMs?: number;
  scheduler?: 'default' | 'adaptive';
  /** First value of the knob: how old `/checkpoints`, `/jobs/:id` and `/exceptions` may be; a real cluster says 3,000 (default 0). */
  statisticsCacheMs?: number;
  /** For ids that are the same in every run. Two fakes with one seed make the same ids. */
  seed?: number;
  /** false: `web.tmpdir` is not shown, as on a cluster that hides it. */
  processMark?: boolean;
  /**
   * Further keys of `/jobmanager/config`. Obeyed: `web.checkpoints.history`, `jobmanager.scheduler`, and what jobs take
   * over for their checkpoints (interval, timeout, retention, backend, directory, `execution.checkpointing.num-retained`).
   */
  configuration?: Record<string, string>;
}

export interface FakeFlink {
  readonly url: string;
  readonly version: FlinkVersion;
  /** Real path of the fake's own folder: it writes nowhere else. */
  readonly folder: string;
  readonly savepointRoot: string | null;
  readonly checkpointRoot: string | null;
  /** Last part of the folder name in `web.tmpdir`. */
  readonly processMark: string;
  /** Everything it was asked, also what met a fault. */
  readonly requests: RecordedRequest[];
  /** Savepoints that really came into being, in their order: the ground truth, whatever was answered. */
  readonly savepointsMade: SavepointMade[];
  /** Locations really disposed of. */
  readonly disposed: string[];
  /** Ids of the jobs that this process accepted, ended ones and refused restores too. */
  readonly jobIds: string[];
  readonly jarIds: string[];
  readonly maxConcurrentRequests: number;
  /** Trigger ids of every POST to /savepoints and /stop that arrived, repeats and spoiled ones included. */
  triggersReceived(jobId?: string): string[];
  /** A job that runs already. Returns its id. */
  addJob(options?: FakeJobOptions): string;
  /** Throws for an unknown id. */
  job(jobId: string): FakeJob;
  /** Change its fields at any time. What else can be done to the cluster stands at {@link FakeFlinkKnobs}. */
  readonly knobs: FakeFlinkKnobs;
  failNext(match: FaultMatch, fault: Fault): void;
  /**
   * The next savepoint (or stop) that gets under way ends as that captured poll says, also for the job: one that names a
   * path makes its savepoint and ends the job. Without `afterMs` it takes as long as a savepoint does.
   */
  savepointsFailWith(fixtureName: string, options?: { afterMs?: number }): void;
  /**
   * The next accepted run is FAILED after `afterMs` (default 0), for the reason captured in that fixture. With `restarts`
   * it fails again and again: RESTARTING for `restartDurationMs`, RUNNING for `afterMs`.
   */
  startsFailWith(fixtureName: string, options?: { afterMs?: number; restarts?: boolean }): void;
  /** The next run with a savepoint path is refused as in that captured `run-restore-…`, whatever it names. */
  restoresFailWith(fixtureName: string): void;
  /** Ends savepoints under way now, however long they were to take; a stop that waits for its tasks to close, too. */
  finishSavepoints(jobId: string, triggerId?: string): void;
  /** All trigger ids become unknown; what is under way goes on. */
  forgetOperations(): void;
  /**
   * A new JobManager process: trigger ids, jars and jobs are gone, connections are reset for `downMs`. With `keepJobs`
   * (high availability) running jobs come back with their ids and empty statistics. Resolves when it answers again.
   */
  restart(options?: { keepJobs?: boolean; downMs?: number }): Promise<void>;
  /** Every job fails and alternates RUNNING, its tasks SCHEDULED, and RESTARTING until {@link returnTaskManagers}. */
  loseTaskManagers(): void;
  returnTaskManagers(): void;
  changeRoots(roots: { savepointRoot?: string | null; checkpointRoot?: string | null }): void;
  /** Closes everything and removes the folder if it made it. */
  stop(): Promise<void>;
}

/** Shown by the captured cluster, but about that machine, or set anew by the options. */
const NOT_SHOWN = [
  'web.tmpdir',
  'web.checkpoints.history',
  'web.upload.dir',
  'io.tmp.dirs',
  'execution.checkpointing.dir',
  'execution.checkpointing.savepoint-dir',
];

function configurationOf(options: FakeFlinkOptions, version: FlinkVersion, folder: string): Map<string, string> {
  const shown = captured(version, 'jobmanager-config').body as { key: string; value: string }[];
  const configuration = new Map(shown.map(({ key, value }) => [key, value]));
  NOT_SHOWN.forEach((key) => configuration.delete(key));
  const { savepointRoot = `file://${folder}/savepoints`, checkpointRoot = `file://${folder}/checkpoints` } = options;
  if (savepointRoot !== null) configuration.set('execution.checkpointing.savepoint-dir', savepointRoot);
  if (checkpointRoot !== null) configuration.set('execution.checkpointing.dir', checkpointRoot);
  if (options.asyncStoreDurationMs !== undefined) {
    configuration.set('rest.async.store-duration', `${String(options.asyncStoreDurationMs)} ms`);
  }
  Object.entries(options.configuration ?? {}).forEach(([key, value]) => configuration.set(key, value));
  if (options.scheduler !== undefined) configuration.set('jobmanager.scheduler', options.scheduler);
  configuration.set('taskmanager.numberOfTaskSlots', String(options.slots ?? 8));
  return configuration;
}

/** Clients in this process need a moment to see that their idle connections were closed. */
const NOTICED_MS = 5;

/** Starts an HTTP server on 127.0.0.1 that answers as a Flink session cluster; its replies are shaped by captured ones. */
export async function startFakeFlink(options: FakeFlinkOptions = {}): Promise<FakeFlink> {
  const version = options.version ?? '2.3.0';
  if (options.folder !== undefined) mkdirSync(options.folder, { recursive: true });
  const folder = realpathSync(options.folder ?? mkdtempSync(path.join(tmpdir(), 'fake-flink-')));
  const cluster = new Cluster(
    version,
    folder,
    options.slots ?? 8,
    configurationOf(options, version, folder),
    options.asyncStoreDurationMs ?? 300_000,
    options.processMark ?? true,
    options.seed,
  );
  cluster.knobs.statisticsCacheMs = options.statisticsCacheMs ?? 0;
  const operations = new SavepointOperations(cluster);
  const checkpoints = new CheckpointOperations(cluster);
  const jars = new JarStore(cluster);
  const submission = new JobSubmission(cluster, jars, operations);
  const disposal = new SavepointDisposal(cluster);
  const server: RestServer = new RestServer(
    cluster,
    () => routes,
    (fixture, jobId) => void submission.refuseRestore({ fixture, replacements: [] }, jobId),
  );
  const routes: Routes = new Routes(cluster, operations, checkpoints, jars, submission, disposal, () => server.url);
  await server.listen();

  const restart = async ({ keepJobs = false, downMs = 0 } = {}): Promise<void> => {
    const survivors = [...cluster.jobs.values()].filter((job) => !job.hasEnded());
    operations.die();
    survivors.forEach((job) => job.checkpoints.die());
    checkpoints.forget();
    cluster.forgetProcess();
    jars.forget();
    disposal.forget();
    routes.forgetCaches();
    server.down = true;
    server.dropConnections();
    await cluster.pause(Math.max(downMs, NOTICED_MS));
    if (keepJobs) survivors.forEach((job) => submission.takeOver(job));
    server.down = false;
  };

  return {
    version,
    folder,
    knobs: cluster.knobs,
    requests: server.requests,
    disposed: cluster.disposed,
    get url() {
      return server.url;
    },
    get savepointRoot() {
      return cluster.savepointRoot;
    },
    get checkpointRoot() {
      return cluster.checkpointRoot;
    },
    get processMark() {
      return `flink-web-${cluster.processMark}`;
    },
    get savepointsMade() {
      cluster.timeline.settle();
      return cluster.savepointsMade;
    },
    get jobIds() {
      return [...cluster.jobs.keys()];
    },
    get jarIds() {
      return [...jars.jars.keys()];
    },
    get maxConcurrentRequests() {
      return server.maxConcurrentRequests;
    },
    triggersReceived: (jobId) => triggersIn(server.requests, jobId),
    addJob: (jobOptions = {}) => submission.add(jobOptions).id,
    job: (jobId) => {
      cluster.timeline.settle();
      const job = cluster.jobs.get(jobId);
      if (job === undefined) throw new Error(`The fake Flink knows no job ${jobId}`);
      return job;
    },
    failNext: (match, fault) => server.faults.add(match, fault),
    savepointsFailWith: (fixture, { afterMs } = {}) => operations.failNext(fixture, afterMs ?? null),
    startsFailWith: (fixture, { afterMs = 0, restarts = false } = {}) =>
      submission.failNextStart({ fixture, afterMs, restarts }),
    restoresFailWith: (fixture) => submission.failNextRestore(fixture),
    finishSavepoints: (jobId, triggerId) => operations.finishNow(jobId, triggerId),
    forgetOperations: () => {
      operations.forget();
      checkpoints.forget();
      disposal.forget();
    },
    restart,
    loseTaskManagers: () => {
      cluster.taskManagersLost = true;
      for (const job of cluster.jobs.values()) if (!job.hasEnded()) job.restart(NO_SLOTS);
    },
    returnTaskManagers: () => {
      cluster.taskManagersLost = false;
      cluster.assignSlots();
    },
    changeRoots: ({ savepointRoot, checkpointRoot }) => {
      if (savepointRoot !== undefined) cluster.setConfiguration('execution.checkpointing.savepoint-dir', savepointRoot);
      if (checkpointRoot !== undefined) cluster.setConfiguration('execution.checkpointing.dir', checkpointRoot);
    },
    stop: async () => {
      cluster.stop();
      await server.close();
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

function triggersIn(requests: RecordedRequest[], jobId?: string): string[] {
  return requests.flatMap(({ method, path: asked, body }) => {
    const of = /^(?:\/v1)?\/jobs\/([^/]+)\/(?:savepoints|stop)$/.exec(asked)?.[1];
    if (method !== 'POST' || of === undefined || (jobId !== undefined && of !== jobId)) return [];
    const triggerId = (body as { triggerId?: unknown } | null)?.triggerId;
    return typeof triggerId === 'string' ? [triggerId] : [];
  });
}
