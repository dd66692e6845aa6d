import { captured, failureCauseIn, isObject, replyLike } from './captured-replies.js';
import type { JsonObject, Reply } from './captured-replies.js';
import type { Cluster } from './cluster.js';
import { SUSPENDING } from './fake-job.js';
import type { FakeJob } from './fake-job.js';
import type { Snapshot } from './job-checkpoints.js';
import { firstUnreadable, refuseBody, wrongEnum, wrongTriggerId } from './refused-body.js';

interface Operation {
  jobId: string;
  /** null when none was begun. */
  snapshot: Snapshot | null;
  /** null while in progress. */
  result: JsonObject | null;
  finishedAt: number;
}

const TYPES = ['INCREMENTAL', 'CONFIGURED', 'FULL'];

/** Checkpoints asked for by POST /jobs/:id/checkpoints; their trigger ids are apart from those of savepoints, as in Flink. */
export class CheckpointOperations {
  private readonly operations = new Map<string, Operation>();

  constructor(private readonly cluster: Cluster) {}

  /** A checkpoint takes as long as the knob says of a savepoint. */
  trigger(jobId: string, body: JsonObject): Reply {
    const { cluster } = this;
    const { triggerId, checkpointType } = body;
    const bodyClass = 'CheckpointTriggerRequestBody';
    const unreadable = firstUnreadable(
      wrongEnum(checkpointType, 'org.apache.flink.core.execution.CheckpointType', TYPES),
      wrongTriggerId(bodyClass, triggerId),
    );
    if (unreadable !== null) return refuseBody(cluster, bodyClass, unreadable);
    if (checkpointType === 'INCREMENTAL') return replyLike(cluster.version, 'checkpoint-refused-incremental', [jobId]);
    const id = typeof triggerId === 'string' ? triggerId.toLowerCase() : cluster.hex(32);
    const key = `${jobId}/${id}`;
    if (this.remembered(key) === null) this.operations.set(key, this.begin(jobId, key));
    return { status: 202, body: { 'request-id': id } };
  }

  poll(jobId: string, triggerId: string): Reply {
    const operation = this.remembered(`${jobId}/${triggerId}`);
    if (operation === null) {
      return replyLike(this.cluster.version, 'checkpoint-poll-unknown-trigger', [jobId, triggerId]);
    }
    this.failIfSuspended(operation);
    if (operation.result === null) return { status: 200, body: { status: { id: 'IN_PROGRESS' }, operation: null } };
    return { status: 200, body: { status: { id: 'COMPLETED' }, operation: operation.result } };
  }

  forget(): void {
    this.operations.clear();
  }

  private remembered(key: string): Operation | null {
    const operation = this.operations.get(key);
    if (operation === undefined) return null;
    const { asyncStoreDurationMs, timeline } = this.cluster;
    const age = timeline.now() - operation.finishedAt;
    if (operation.result === null || asyncStoreDurationMs === 0 || age <= asyncStoreDurationMs) return operation;
    this.operations.delete(key);
    return null;
  }

  private begin(jobId: string, key: string): Operation {
    const { cluster } = this;
    const job = cluster.jobs.get(jobId);
    const operation: Operation = { jobId, snapshot: null, result: null, finishedAt: 0 };
    const obstacle = obstacleOf(job, cluster);
    if (obstacle !== null || job === undefined) {
      this.settle(operation, this.failure(obstacle ?? '', key));
      return operation;
    }
    const snapshot = job.checkpoints.begin();
    operation.snapshot = snapshot;
    const end = (): void => {
      this.failIfSuspended(operation);
      if (operation.result !== null) return;
      job.checkpoints.complete(snapshot);
      this.settle(operation, { checkpointId: snapshot.id });
    };
    if (cluster.knobs.savepointDurationMs <= 0) end();
    else cluster.timeline.after(cluster.knobs.savepointDurationMs, end);
    return operation;
  }

  /** A job that has left RUNNING, or began to stop meanwhile, has ended its checkpoints. */
  private failIfSuspended(operation: Operation): void {
    const job = this.cluster.jobs.get(operation.jobId);
    const { result, snapshot } = operation;
    if (result !== null || snapshot === null || (job?.state === 'RUNNING' && snapshot.status !== 'FAILED')) return;
    job?.checkpoints.abandon(snapshot, SUSPENDING);
    const cause = failureCauseIn(captured(this.cluster.version, 'savepoint-poll-failed-cancelled').body);
    this.settle(operation, { failureCause: cause });
  }

  private failure(fixture: string, key: string): JsonObject {
    const { body } = replyLike(this.cluster.version, fixture, key.split('/'));
    const operation = isObject(body) ? body['operation'] : null;
    if (!isObject(operation)) throw new Error(`${fixture} is no poll of an operation`);
    return operation;
  }

  private settle(operation: Operation, result: JsonObject): void {
    operation.result = result;
    operation.finishedAt = this.cluster.timeline.now();
  }
}

function obstacleOf(job: FakeJob | undefined, { isAdaptive }: Cluster): string | null {
  if (job === undefined || job.hasEnded()) return 'checkpoint-poll-failed-unknown-job';
  if (job.allTasksRun()) return null;
  return isAdaptive && job.state !== 'RUNNING' ? 'checkpoint-poll-failed-adaptive' : 'checkpoint-poll-failed';
}
