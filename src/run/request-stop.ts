import { randomUUID } from 'node:crypto';
import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { NotFound } from '../api/user-error.js';
import { type Cluster, ClusterState } from '../cluster/cluster.entity.js';
import { ClusterChanged, NoSavepointRoot } from '../cluster/cluster.types.js';
import type { Database, Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { type Deployment, DeploymentState } from '../deployment/deployment.entity.js';
import { findForDecision } from '../deployment/find-deployment.js';
import type { SavepointFormat } from '../deployment/savepoint-format.js';
import { EventType } from '../event/event-types.js';
import type { NewEvent } from '../event/record-event.js';
import { failPoint } from '../fail-point.js';
import { ambiguityOf } from '../job/ambiguous-job.js';
import { findJob } from '../job/find-job.js';
import { type Job, JobState } from '../job/job.entity.js';
import { isLive } from '../job/job.lifecycle.js';
import { beginStopping } from '../job/stop-job.js';
import { tellDeployments } from '../job/tell-deployment.js';
import type { TaskQueue } from '../queue/task-queue.js';
import { advanceStop } from '../queue/tasks.js';
import { admitSavepoints } from '../savepoint/admit-savepoints.js';
import { chooseFormat } from '../savepoint/choose-format.js';
import { makeWayForStop, withdrawOfStop } from '../savepoint/make-way-for-stop.js';
import { DeploymentNotRunning, FormatNotSupported } from '../savepoint/savepoint.types.js';
import { checkStop } from './check-stop.js';
import { findStop } from './find-stop.js';
import { explainLoss, lossByCancel } from './state-at-cancel.js';
import type { Stop } from './stop.entity.js';
import { StopMode, StopState, WhenSavepointRuns } from './stop.enums.js';
import { insertStop, lockStopOf, recordedState, supersede } from './stop.store.js';
import { StateWouldBeLost, type StopDeploymentInput, type StopDeploymentResult, StopInProgress } from './stop.types.js';

export interface RequestStopDeps {
  database: Database;
  taskQueue: TaskQueue;
}

/** Time for the queue to bring the task before the watcher finds the row by itself. */
const LOOK_BY_ITSELF_MS = 2_000;

/** Accepts a stop durably, or says why not. Answers before Flink was asked: what Flink must be asked for is checked again right before a cancel. */
export async function requestStop(
  { database, taskQueue }: RequestStopDeps,
  input: StopDeploymentInput,
  caller: Caller,
): Promise<StopDeploymentResult> {
  checkId('deploymentId', input.deploymentId);
  const problem = checkStop(input);
  if (problem) return problem;
  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'stopDeployment', input };
  const answer = await answerOnce(database, request, findStop, async (tx) => {
    const found = await findForDecision(tx, input.deploymentId);
    if (!found) return new NotFound('deploymentId', 'deployment', input.deploymentId);
    const { deployment, cluster } = found;
    const job = deployment.currentJobId ? await findJob(tx, deployment.currentJobId) : null;
    if (!job || !isLive(job.state)) return notRunning(deployment, job, input.mode);
    const active = await lockStopOf(tx, job.id);
    if (active && !mayBeSuperseded(active, input.mode)) return new StopInProgress(deployment.name, active);
    const refusal =
      (deployment.ambiguousSince && (await ambiguityOf(tx, deployment.id))) ??
      refuseByState(deployment, job, cluster, input.mode) ??
      (await refuseLoss(tx, job, active, input));
    if (refusal) return refusal;
    const format =
      input.mode === StopMode.WITHOUT_SAVEPOINT
        ? null
        : chooseFormat(input.format ?? deployment.savepointFormat, job.stateBackend);
    if (format instanceof FormatNotSupported) return format;
    return accept(tx, { input, deployment, job, cluster, active, format, caller });
  });
  failPoint('request.committed');
  if ('outcome' in answer && answer.state === StopState.IN_PROGRESS) {
    taskQueue.submit(advanceStop, { stopId: answer.id }, caller.requestId);
  }
  failPoint('request.queued');
  return answer;
}

/** WITHOUT_SAVEPOINT takes the place of a stop that hangs; a cancel that is on its way is one already. */
const mayBeSuperseded = (active: Stop, mode: StopMode): boolean =>
  mode === StopMode.WITHOUT_SAVEPOINT &&
  !(active.mode === StopMode.WITHOUT_SAVEPOINT && active.state === StopState.IN_PROGRESS);

function refuseByState(deployment: Deployment, job: Job, cluster: Cluster, mode: StopMode) {
  if (mode !== StopMode.WITHOUT_SAVEPOINT && deployment.state !== DeploymentState.RUNNING) {
    return notRunning(deployment, job, mode);
  }
  if (cluster.state === ClusterState.CHANGED) return new ClusterChanged(cluster);
  if (mode !== StopMode.WITHOUT_SAVEPOINT && !cluster.savepointStorageId) return new NoSavepointRoot(cluster);
  return null;
}

