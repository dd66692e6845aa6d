import { randomUUID } from 'node:crypto';
import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { InvalidInput, NotFound } from '../api/user-error.js';
import { type Cluster, ClusterState } from '../cluster/cluster.entity.js';
import { ClusterChanged, NoSavepointRoot } from '../cluster/cluster.types.js';
import type { Database, Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { type Deployment, DeploymentState } from '../deployment/deployment.entity.js';
import { findForDecision } from '../deployment/find-deployment.js';
import type { SavepointFormat } from '../deployment/savepoint-format.js';
import { EventType } from '../event/event-types.js';
import { failPoint } from '../fail-point.js';
import { ambiguityOf } from '../job/ambiguous-job.js';
import { findJob } from '../job/find-job.js';
import type { Job } from '../job/job.entity.js';
import { advanceSavepoint } from '../queue/tasks.js';
import type { TaskQueue } from '../queue/task-queue.js';
import { recordInOrder } from '../event/record-event.js';
import { admitTo } from './admit-savepoints.js';
import { chooseFormat } from './choose-format.js';
import { expectedDurationMs, likelyToExpire } from './expectations.js';
import { findSavepoint } from './find-savepoint.js';
import { givesWay, overtake } from './overtake-scheduled.js';
import { SavepointOrigin, SavepointState } from './savepoint.enums.js';
import type { Savepoint } from './savepoint.entity.js';
import { insertSavepoint, lastDurationsMs, savepointUnderWay } from './savepoint.store.js';
import {
  type CreateSavepointInput,
  type CreateSavepointResult,
  DeploymentNotRunning,
  FormatNotSupported,
  SavepointInProgress,
} from './savepoint.types.js';

export interface RequestSavepointDeps {
  database: Database;
  taskQueue: TaskQueue;
}

/** Time for the queue to bring the task before the watcher finds the row by itself. */
const LOOK_BY_ITSELF_MS = 2_000;

/** Accepts a savepoint durably, or says why not. Answers before Flink was asked. */
export async function requestSavepoint(
  { database, taskQueue }: RequestSavepointDeps,
  input: CreateSavepointInput,
  caller: Caller,
): Promise<CreateSavepointResult> {
  checkId('deploymentId', input.deploymentId);
  if (input.description && input.description.length > 500) {
    return new InvalidInput('description', `it has ${input.description.length} characters; 500 are kept.`);
  }
  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'createSavepoint', input };
  const answer = await answerOnce(database, request, findSavepoint, async (tx) => {
    const found = await findForDecision(tx, input.deploymentId);
    if (!found) return new NotFound('deploymentId', 'deployment', input.deploymentId);
    const { deployment, cluster } = found;
    const job = deployment.currentJobId ? await findJob(tx, deployment.currentJobId) : null;
    const underWay = await savepointUnderWay(tx, deployment.id);
    const refusal = await refuse(tx, deployment, job, cluster, underWay);
    if (refusal) return refusal;
    if (!job) throw new Error('A running deployment has a job');
    const format = chooseFormat(input.format ?? deployment.savepointFormat, job.stateBackend);
    if (format instanceof FormatNotSupported) return format;

    const id: string = randomUUID();
    const overtaken = underWay ? [await overtake(tx, underWay, id)] : [];
    await store(tx, id, input, deployment, job, format, caller);
    const admitted = await admitTo(tx, cluster, LOOK_BY_ITSELF_MS);
    await recordInOrder(tx, [...overtaken, requested(id, input, deployment, job, caller), ...admitted]);
    return id;
  });
  failPoint('request.committed');
  if ('state' in answer && answer.state === SavepointState.IN_PROGRESS) {
    taskQueue.submit(advanceSavepoint, { savepointId: answer.id }, caller.requestId);
  }
  failPoint('request.queued');
  return answer;
}

async function refuse(
  tx: Transaction,
  deployment: Deployment,
  job: Job | null,
  cluster: Cluster,
  underWay: Savepoint | null,
) {
  if (underWay && !givesWay(underWay)) return new SavepointInProgress(underWay.id);
  const ambiguous = deployment.ambiguousSince && (await ambiguityOf(tx, deployment.id));
  if (ambiguous) return ambiguous;
  if (deployment.state !== DeploymentState.RUNNING) {
    return new DeploymentNotRunning(deployment.name, deployment.state, deployment.stateSince, job?.waitingFor ?? null);
  }
  if (cluster.state === ClusterState.CHANGED) return new ClusterChanged(cluster);
  if (!cluster.savepointStorageId) return new NoSavepointRoot(cluster);
  return null;
}

async function store(
  tx: Transaction,
  id: string,
  input: CreateSavepointInput,
  deployment: Deployment,
  job: Job,
  format: SavepointFormat,
  caller: Caller,
): Promise<void> {
  const durations = await lastDurationsMs(tx, deployment.id, format);
  const warning = likelyToExpire(durations, job.checkpointTimeoutMs);
  await insertSavepoint(
    tx,
    {
      id,
      deploymentId: deployment.id,
      jobId: job.id,
      clusterId: deployment.clusterId,
      origin: SavepointOrigin.MANUAL,
      format,
      description: input.description?.trim() || null,
      expectedDurationMs: expectedDurationMs(durations),
      warnings: warning ? [warning] : [],
      actor: caller.actor,
    },
    LOOK_BY_ITSELF_MS,
  );
}

function requested(
  savepointId: string,
  input: CreateSavepointInput,
  deployment: Deployment,
  job: Job,
  { actor }: Caller,
) {
  return {
    type: EventType.SAVEPOINT_REQUESTED,
    deploymentId: deployment.id,
    clusterId: deployment.clusterId,
    jobId: job.id,
    savepointId,
    actor,
    message: `Savepoint ${savepointId} of ${deployment.name} was asked for by ${actor}${input.description ? `: ${input.description.trim()}` : ''}.`,
  };
}
