import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  captured,
  failureCauseIn,
  hasCaptured,
  isObject,
  mapTexts,
  replyLike,
  rootMessage,
} from './captured-replies.js';
import type { JsonObject, Reply } from './captured-replies.js';
import type { Cluster } from './cluster.js';
import type { FakeJob, Snapshot } from './fake-job.js';
import { firstUnreadable, refuseBody, wrongEnum, wrongFlag, wrongText, wrongTriggerId } from './refused-body.js';
import { foldLocation, makeFolder, writeSnapshot } from './snapshot-files.js';

type Kind = 'SAVEPOINT' | 'STOP';

interface Operation {
  key: string;
  jobId: string;
  triggerId: string;
  kind: Kind;
  targetDirectory: string | null;
  drain: boolean;
  cancelJob: boolean;
  /** null while in progress. */
  result: JsonObject | null;
  finishedAt: number;
  polls: number;
  pendingPolls: number | null;
  snapshot: Snapshot | null;
  location: string | null;
  /** Folder on disk; null when the fake does not write there. */
  folder: string | null;
  /** Ends it as planned, whatever its time; only the checkpoint timeout comes by time alone. */
  end: () => void;
  offPlan: () => void;
}

interface PlannedFailure {
  fixture: string;
  afterMs: number | null;
}

const FORMATS = ['CANONICAL', 'NATIVE'];
const SUSPENDING = 'Checkpoint Coordinator is suspending.';
const isSet = (value: unknown): boolean => String(value) === 'true';
/** Where a Linux machine lets nobody make a directory. */
const UNWRITABLE = /^file:\/(proc|sys)(\/|$)/;

/** Savepoints and stops: one memory of operations, keyed by job id and trigger id, as in Flink's Dispatcher. */
export class SavepointOperations {
  private readonly operations = new Map<string, Operation>();
  private readonly failures: PlannedFailure[] = [];

  constructor(private readonly cluster: Cluster) {}

  failNext(fixture: string, afterMs: number | null): void {
    if (failureCauseIn(captured(this.cluster.version, fixture).body) === null) {
      throw new Error(`${fixture} holds no failure-cause`);
    }
    this.failures.push({ fixture, afterMs });
  }

  trigger(kind: Kind, jobId: string, body: JsonObject): Reply {
    const { version, savepointRoot } = this.cluster;
    const bodyClass = kind === 'STOP' ? 'StopWithSavepointRequestBody' : 'SavepointTriggerRequestBody';
    const field = kind === 'STOP' ? 'targetDirectory' : 'target-directory';
    const { triggerId, formatType } = body;
    const unreadable = firstUnreadable(
      wrongText(body[field]),
      wrongFlag(body['drain']),
      wrongFlag(body['cancel-job']),
      wrongEnum(formatType, 'org.apache.flink.core.execution.SavepointFormatType', FORMATS),
      wrongTriggerId(bodyClass, triggerId),
    );
    if (unreadable !== null) return refuseBody(this.cluster, bodyClass, unreadable);
    const target = body[field] == null ? null : String(body[field]);
    if (target === null && savepointRoot === null) {
      const text = 'Field savepoint-path must not be omitted or be null.';
      const key = 'Config key [execution.checkpointing.savepoint-dir]';
      return replyLike(
        version,
        'disposal-refused-no-path',
        [],
        [
          [text, `${key} is not set. Property [${field}] must be provided.`],
          ['SavepointDisposalHandlers$SavepointDisposalTriggerHandler', 'SavepointHandlers$SavepointHandlerBase'],
        ],
      );
    }
    const id = triggerId == null ? this.cluster.hex(32) : String(triggerId).toLowerCase();
    const accepted: Reply = { status: 202, body: { 'request-id': id } };
    const key = `${jobId}/${id}`;
    if (this.remembered(key) !== null) return accepted;
    const operation: Operation = {
      key,
      jobId,
      triggerId: id,
      kind,
      targetDirectory: target,
      drain: isSet(body['drain']),
      cancelJob: kind === 'SAVEPOINT' && isSet(body['cancel-job']),
      result: null,
      finishedAt: 0,
      polls: 0,
      pendingPolls: this.cluster.knobs.pendingPolls,
      snapshot: null,
      location: null,
      folder: null,
      end: () => undefined,
      offPlan: () => undefined,
    };
    this.operations.set(key, operation);
    this.begin(operation, formatType === 'NATIVE' ? 'NATIVE' : 'CANONICAL', target ?? savepointRoot ?? '');
    return accepted;
  }