function notRunning(deployment: Deployment, job: Job | null, mode: StopMode): DeploymentNotRunning {
  const live = job !== null && isLive(job.state);
  const wayOut = !live
    ? 'There is nothing to stop.'
    : `A stop ${mode} needs every task running: wait for RUNNING, or stop it WITHOUT_SAVEPOINT (the next start goes on from its newest checkpoint).`;
  return new DeploymentNotRunning(
    deployment.name,
    deployment.state,
    deployment.stateSince,
    live ? job.waitingFor : null,
    wayOut,
  );
}

/**
 * By what was observed. What is not known yet is left to the check right before the cancel, and so is NONE_COMPLETED: the record
 * lags by some seconds, in which the first checkpoint may have completed.
 */
async function refuseLoss(tx: Transaction, job: Job, active: Stop | null, input: StopDeploymentInput) {
  if (input.mode !== StopMode.WITHOUT_SAVEPOINT || input.acceptStateLoss) return null;
  const cancelledByOthers = job.state === JobState.STOPPING && !active;
  if (job.state === JobState.SUBMITTING || cancelledByOthers) return null;
  const { checkpointing, completed, startState, remaining } = await recordedState(tx, job.id);
  if (!checkpointing) return null;
  const loss = lossByCancel({
    checkpointing,
    everRan: job.startedAt !== null,
    completed,
    startState,
  });
  if (loss === null || loss === 'NONE_COMPLETED') return null;
  return new StateWouldBeLost(explainLoss(loss, remaining));
}

interface Accepted {
  input: StopDeploymentInput;
  deployment: Deployment;
  job: Job;
  cluster: Cluster;
  /** Whose place it takes. */
  active: Stop | null;
  format: SavepointFormat | null;
  caller: Caller;
}

async function accept(
  tx: Transaction,
  { input, deployment, job, cluster, active, format, caller }: Accepted,
): Promise<string> {
  const id = randomUUID();
  const events: NewEvent[] = [];
  if (active) events.push(...(await takePlaceOf(tx, job, active, id, caller)));
  const abort = input.whenSavepointRuns === WhenSavepointRuns.ABORT;
  const way = await makeWayForStop(tx, job, { abort });
  events.push(...way.events);
  const waitsFor = abort ? null : way.running;
  const waitingFor = waitsFor && `savepoint ${waitsFor.id}, which a stop would abort`;
  await insertStop(
    tx,
    {
      id,
      deploymentId: deployment.id,
      jobId: job.id,
      clusterId: cluster.id,
      mode: input.mode,
      state: waitsFor ? StopState.WAITING : StopState.IN_PROGRESS,
      waitingFor,
      format,
      description: input.description?.trim() || null,
      whenSavepointRuns: input.whenSavepointRuns,
      cancelIfYoungerMs: input.onFailure?.checkpointYoungerThanMs ?? null,
      acceptStateLoss: input.acceptStateLoss,
      waitsForSavepointId: waitsFor?.id ?? null,
      actor: caller.actor,
    },
    LOOK_BY_ITSELF_MS,
  );
  events.push(...(await admitSavepoints(tx, cluster.id, 0))); // one that was withdrawn may have freed its place
  const stopping = await beginStopping(tx, job);
  const about = { deploymentId: deployment.id, jobId: job.id, clusterId: cluster.id, stopId: id, actor: caller.actor };
  const why = input.description ? `: ${input.description.trim()}` : '';
  await tellDeployments(
    tx,
    [stopping],
    [
      {
        ...about,
        type: EventType.STOP_REQUESTED,
        message: `A stop of run ${job.run} of ${deployment.name} (${input.mode}) was asked for by ${caller.actor}${why}.`,
      },
      ...(waitingFor
        ? [{ ...about, type: EventType.STOP_WAITS, message: `Stop ${id} waits for the end of ${waitingFor}.` }]
        : []),
      ...events,
    ],
  );
  return id;
}

async function takePlaceOf(tx: Transaction, job: Job, active: Stop, id: string, caller: Caller): Promise<NewEvent[]> {
  const message = `Stop ${id} (WITHOUT_SAVEPOINT), asked for by ${caller.actor}, took its place.`;
  await supersede(tx, active.id, message);
  return [
    {
      type: EventType.STOP_FAILED,
      deploymentId: job.deploymentId,
      jobId: job.id,
      clusterId: job.clusterId,
      stopId: active.id,
      actor: caller.actor,
      message: `Stop ${active.id} failed (SUPERSEDED): ${message}`,
      details: { code: 'SUPERSEDED' },
    },
    ...(await withdrawOfStop(tx, job, active.id)),
  ];
}
