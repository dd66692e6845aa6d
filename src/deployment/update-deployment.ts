import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { InvalidInput, NameTaken, NotFound } from '../api/user-error.js';
import type { Artifact } from '../artifact/artifact.entity.js';
import { findArtifact, findArtifacts } from '../artifact/find-artifact.js';
import type { Cluster } from '../cluster/cluster.entity.js';
import { holdCluster } from '../cluster/find-cluster.js';
import { type Database, isDuplicate, type Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import { checkDefinition, checkParallelism, START_DEADLINE_MS } from './check-definition.js';
import type { Deployment } from './deployment.entity.js';
import { DeploymentNotStopped, isStopped } from './deployment-not-stopped.js';
import { changeDeployment, type DeploymentDefinition, followerOf } from './deployment.store.js';
import { EntryClassMissing } from './deployment.types.js';
import { describeChange } from './describe-change.js';
import { findDeployment, findDeploymentByName, findForDecision } from './find-deployment.js';
import { readSettings, refuseOnCluster } from './flink-configuration.js';
import { readLabels } from './labels.js';
import type { UpdateDeploymentInput, UpdateDeploymentResult } from './update-deployment.types.js';

type Refusal = Exclude<UpdateDeploymentResult, Deployment>;

/** Changes the definition of a job, from its next start on. Touches no cluster. */
export async function updateDeployment(
  { database }: { database: Database },
  input: UpdateDeploymentInput,
  caller: Caller,
): Promise<UpdateDeploymentResult> {
  checkId('deploymentId', input.deploymentId);
  if (input.clusterId) checkId('clusterId', input.clusterId);
  if (input.artifactId) checkId('artifactId', input.artifactId);
  const wanted = readWanted(input);
  if (wanted instanceof InvalidInput) return wanted;

  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'updateDeployment', input };
  try {
    return await answerOnce<Deployment, Refusal>(database, request, findDeployment, (tx) =>
      store(tx, input, wanted, caller),
    );
  } catch (error) {
    if (!isDuplicate(error, 'deployment_name') || wanted.name === undefined) throw error;
    const taken = await findDeploymentByName(database, wanted.name); // given to another one at the same instant
    if (!taken) throw error;
    return new NameTaken('deployment', wanted.name, taken.id);
  }
}

/** The change as far as the input alone tells; undefined stays. */
function readWanted(input: UpdateDeploymentInput): Partial<DeploymentDefinition> | InvalidInput {
  const wanted: Partial<DeploymentDefinition> = {
    name: input.name?.trim(),
    programArguments: input.programArguments ?? undefined,
    parallelism: input.parallelism,
    entryClass: input.entryClass === undefined ? undefined : input.entryClass?.trim() || null,
    savepointFormat: input.savepointFormat,
    startDeadlineMs: input.startDeadlineMs === null ? START_DEADLINE_MS : input.startDeadlineMs,
  };
  const problem = checkDefinition(wanted);
  if (problem) return problem;
  if (!input.labels) return wanted;
  const labels = readLabels('labels', input.labels);
  return labels instanceof InvalidInput ? labels : { ...wanted, labels };
}

