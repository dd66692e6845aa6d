import { randomUUID } from 'node:crypto';
import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { InvalidInput, NameTaken, NotFound } from '../api/user-error.js';
import { findArtifact } from '../artifact/find-artifact.js';
import { holdCluster } from '../cluster/find-cluster.js';
import { type Database, isDuplicate, type Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import { checkDefinition, checkParallelism, START_DEADLINE_MS } from './check-definition.js';
import type { Deployment } from './deployment.entity.js';
import { insertDeployment } from './deployment.store.js';
import { type CreateDeploymentInput, type CreateDeploymentResult, EntryClassMissing } from './deployment.types.js';
import { findDeployment, findDeploymentByName } from './find-deployment.js';
import { readSettings, refuseOnCluster, type Settings } from './flink-configuration.js';
import { readLabels } from './labels.js';

type Refusal = Exclude<CreateDeploymentResult, Deployment>;

/** What is stored of an input that is right by itself. */
interface Wanted {
  name: string;
  programArguments: string[];
  parallelism: number | null;
  startDeadlineMs: number;
  settings: Settings;
  labels: Record<string, string>;
}

/** Stores the definition of a job. Touches no cluster. */
export async function createDeployment(
  { database }: { database: Database },
  input: CreateDeploymentInput,
  caller: Caller,
): Promise<CreateDeploymentResult> {
  checkId('clusterId', input.clusterId);
  checkId('artifactId', input.artifactId);
  const wanted = readWanted(input);
  if (wanted instanceof InvalidInput) return wanted;

  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'createDeployment', input };
  try {
    return await answerOnce<Deployment, Refusal>(database, request, findDeployment, (tx) =>
      store(tx, input, wanted, caller),
    );
  } catch (error) {
    if (!isDuplicate(error, 'deployment_name')) throw error;
    const taken = await findDeploymentByName(database, wanted.name);
    if (!taken) throw error;
    return new NameTaken('deployment', wanted.name, taken.id);
  }
}

function readWanted(input: CreateDeploymentInput): Wanted | InvalidInput {
  const definition = {
    name: input.name.trim(),
    programArguments: input.programArguments,
    parallelism: input.parallelism ?? null,
    startDeadlineMs: input.startDeadlineMs ?? START_DEADLINE_MS,
  };
  const problem = checkDefinition(definition);
  if (problem) return problem;
  const settings = readSettings(input);
  if (settings instanceof InvalidInput) return settings;
  const twice = checkParallelism(definition.parallelism, settings.configuration);
  if (twice) return twice;
  const labels = readLabels('labels', input.labels);
  return labels instanceof InvalidInput ? labels : { ...definition, settings, labels };
}

async function store(
  tx: Transaction,
  input: CreateDeploymentInput,
  { settings, ...wanted }: Wanted,
  { actor }: Caller,
): Promise<string | Refusal> {
  const cluster = await holdCluster(tx, input.clusterId);
  if (!cluster) return new NotFound('clusterId', 'cluster', input.clusterId);
  const artifact = await findArtifact(tx, input.artifactId);
  if (!artifact) return new NotFound('artifactId', 'artifact', input.artifactId);
  const entryClass = input.entryClass?.trim() || null;
  if (!entryClass && !artifact.mainClass) return new EntryClassMissing(artifact.name);
  const declined = refuseOnCluster(settings.configuration, cluster, (key) => settings.fields.get(key) ?? key);
  if (declined) return declined;
  const taken = await findDeploymentByName(tx, wanted.name);
  if (taken) return new NameTaken('deployment', wanted.name, taken.id);

  const id = randomUUID();
  await insertDeployment(tx, {
    id,
    ...wanted,
    clusterId: cluster.id,
    artifactId: artifact.id,
    entryClass,
    flinkConfiguration: settings.configuration,
    savepointFormat: input.savepointFormat ?? null,
  });
  await recordEvent(tx, {
    type: EventType.DEPLOYMENT_CREATED,
    deploymentId: id,
    actor,
    message: `Deployment ${wanted.name} created: ${artifact.name} on cluster ${cluster.name}.`,
  });
  return id;
}
