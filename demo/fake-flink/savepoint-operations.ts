import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { captured, failureCauseIn, replyLike } from './captured-replies.js';
import type { JsonObject, Reply } from './captured-replies.js';
import type { Cluster } from './cluster.js';
import { SUSPENDING } from './fake-job.js';
import type { FakeJob } from './fake-job.js';
import type { Snapshot } from './job-checkpoints.js';
import { failedOperation, messageInHistory, namedSavepoint, obstacleOf } from './operation-failures.js';
import { refusalOf, savepointIn, variantOf } from './operation-failures.js';
import type { FailureText, OperationKind } from './operation-failures.js';
import { risingWith } from './progress.js';
import { firstUnreadable, refuseBody, wrongEnum, wrongFlag, wrongText, wrongTriggerId } from './refused-body.js';
import { foldLocation, makeFolder, writeSnapshot } from './snapshot-files.js';

interface Operation {
  key: string;
  jobId: string;
  triggerId: string;
  kind: OperationKind;
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
  /** Of a stop: its savepoint is whole, and the tasks are closing. */
  isClosing: boolean;
  /** Ends it as planned, whatever its time; only the checkpoint timeout comes by time alone. */
  end: () => void;
  offPlan: () => void;
}

interface PlannedFailure {
  fixture: string;
  afterMs: number | null;
}

const FORMATS = ['CANONICAL', 'NATIVE'];
const isSet = (value: unknown): boolean => String(value) === 'true';
/** Where a Linux machine lets nobody make a directory. */
const UNWRITABLE = /^file:\/(proc|sys)(\/|$)/;

/** Savepoints and stops: one memory of operations, keyed by job id and trigger id, as in Flink's Dispatcher. */
export class SavepointOperations {
  private readonly operations = new Map<string, Operation>();
  private readonly failures: PlannedFailure[] = [];

  constructor(private readonly cluster: Cluster) {}

  failNext(fixture: string, afterMs: number | null): void {
    const name = variantOf(this.cluster, fixture);
    if (failureCauseIn(captured(this.cluster.version, name).body) === null) {
      throw new Error(`${fixture} holds no failure-cause`);
    }
    this.failures.push({ fixture, afterMs });
  }

  trigger(kind: OperationKind, jobId: string, body: JsonObject): Reply {
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
      isClosing: false,
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
    const isDue = pendingPolls !== null && operation.polls > pendingPolls && !operation.isClosing;
    if (operation.result === null && isDue) operation.end();
    if (operation.result === null) return { status: 200, body: { status: { id: 'IN_PROGRESS' }, operation: null } };
    return { status: 200, body: { status: { id: 'COMPLETED' }, operation: operation.result } };
  }

  /** Ends pending savepoints of the job, of one trigger id or of all, as they were going to end. */
  finishNow(jobId: string, triggerId?: string): void {
    for (const operation of this.pendingOf(jobId)) {
      if (triggerId === undefined || operation.triggerId === triggerId) operation.end();
    }
  }

  /** The coordinator of this job stops: every savepoint under way fails at once, and a stop that is closing its tasks too. */
  suspend(jobId: string): void {
    const job = this.cluster.jobs.get(jobId);
    const cancelled = job?.state === 'CANCELLING' || job?.state === 'CANCELED';
    // Without periodic checkpoints the coordinator lives until the job has ended, and says so in other words.
    const periodic = job?.settings.checkpointIntervalMs !== null;
    const words: [string, string][] = periodic ? [] : [[SUSPENDING, 'CheckpointCoordinator shutdown.']];
    for (const operation of this.pendingOf(jobId)) {
      const isAdaptiveStop = this.cluster.isAdaptive && operation.kind === 'STOP';
      if (operation.isClosing || (isAdaptiveStop && cancelled)) {
        const fixture = cancelled ? 'stop-poll-cancelled-while-stopping' : 'stop-poll-stopping-failed';
        this.failAfterSavepoint(operation, fixture);
      } else this.fail(operation, { fixture: 'savepoint-poll-failed-cancelled', replacements: words });
    }
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
    const { kind } = operation;
    const job = cluster.jobs.get(operation.jobId);
    const obstacle = obstacleOf(job, kind, cluster);
    if (job === undefined || obstacle !== null) {
      if (obstacle?.counts) job?.checkpoints.countAttempt();
      return this.fail(operation, { fixture: obstacle?.fixture ?? '' });
    }
    const type = kind === 'STOP' ? 'SYNC_SAVEPOINT' : 'SAVEPOINT';
    const refuse = (text: FailureText): void => {
      const progress = (): ReturnType<Snapshot['progress']> => ({ acknowledged: 0, latestAckAt: -1 });
      operation.snapshot = job.checkpoints.add({ type, format, location: null, progress });
      this.fail(operation, text);
    };
    const folded = foldLocation(target, cluster.folder);
    if (folded.kind !== 'location') return refuse(refusalOf(folded, target));
    const location = `${folded.location}/savepoint-${job.id.slice(0, 6)}-${cluster.hex(12)}`;
    const folder = job.checkpoints.ownFolder(location);
    const causes = UNWRITABLE.test(location) ? '' : makeFolder(folder);
    if (causes !== null) {
      const replacements: [string, string][] = [['file:/proc/nowhere', folded.location]];
      return refuse({ fixture: 'savepoint-poll-failed-unwritable', replacements, causes });
    }
    if (kind === 'STOP') this.beginStop(operation, job);
    operation.location = location;
    operation.folder = folder;
    const progress = this.progressOf(operation, job.tasks.length);
    operation.snapshot = job.checkpoints.add({ type, format, location, progress });
    this.plan(operation, job);
  }

