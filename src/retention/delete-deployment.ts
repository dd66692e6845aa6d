import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { NotFound } from '../api/user-error.js';
import type { Database, Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { findReport, keepReport } from '../deletion/deletion-report.js';
import {
  beginWithDeployment,
  type GoingWithDeployment,
  judgeWithDeployment,
  type Meant,
} from '../deletion/go-with-deployment.js';
import type { Deployment } from '../deployment/deployment.entity.js';
import { DeploymentNotStopped, isStopped } from '../deployment/deployment-not-stopped.js';
import { archiveDeployment, findDeployment, findForDecision } from '../deployment/find-deployment.js';
import { EventType } from '../event/event-types.js';
import { type NewEvent, recordInOrder } from '../event/record-event.js';
import { endScheduleWith } from '../schedule/end-schedule.js';
import { lockScheduleOf } from '../schedule/find-schedule.js';
import {
  type DeleteDeploymentInput,
  type DeleteDeploymentResult,
  DeletionNotPreviewed,
  DeploymentDeletion,
  type PreviewDeleteDeploymentResult,
  SavepointsOfDeployment,
} from './delete-deployment.types.js';
import { keepNotBegun } from '../left-behind/begin-left-behind.js';
import { previewToken } from './preview-token.js';
import { deletePolicy } from './retention.store.js';

interface Deps {
  database: Database;
  config: { leastSlotIntervalMs: number };
}

/** What deleting a deployment would do to its savepoints now. Changes nothing. */
export async function previewDeleteDeployment(
  { database }: Pick<Deps, 'database'>,
  deploymentId: string,
  savepoints: SavepointsOfDeployment,
): Promise<PreviewDeleteDeploymentResult> {
  checkId('deploymentId', deploymentId);
  const deployment = await findDeployment(database, deploymentId);
  if (!deployment || deployment.archivedAt) return new NotFound('deploymentId', 'deployment', deploymentId);
  if (!isStopped(deployment)) return new DeploymentNotStopped(deployment, 'deleted');
  const judged = await judgeWithDeployment(database, deployment.id, meantBy[savepoints], { lock: false });
  return answerOf(deployment.id, savepoints, judged);
}

/**
 * Archives a stopped deployment (OB-1): its name is free again and nothing can be asked of it any more; its schedule and its policy end.
 * Its history stays, and so do its savepoints, unless whoever asks has seen which of them go. One that was deleted already is answered as
 * it was then.
 */
export function deleteDeployment(
  { database, config }: Deps,
  input: DeleteDeploymentInput,
  caller: Caller,
): Promise<DeleteDeploymentResult> {
  checkId('deploymentId', input.deploymentId);
  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'deleteDeployment', input };
  return answerOnce(database, request, loadAnswer, async (tx) => {
    const found = await findForDecision(tx, input.deploymentId);
    if (!found) return new NotFound('deploymentId', 'deployment', input.deploymentId);
    const { deployment, cluster } = found;
    if (deployment.archivedAt) return deployment.id;
    if (!isStopped(deployment)) return new DeploymentNotStopped(deployment, 'deleted');
    const schedule = await lockScheduleOf(tx, deployment.id); // before the savepoints, in the order of locks
    const judged = await judgeWithDeployment(tx, deployment.id, meantBy[input.savepoints], { lock: true });
    const answer = answerOf(deployment.id, input.savepoints, judged);
    const given = input.previewToken ?? null;
    if (answer.deleting > 0 && given !== answer.previewToken) return new DeletionNotPreviewed(answer, given);
    const { actor } = caller;
    const ending = { cluster, actor, floorMs: config.leastSlotIntervalMs };
    const events = [
      ...(schedule ? await endScheduleWith(tx, deployment, schedule, ending) : []),
      ...(await beginWithDeployment(tx, judged, { actor, reason: `with deployment ${deployment.name}` })),
      ...(await endPolicy(tx, deployment, actor)),
      deleted(deployment, answer, actor),
    ];
    await keepReport(tx, deployment.id, answer);
    await archiveDeployment(tx, deployment.id, actor);
    await recordInOrder(tx, events);
    return deployment.id;
  });
}

const meantBy: Record<SavepointsOfDeployment, Meant> = {
  KEEP: 'NONE',
  DELETE_SCHEDULED: 'SCHEDULED',
  DELETE_ALL: 'ALL',
};

function answerOf(
  deploymentId: string,
  by: SavepointsOfDeployment,
  { going, kept, leftAlone }: GoingWithDeployment,
): DeploymentDeletion {
  const all = [...going.DATA, ...going.RECORD];
  return Object.assign(new DeploymentDeletion(), {
    deploymentId,
    deleting: all.length,
    freedBytes: going.DATA.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0),
    ofUnknownSize: going.DATA.filter(({ sizeBytes }) => sizeBytes === null).length,
    kept: kept.map(({ savepoint: { id, sizeBytes }, refusal: { code, message } }) => ({
      savepointId: id,
      accepted: false,
      refusal: { code, message },
      bytes: sizeBytes,
    })),
    leftAlone,
    previewToken: previewToken({ deploymentId, by, ids: all.map(({ id }) => id) }),
  });
}

/** After its report was dropped a repeated request has nothing more to do. */
async function loadAnswer(tx: Transaction, deploymentId: string): Promise<DeploymentDeletion> {
  const kept = await findReport<DeploymentDeletion>(tx, deploymentId);
  if (kept) return Object.assign(new DeploymentDeletion(), kept);
  const judged = await judgeWithDeployment(tx, deploymentId, 'NONE', { lock: false });
  return answerOf(deploymentId, SavepointsOfDeployment.KEEP, judged);
}

async function endPolicy(tx: Transaction, { id, name, clusterId }: Deployment, actor: string): Promise<NewEvent[]> {
  if ((await deletePolicy(tx, id)) === 0) return [];
  return [
    ...(await keepNotBegun(tx, id, 'its deployment was deleted, and its policy has ended with it.')),
    {
      type: EventType.RETENTION_REMOVED,
      deploymentId: id,
      clusterId,
      actor,
      message: `The retention policy of ${name} has ended with it: no rule deletes its savepoints any more.`,
    },
  ];
}

function deleted({ id, name, clusterId }: Deployment, { deleting, kept }: DeploymentDeletion, actor: string): NewEvent {
  const but = kept.length > 0 ? `, but ${kept.length} that cannot go stay` : '';
  const savepoints = deleting > 0 ? `${deleting} of its savepoints go with it${but}` : 'its savepoints stay';
  return {
    type: EventType.DEPLOYMENT_DELETED,
    deploymentId: id,
    clusterId,
    actor,
    message: `Deployment ${name} was deleted by ${actor}. Its history stays; ${savepoints}.`,
    details: { deleting, kept: kept.map(({ savepointId }) => savepointId) },
  };
}
