import { randomUUID } from 'node:crypto';
import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { InvalidInput, NameTaken, NotFound } from '../api/user-error.js';
import { findArtifact } from '../artifact/find-artifact.js';
import { type Cluster, ClusterState } from '../cluster/cluster.entity.js';
import { ClusterChanged, ClusterUnreachable } from '../cluster/cluster.types.js';
import { findCluster, holdCluster } from '../cluster/find-cluster.js';
import type { FlinkClients } from '../cluster/flink-clients.js';
import { wake } from '../db/claims.js';
import { type Database, isDuplicate, type Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import type { Deployment } from '../deployment/deployment.entity.js';
import { EntryClassMissing } from '../deployment/deployment.types.js';
import { findDeployment, findDeploymentByName, insertAdoptedDeployment } from '../deployment/find-deployment.js';
import { AppError } from '../errors.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import type { FlinkJobOverview } from '../flink/flink.types.js';
import { AmbiguousJob } from '../job/ambiguous-job.js';
import { managerOf } from '../job/find-foreign-runs.js';
import { type AdoptJobInput, type AdoptJobResult, JobAlreadyManaged, JobNotOnCluster } from './adopt-job.types.js';

export interface AdoptJobDeps {
  database: Database;
  flinkClients: FlinkClients;
}

type Refusal = Exclude<AdoptJobResult, Deployment>;

/** Brings a job that somebody else starts under management. It becomes a run with the next look at its cluster, which is due at once. */
export async function adoptJob(deps: AdoptJobDeps, input: AdoptJobInput, caller: Caller): Promise<AdoptJobResult> {
  checkId('clusterId', input.clusterId);
  if (input.artifactId) checkId('artifactId', input.artifactId);
  const problem = checkInput(input);
  if (problem) return problem;
  const cluster = await findCluster(deps.database, input.clusterId);
  if (!cluster || cluster.removedAt) return new NotFound('clusterId', 'cluster', input.clusterId);
  if (cluster.state === ClusterState.CHANGED) return new ClusterChanged(cluster);
  const running = await runningJobs(deps, cluster);
  if (running instanceof ClusterUnreachable) return running;

  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'adoptJob', input };
  try {
    return await answerOnce<Deployment, Refusal>(deps.database, request, findDeployment, (tx) =>
      store(tx, input, cluster, running, caller),
    );
  } catch (error) {
    if (!isDuplicate(error, 'deployment_name')) throw error;
    const taken = await findDeploymentByName(deps.database, input.name.trim());
    if (!taken) throw error;
    return new NameTaken('deployment', taken.name, taken.id);
  }
}

function checkInput(input: AdoptJobInput): InvalidInput | null {
  const name = input.name.trim();
  if (name.length < 1 || name.length > 100) return new InvalidInput('name', 'give 1 to 100 characters.');
  const byId = Boolean(input.flinkJobId);
  const byName = Boolean(input.jobName?.trim());
  if (byId === byName) return new InvalidInput('flinkJobId', 'give either flinkJobId or jobName, one of the two.');
  if (byId && !/^[0-9a-f]{32}$/i.test(input.flinkJobId ?? ''))
    return new InvalidInput(
      'flinkJobId',
      `"${(input.flinkJobId ?? '').slice(0, 60)}" is no id of a Flink job, which has 32 hex characters.`,
    );
  if (input.entryClass && !input.artifactId)
    return new InvalidInput('entryClass', 'it goes with artifactId. Give both, or neither.');
  return null;
}

const ended = ['FAILED', 'CANCELED', 'FINISHED'];

async function runningJobs(
  { flinkClients }: AdoptJobDeps,
  cluster: Cluster,
): Promise<FlinkJobOverview[] | ClusterUnreachable> {
  try {
    return await flinkClients.at(cluster.url).jobs();
  } catch (error) {
    if (error instanceof AppError && error.retryable) return new ClusterUnreachable(error.message);
    throw error;
  }
}

async function store(
  tx: Transaction,
  input: AdoptJobInput,
  cluster: Cluster,
  overview: readonly FlinkJobOverview[],
  { actor }: Caller,
): Promise<string | Refusal> {
  if (!(await holdCluster(tx, cluster.id))) return new NotFound('clusterId', 'cluster', cluster.id); // removed meanwhile
  const name = input.name.trim();
  const jobId = input.flinkJobId?.toLowerCase() ?? null;
  const jobName = jobId === null ? (input.jobName?.trim() ?? null) : null;
  const refusal =
    jobId === null
      ? await refuseName(tx, cluster, jobName ?? '', overview, name)
      : await refuseId(tx, cluster, jobId, overview);
  if (refusal) return refusal;
  const artifact = input.artifactId ? await findArtifact(tx, input.artifactId) : null;
  if (input.artifactId && !artifact) return new NotFound('artifactId', 'artifact', input.artifactId);
  const entryClass = input.entryClass?.trim() || null;
  if (artifact && !entryClass && !artifact.mainClass) return new EntryClassMissing(artifact.name);
  const taken = await findDeploymentByName(tx, name);
  if (taken) return new NameTaken('deployment', name, taken.id);

  const id = randomUUID();
  await insertAdoptedDeployment(tx, {
    id,
    name,
    clusterId: cluster.id,
    artifactId: artifact?.id ?? null,
    entryClass,
    jobId,
    jobName,
  });
  await wake(tx, 'cluster', cluster.id);
  await recordEvent(tx, {
    type: EventType.DEPLOYMENT_CREATED,
    deploymentId: id,
    clusterId: cluster.id,
    actor,
    message: `Deployment ${name} adopts ${jobId === null ? `whatever runs as "${jobName}"` : `job ${jobId}`} on cluster ${cluster.name}.`,
  });
  return id;
}

async function refuseId(
  tx: Transaction,
  cluster: Cluster,
  jobId: string,
  overview: readonly FlinkJobOverview[],
): Promise<Refusal | null> {
  const manager = await managerOf(tx, cluster.id, { flinkJobIds: [jobId] });
  if (manager) return new JobAlreadyManaged(`Job ${jobId}`, manager.id, manager.name);
  const job = overview.find((one) => one.jobId === jobId);
  return job && !ended.includes(job.state) ? null : new JobNotOnCluster(jobId, cluster.name, job?.state ?? null);
}

async function refuseName(
  tx: Transaction,
  cluster: Cluster,
  jobName: string,
  overview: readonly FlinkJobOverview[],
  deploymentName: string,
): Promise<Refusal | null> {
  const ids = overview.filter((job) => job.name === jobName && !ended.includes(job.state)).map((job) => job.jobId);
  const manager = await managerOf(tx, cluster.id, { flinkJobIds: ids, jobName });
  if (manager) return new JobAlreadyManaged(`The job that runs as "${jobName}"`, manager.id, manager.name);
  return ids.length > 1 ? new AmbiguousJob(deploymentName, jobName, ids) : null;
}