  /** The coordinator ends whatever is under way, and takes no more checkpoints. */
  private beginStop(stop: Operation, job: FakeJob): void {
    job.stopping = true;
    job.checkpoints.abandonUnderWay(SUSPENDING);
    for (const other of this.pendingOf(job.id)) {
      if (other !== stop) this.fail(other, { fixture: 'savepoint-poll-failed-cancelled' });
    }
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
    const { checkpointTimeoutMs } = job.settings;
    if (durationMs <= checkpointTimeoutMs) operation.offPlan = timeline.after(durationMs, operation.end);
    else {
      const fixture = operation.kind === 'STOP' ? 'stop-poll-failed-timeout' : 'savepoint-poll-failed-timeout';
      operation.offPlan = timeline.after(checkpointTimeoutMs, () => conclude(fixture));
    }
  }

  private progressOf(operation: Operation, subtasks: number): Snapshot['progress'] {
    const { timeline, knobs } = this.cluster;
    const startedAt = timeline.now();
    const { savepointDurationMs: durationMs, savepointSteps: steps } = knobs;
    const { pendingPolls } = operation;
    return risingWith(timeline, subtasks, steps, () =>
      pendingPolls === null
        ? (timeline.now() - startedAt) / Math.max(1, durationMs)
        : operation.polls / Math.max(1, pendingPolls),
    );
  }

  private complete(operation: Operation, job: FakeJob): void {
    const location = this.writeSavepoint(operation, job);
    if (operation.kind === 'STOP') return this.close(operation, job, location);
    this.settle(operation, { location });
    if (operation.cancelJob && !job.hasEnded()) job.setState('CANCELED');
  }

  /** The savepoint of a stop is whole; the job ends when its tasks have closed. */
  private close(stop: Operation, job: FakeJob, location: string): void {
    const { timeline, knobs } = this.cluster;
    stop.isClosing = true;
    stop.end = () => {
      stop.offPlan();
      if (stop.result !== null) return;
      this.settle(stop, { location });
      // Behind a drain one more checkpoint appears, and mostly fails with the end of the job.
      if (stop.drain && job.settings.checkpointIntervalMs !== null) job.failCheckpoint(SUSPENDING);
      job.setState('FINISHED');
    };
    if (knobs.closeDurationMs <= 0) stop.end();
    else stop.offPlan = timeline.after(knobs.closeDurationMs, stop.end);
  }

  private writeSavepoint(operation: Operation, job: FakeJob): string {
    const { cluster } = this;
    const { snapshot, location, folder } = operation;
    if (snapshot === null || location === null) throw new Error('A savepoint ended that never began');
    if (snapshot.status === 'COMPLETED') return location;
    if (folder !== null) {
      const end = operation.kind === 'SAVEPOINT' ? 'NONE' : operation.drain ? 'TERMINATE' : 'SUSPEND';
      writeSnapshot(folder, {
        version: cluster.version,
        checkpointId: snapshot.id,
        kind: { format: snapshot.format ?? 'CANONICAL', end },
        operators: snapshot.vertices,
        held: cluster.knobs.held?.(job.program),
      });
    }
    job.checkpoints.finish(snapshot);
    const { jobId, triggerId, targetDirectory } = operation;
    cluster.savepointsMade.push({ jobId, triggerId, location, targetDirectory });
    return location;
  }

  /** What the cluster did when that reply was captured: also to the savepoint and to the job. */
  private failAsCaptured(operation: Operation, job: FakeJob, fixture: string): void {
    const cancelled = fixture.startsWith('stop-poll-cancelled-while-stopping');
    if (savepointIn(this.cluster, fixture) !== null || cancelled) {
      this.writeSavepoint(operation, job);
      this.failAfterSavepoint(operation, fixture);
      return cancelled ? job.setState('CANCELED') : this.failWhileStopping(job, operation.location ?? '');
    }
    this.fail(operation, { fixture });
    const stopTimedOut = operation.kind === 'STOP' && fixture.includes('timeout');
    if (stopTimedOut || fixture.includes('taskmanager-lost')) job.restart();
    else if (fixture === 'savepoint-poll-failed-cancelled') job.setState('CANCELED');
  }

  /** Fails, and names the savepoint that is whole where the captured failure does. */
  private failAfterSavepoint(operation: Operation, fixture: string): void {
    const captured = savepointIn(this.cluster, fixture);
    const replacements: [string, string][] = captured === null ? [] : [[captured, operation.location ?? '']];
    this.fail(operation, { fixture, replacements });
  }

  /** What the history of such a job says also names the savepoint. */
  private failWhileStopping(job: FakeJob, location: string): void {
    job.setState('FAILED', variantOf(this.cluster, 'exceptions-stopping-failed'));
    const { failure } = job;
    if (failure === null) return;
    const known = namedSavepoint(failure.stackTrace);
    if (known !== null) job.failure = { ...failure, stackTrace: failure.stackTrace.replaceAll(known, location) };
  }

  private fail(operation: Operation, text: FailureText): void {
    const result = failedOperation(this.cluster, operation, text);
    const { snapshot, folder } = operation;
    const job = this.cluster.jobs.get(operation.jobId);
    operation.offPlan();
    if (snapshot?.status === 'IN_PROGRESS') {
      job?.checkpoints.abandon(snapshot, messageInHistory(result));
      if (folder !== null) rmSync(folder, { recursive: true, force: true });
    }
    if (operation.kind === 'STOP' && job) job.stopping = false;
    this.settle(operation, result);
  }

  private settle(operation: Operation, result: JsonObject): void {
    operation.result = result;
    operation.finishedAt = this.cluster.timeline.now();
  }
}