async function store(
  tx: Transaction,
  input: UpdateDeploymentInput,
  wanted: Partial<DeploymentDefinition>,
  { actor }: Caller,
): Promise<string | Refusal> {
  const goal = input.clusterId ? await holdCluster(tx, input.clusterId) : null; // both clusters before the deployment: the order of locks
  if (input.clusterId && !goal) return new NotFound('clusterId', 'cluster', input.clusterId);
  const found = await findForDecision(tx, input.deploymentId);
  if (!found || found.deployment.archivedAt) return new NotFound('deploymentId', 'deployment', input.deploymentId);
  const { deployment, cluster: home } = found;
  const cluster = goal ?? home;
  if (cluster.id !== home.id && !isStopped(deployment))
    return new DeploymentNotStopped(deployment, 'moved to another cluster');

  const settings = changeSettings(input, deployment, cluster);
  if (settings !== null && 'code' in settings) return settings;
  const artifacts = await findArtifactsOf(tx, input, deployment);
  if (artifacts instanceof NotFound) return artifacts;
  const change = {
    ...wanted,
    clusterId: cluster.id,
    ...(settings && { flinkConfiguration: settings.configuration }),
    ...(input.artifactId && { artifactId: artifacts.after?.id }),
    ...(cluster.id !== home.id && { adoptedJobId: null, ambiguousSince: null }),
  };
  const refusal =
    refuseTogether(deployment, change, artifacts.after) ??
    (await refuseName(tx, deployment, wanted.name)) ??
    (await refuseFollowing(tx, deployment, cluster));
  if (refusal) return refusal;

  const words = describeChange(deployment, change, {
    cluster: { before: home.name, after: cluster.name },
    artifact: { before: artifacts.before?.name ?? null, after: artifacts.after?.name ?? null },
  });
  if (words.length === 0) return deployment.id;
  await changeDeployment(tx, deployment.id, change);
  await recordEvent(tx, {
    type: EventType.DEPLOYMENT_UPDATED,
    deploymentId: deployment.id,
    clusterId: cluster.id,
    actor,
    message: `Deployment ${change.name ?? deployment.name} was changed: ${words.join('; ')}. It applies from the next start.`,
  });
  return deployment.id;
}

/** The settings that replace the stored ones; null: they stay. Stored ones are checked too where the cluster is another one. */
function changeSettings(input: UpdateDeploymentInput, deployment: Deployment, cluster: Cluster) {
  const given = [input.parameters, input.flinkConfiguration, input.flinkConfigurationText].some(
    (one) => one !== null && one !== undefined,
  );
  if (!given) {
    const moved = cluster.id !== deployment.clusterId;
    return moved ? refuseOnCluster(deployment.flinkConfiguration, cluster, () => 'clusterId') : null;
  }
  const settings = readSettings(input, deployment.flinkConfiguration);
  if (settings instanceof InvalidInput) return settings;
  return refuseOnCluster(settings.configuration, cluster, (key) => settings.fields.get(key) ?? key) ?? settings;
}

async function findArtifactsOf(
  tx: Transaction,
  { artifactId }: UpdateDeploymentInput,
  deployment: Deployment,
): Promise<{ before: Artifact | null; after: Artifact | null } | NotFound> {
  const [before = null] = deployment.artifactId ? await findArtifacts(tx, [deployment.artifactId]) : [];
  if (!artifactId) return { before, after: before };
  const after = await findArtifact(tx, artifactId);
  return after ? { before, after } : new NotFound('artifactId', 'artifact', artifactId);
}

/** What the fields say together, the stored ones included. */
function refuseTogether(
  deployment: Deployment,
  change: Partial<DeploymentDefinition>,
  artifact: Artifact | null,
): InvalidInput | EntryClassMissing | null {
  const entryClass = change.entryClass === undefined ? deployment.entryClass : change.entryClass;
  if (entryClass && !artifact)
    return new InvalidInput('entryClass', 'the deployment has no jar. Give artifactId with it, or leave both out.');
  if (!entryClass && artifact && !artifact.mainClass) return new EntryClassMissing(artifact.name);
  const parallelism = change.parallelism === undefined ? deployment.parallelism : change.parallelism;
  return checkParallelism(parallelism, change.flinkConfiguration ?? deployment.flinkConfiguration);
}

async function refuseName(tx: Transaction, deployment: Deployment, name?: string): Promise<NameTaken | null> {
  const taken = name === undefined ? null : await findDeploymentByName(tx, name);
  return taken && taken.id !== deployment.id ? new NameTaken('deployment', taken.name, taken.id) : null;
}

/** One job must not become the run of two deployments. */
async function refuseFollowing(
  tx: Transaction,
  deployment: Deployment,
  cluster: Cluster,
): Promise<InvalidInput | null> {
  const { adoptedJobName: followed } = deployment;
  const other =
    followed !== null && cluster.id !== deployment.clusterId && (await followerOf(tx, cluster.id, followed));
  return other
    ? new InvalidInput(
        'clusterId',
        `on cluster "${cluster.name}" deployment "${other.name}" (${other.id}) follows whatever runs as "${followed}" already, and this one follows that name too. Delete one of the two.`,
      )
    : null;
}