  poll(jobId: string, triggerId: string): Reply {
    const operation = this.remembered(`${jobId}/${triggerId}`);
    if (operation === null)
      return replyLike(this.cluster.version, 'savepoint-poll-unknown-trigger', [jobId, triggerId]);
    operation.polls += 1;
    const { pendingPolls } = operation;
    if (operation.result === null && pendingPolls !== null && operation.polls > pendingPolls) operation.end();
    if (operation.result === null) return { status: 200, body: { status: { id: 'IN_PROGRESS' }, operation: null } };
    return { status: 200, body: { status: { id: 'COMPLETED' }, operation: operation.result } };
  }

  /** Ends pending savepoints of the job, of one trigger id or of all, as they were going to end. */
  finishNow(jobId: string, triggerId?: string): void {
    for (const operation of this.pendingOf(jobId)) {
      if (triggerId === undefined || operation.triggerId === triggerId) operation.end();
    }
  }

  /** The coordinator of this job stops: every savepoint under way fails at once. */
  suspend(jobId: string): void {
    // Without periodic checkpoints the coordinator lives until the job has ended, and says so in other words.
    const periodic = this.cluster.jobs.get(jobId)?.checkpointIntervalMs !== null;
    const words: [string, string][] = periodic ? [] : [[SUSPENDING, 'CheckpointCoordinator shutdown.']];
    for (const operation of this.pendingOf(jobId)) this.fail(operation, 'savepoint-poll-failed-cancelled', words);
  }

  /** Trigger ids are forgotten and savepoints under way go on, as after a failover of the REST side. */
  forget(): void {
    for (const [key, operation] of [...this.operations]) {
      this.operations.delete(key);
      if (operation.result === null) this.operations.set(`forgotten/${this.cluster.hex(8)}`, operation);
    }
  }

  /** The process dies: what was being written stays without its `_metadata`, for ever. */
  die(): void {
    for (const operation of this.operations.values()) {
      if (operation.result !== null) continue;
      operation.offPlan();
      if (operation.folder !== null) writeFileSync(path.join(operation.folder, this.cluster.uuid()), 'half a state');
    }
    this.operations.clear();
  }

  private pendingOf(jobId: string): Operation[] {
    return [...this.operations.values()].filter((one) => one.jobId === jobId && one.result === null);
  }

  private remembered(key: string): Operation | null {
    const operation = this.operations.get(key);
    if (operation === undefined) return null;
    const { asyncStoreDurationMs, timeline } = this.cluster;
    const age = timeline.now() - operation.finishedAt;
    // 0 means for ever, as in Flink.
    if (operation.result === null || asyncStoreDurationMs === 0 || age <= asyncStoreDurationMs) return operation;
    this.operations.delete(key);
    return null;
  }

  private begin(operation: Operation, format: 'CANONICAL' | 'NATIVE', target: string): void {
    const { cluster } = this;
    const job = cluster.jobs.get(operation.jobId);
    if (job === undefined) return this.fail(operation, 'savepoint-poll-failed-unknown-job');
    const obstacle = obstacleOf(job);
    if (obstacle !== null) {
      job.counts.total += obstacle.counts ? 1 : 0;
      job.counts.failed += obstacle.counts ? 1 : 0;
      return this.fail(operation, obstacle.fixture);
    }
    const folded = foldLocation(target, cluster.folder);
    if (folded.kind !== 'location') return this.refuseLocation(operation, job, format, folded, target);
    const location = `${folded.location}/savepoint-${job.id.slice(0, 6)}-${cluster.hex(12)}`;
    const folder = job.ownFolder(location);
    const problem = UNWRITABLE.test(location) ? '' : makeFolder(folder);
    if (problem !== null) {
      const at: [string, string] = ['file:/proc/nowhere', folded.location];
      return this.failAtTrigger(operation, job, format, 'savepoint-poll-failed-unwritable', [at], problem);
    }
    if (operation.kind === 'STOP') this.suspendOthers(operation);
    operation.location = location;
    operation.folder = folder;
    operation.snapshot = job.addSnapshot({
      type: operation.kind === 'STOP' ? 'SYNC_SAVEPOINT' : 'SAVEPOINT',
      format,
      location,
      progress: this.progressOf(operation, job.tasks.length),
    });
    this.plan(operation, job);
  }

