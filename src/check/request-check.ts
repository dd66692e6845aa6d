import { randomUUID } from 'node:crypto';
import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { NotFound } from '../api/user-error.js';
import { findArtifact } from '../artifact/find-artifact.js';
import { type Cluster, ClusterState } from '../cluster/cluster.entity.js';
import { ClusterChanged } from '../cluster/cluster.types.js';
import { findCluster, holdCluster } from '../cluster/find-cluster.js';
import type { Database, Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import type { Deployment } from '../deployment/deployment.entity.js';
import { findDeployment } from '../deployment/find-deployment.js';
import { failPoint } from '../fail-point.js';
import type { TaskQueue } from '../queue/task-queue.js';
import { advanceCheck } from '../queue/tasks.js';
import { whereItLies } from '../run/plan-restore.js';
import { ClusterTakesNoJars } from '../run/run.types.js';
import { ArtifactNeeded, StateNotReachable } from '../run/start-refusals.types.js';
import { CompatibilityCheck } from './check.entity.js';
import { checkInput, settingsOfCheck } from './check-settings.js';
import { insertCheck } from './check.store.js';
import type { CheckCompatibilityInput, CheckCompatibilityResult, CheckRefusal } from './check.types.js';
import { chooseState } from './choose-state.js';
import { findCheck } from './find-check.js';

const LOOK_BY_ITSELF_MS = 2_000;

/** Accepts a check durably, with program and state as they are now; a worker does it. Touches no cluster, and locks nothing. */
export async function requestCheck(
  { database, taskQueue }: { database: Database; taskQueue: TaskQueue },
  input: CheckCompatibilityInput,
  caller: Caller,
): Promise<CheckCompatibilityResult> {
  for (const field of ['deploymentId', 'clusterId', 'artifactId'] as const)
    if (input[field]) checkId(field, input[field]);
  const problem = checkInput(input);
  if (problem) return problem;
  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'checkCompatibility', input };
  const answer = await answerOnce<CompatibilityCheck, CheckRefusal>(database, request, findCheck, (tx) =>
    store(tx, input, caller),
  );
  failPoint('request.committed');
  if (answer instanceof CompatibilityCheck) taskQueue.submit(advanceCheck, { checkId: answer.id }, caller.requestId);
  failPoint('request.queued');
  return answer;
}

async function store(
  tx: Transaction,
  input: CheckCompatibilityInput,
  { actor }: Caller,
): Promise<string | CheckRefusal> {
  const of = await whose(tx, input);
  if (of instanceof NotFound) return of;
  const { deployment, cluster } = of;
  if (cluster.state === ClusterState.CHANGED) return new ClusterChanged(cluster);
  if (cluster.acceptsJars === false) return new ClusterTakesNoJars(cluster);
  const artifactId = input.artifactId ?? deployment?.artifactId ?? null;
  if (artifactId === null) return new ArtifactNeeded(deployment?.name ?? '');
  const artifact = await findArtifact(tx, artifactId);
  if (!artifact) return new NotFound('artifactId', 'artifact', artifactId);
  const settings = settingsOfCheck(input, deployment, artifact, cluster);
  if ('code' in settings) return settings;
  const found = await chooseState(tx, input, deployment, cluster);
  if (!('point' in found)) return found;
  const { point, why } = found;
  const { location, place } = await whereItLies(tx, point, cluster);
  if (location === null) return new StateNotReachable(point.location, cluster.name);

  const id = randomUUID();
  const { allowNonRestoredState, fresh } = input;
  await insertCheck(
    tx,
    {
      id,
      deploymentId: deployment?.id ?? null,
      clusterId: cluster.id,
      artifactId,
      settings,
      allowNonRestoredState,
      fresh,
      point,
      location,
      why,
      place,
      actor,
    },
    LOOK_BY_ITSELF_MS,
  );
  return id;
}

async function whose(
  tx: Transaction,
  { deploymentId, clusterId }: CheckCompatibilityInput,
): Promise<{ deployment: Deployment | null; cluster: Cluster } | NotFound> {
  if (clusterId) {
    const cluster = await holdCluster(tx, clusterId);
    return cluster ? { deployment: null, cluster } : new NotFound('clusterId', 'cluster', clusterId);
  }
  const deployment = deploymentId ? await findDeployment(tx, deploymentId) : null;
  if (!deployment || deployment.archivedAt) return new NotFound('deploymentId', 'deployment', deploymentId ?? '');
  const cluster = await findCluster(tx, deployment.clusterId);
  if (!cluster) throw new Error(`Cluster ${deployment.clusterId} has vanished`);
  return { deployment, cluster };
}