  private plan(operation: Operation, job: FakeJob): void {
    const { timeline, knobs } = this.cluster;
    const planned = this.failures.shift();
    const conclude = (fixture: string | null): void => {
      operation.offPlan();
      if (operation.result !== null) return;
      if (fixture === null) this.complete(operation, job);
      else this.failAsCaptured(operation, job, fixture);
    };
    operation.end = () => conclude(planned?.fixture ?? null);
    if (operation.pendingPolls !== null) return;
    const durationMs = planned?.afterMs ?? knobs.savepointDurationMs;
    if (durationMs <= job.checkpointTimeoutMs) operation.offPlan = timeline.after(durationMs, operation.end);
    else {
      const fixture = operation.kind === 'STOP' ? 'stop-poll-failed-timeout' : 'savepoint-poll-failed-timeout';
      operation.offPlan = timeline.after(job.checkpointTimeoutMs, () => conclude(fixture));
    }
  }

  /** Acknowledgements rise in `savepointSteps` steps, and never reach all subtasks before the end. */
  private progressOf(operation: Operation, subtasks: number): Snapshot['progress'] {
    const { timeline, knobs } = this.cluster;
    const startedAt = timeline.now();
    const { savepointDurationMs: durationMs, savepointSteps: steps } = knobs;
    let reached = { step: 0, at: -1 };
    return () => {
      const now = timeline.now();
      const { pendingPolls } = operation;
      const fraction =
        pendingPolls === null
          ? (now - startedAt) / Math.max(1, durationMs)
          : operation.polls / Math.max(1, pendingPolls);
      const step = Math.floor(Math.min(1, fraction) * steps);
      if (step > reached.step) reached = { step, at: now };
      const acknowledged = Math.min(
        Math.max(0, subtasks - 1),
        Math.floor((subtasks * reached.step) / Math.max(1, steps)),
      );
      return { acknowledged, latestAckAt: reached.at };
    };
  }

  private suspendOthers(operation: Operation): void {
    for (const other of this.pendingOf(operation.jobId)) {
      if (other !== operation) this.fail(other, 'savepoint-poll-failed-cancelled');
    }
  }

  private complete(operation: Operation, job: FakeJob): void {
    const location = this.writeSavepoint(operation, job);
    this.settle(operation, { location });
    if (operation.kind === 'STOP') job.setState('FINISHED');
    else if (operation.cancelJob && !job.hasEnded()) job.setState('CANCELED');
  }

  private writeSavepoint(operation: Operation, job: FakeJob): string {
    const { cluster } = this;
    const { snapshot, location, folder } = operation;
    if (snapshot === null || location === null) throw new Error('A savepoint ended that never began');
    if (folder !== null) {
      const end = operation.kind === 'SAVEPOINT' ? 'NONE' : operation.drain ? 'TERMINATE' : 'SUSPEND';
      writeSnapshot(folder, {
        version: cluster.version,
        checkpointId: snapshot.id,
        kind: { format: snapshot.format ?? 'CANONICAL', end },
        operators: snapshot.vertices,
      });
    }
    job.finishSnapshot(snapshot);
    const { jobId, triggerId, targetDirectory } = operation;
    cluster.savepointsMade.push({ jobId, triggerId, location, targetDirectory });
    return location;
  }

  /** What the cluster did when that reply was captured: also to the savepoint and to the job. */
  private failAsCaptured(operation: Operation, job: FakeJob, fixture: string): void {
    const cause = failureCauseIn(captured(this.cluster.version, fixture).body);
    const madeAt = /A savepoint has been created at: (.+?), but the corresponding job/.exec(
      cause?.['stack-trace'] ?? '',
    )?.[1];
    const cancelled = fixture.startsWith('stop-poll-cancelled-while-stopping');
    if (madeAt !== undefined || cancelled) {
      const location = this.writeSavepoint(operation, job);
      this.fail(operation, fixture, madeAt === undefined ? [] : [[madeAt, location]]);
      return cancelled ? job.setState('CANCELED') : job.setState('FAILED', 'exceptions-stopping-failed');
    }
    this.fail(operation, fixture);
    const stopTimedOut = operation.kind === 'STOP' && fixture.includes('timeout');
    if (stopTimedOut || fixture.includes('taskmanager-lost')) job.restart();
    else if (fixture === 'savepoint-poll-failed-cancelled') job.setState('CANCELED');
  }

  /** `causes`: `Caused by` lines that the captured trace does not have. */
  private failAtTrigger(
    operation: Operation,
    job: FakeJob,
    format: Snapshot['format'],
    fixture: string,
    replacements: [string, string][],
    causes = '',
  ): void {
    operation.snapshot = job.addSnapshot({
      type: operation.kind === 'STOP' ? 'SYNC_SAVEPOINT' : 'SAVEPOINT',
      format,
      location: null,
      progress: () => ({ acknowledged: 0, latestAckAt: -1 }),
    });
    this.fail(operation, fixture, replacements, causes);
  }

  private refuseLocation(
    operation: Operation,
    job: FakeJob,
    format: Snapshot['format'],
    folded: Exclude<ReturnType<typeof foldLocation>, { kind: 'location' }>,
    target: string,
  ): void {
    const refuse = (fixture: string, replacements: [string, string][]): void =>
      this.failAtTrigger(operation, job, format, `savepoint-poll-failed-${fixture}`, replacements);
    if (folded.kind === 'scheme') return refuse('unknown-scheme', [["'nofs'", `'${folded.scheme}'`]]);
    const failure = 'Failed to create savepoint directory at file:/proc/nowhere';
    if (folded.kind === 'authority') {
      const problem = `Found local file path with authority '${folded.authority}' in path '${target}'. Hint: Did you forget a slash? (correct path would be 'file:///${folded.authority}')`;
      return refuse('unwritable', [[failure, problem]]);
    }
    const problem = 'java.lang.IllegalArgumentException: Can not create a Path from an empty string';
    refuse('unwritable', [
      ['An Exception occurred while triggering the checkpoint. IO-problem detected.', 'Trigger checkpoint failure.'],
      [`java.io.IOException: ${failure}`, problem],
    ]);
  }

  private fail(operation: Operation, fixture: string, replacements: [string, string][] = [], causes = ''): void {
    const { version } = this.cluster;
    const name = hasCaptured(version, fixture) ? fixture : `${fixture}-adaptive`;
    const { body } = replyLike(version, name, [operation.jobId, operation.triggerId]);
    const changed = mapTexts(body, (text) =>
      replacements.reduce((result, [from, to]) => result.replaceAll(from, to), text),
    );
    if (!isObject(changed) || !isObject(changed['operation'])) throw new Error(`${name} is no poll of an operation`);
    const cause = failureCauseIn(changed);
    if (cause !== null) cause['stack-trace'] += causes;
    const { snapshot, folder } = operation;
    operation.offPlan();
    if (snapshot?.status === 'IN_PROGRESS') {
      const message = checkpointFailureIn(cause?.['stack-trace'] ?? '');
      this.cluster.jobs.get(operation.jobId)?.abandonSnapshot(snapshot, message);
      if (folder !== null) rmSync(folder, { recursive: true, force: true });
    }
    this.settle(operation, changed['operation']);
  }

  private settle(operation: Operation, result: JsonObject): void {
    operation.result = result;
    operation.finishedAt = this.cluster.timeline.now();
  }
}

/** Why no savepoint can be triggered now. `counts`: the attempt shows in the job's counts, without an entry. */
function obstacleOf(job: FakeJob): { fixture: string; counts: boolean } | null {
  if (job.hasEnded()) return { fixture: 'savepoint-poll-failed-job-ended', counts: false };
  if (job.state === 'INITIALIZING') return { fixture: 'savepoint-poll-failed-job-initializing', counts: false };
  if (job.state !== 'RUNNING') return { fixture: 'savepoint-poll-failed-restarting', counts: true };
  const ready = job.tasks.every((task) => task === 'RUNNING' || task === 'FINISHED');
  return ready ? null : { fixture: 'savepoint-poll-failed-tasks-initializing', counts: true };
}

/** As the checkpoint history words it: what the checkpoint coordinator says, without what made it say so. */
function checkpointFailureIn(stackTrace: string): string {
  return /CheckpointException: ([^\n]*)/.exec(stackTrace)?.[1] ?? rootMessage(stackTrace);
}
