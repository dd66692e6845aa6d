import { randomUUID } from 'node:crypto';
import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { InvalidInput, NameTaken, NotFound } from '../api/user-error.js';
import { findArtifact } from '../artifact/find-artifact.js';
import { findCluster } from '../cluster/find-cluster.js';
import { type Database, isDuplicate } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import type { Deployment } from './deployment.entity.js';
import { insertDeployment } from './deployment.store.js';
import { type CreateDeploymentInput, type CreateDeploymentResult, EntryClassMissing } from './deployment.types.js';
import { findDeployment, findDeploymentByName } from './find-deployment.js';
import { readConfiguration } from './flink-configuration.js';

/** Stores the definition of a job. Touches no cluster. */
export async function createDeployment(
  { database }: { database: Database },
  input: CreateDeploymentInput,
  caller: Caller,
): Promise<CreateDeploymentResult> {
  checkId('clusterId', input.clusterId);
  checkId('artifactId', input.artifactId);
  const name = input.name.trim();
  if (name.length < 1 || name.length > 100) return new InvalidInput('name', 'give 1 to 100 characters.');
  const parallelism = input.parallelism ?? null;
  if (parallelism !== null && (parallelism < 1 || parallelism > 32_768)) {
    return new InvalidInput('parallelism', `${parallelism} is not between 1 and 32768.`);
  }
  const flinkConfiguration = readConfiguration('flinkConfiguration', input.flinkConfiguration);
  if (flinkConfiguration instanceof InvalidInput) return flinkConfiguration;

  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'createDeployment', input };
  try {
    return await answerOnce<Deployment, Exclude<CreateDeploymentResult, Deployment>>(
      database,
      request,
      findDeployment,
      async (tx) => {
        const cluster = await findCluster(tx, input.clusterId);
        if (!cluster) return new NotFound('clusterId', 'cluster', input.clusterId);
        const artifact = await findArtifact(tx, input.artifactId);
        if (!artifact) return new NotFound('artifactId', 'artifact', input.artifactId);
        const entryClass = input.entryClass?.trim() || null;
        if (!entryClass && !artifact.mainClass) return new EntryClassMissing(artifact.name);
        const taken = await findDeploymentByName(tx, name);
        if (taken) return new NameTaken('deployment', name, taken.id);

        const id = randomUUID();
        await insertDeployment(tx, {
          id,
          name,
          clusterId: cluster.id,
          artifactId: artifact.id,
          entryClass,
          programArguments: input.programArguments,
          parallelism,
          flinkConfiguration,
          savepointFormat: input.savepointFormat ?? null,
        });
        await recordEvent(tx, {
          type: EventType.DEPLOYMENT_CREATED,
          deploymentId: id,
          actor: caller.actor,
          message: `Deployment ${name} created: ${artifact.name} on cluster ${cluster.name}.`,
        });
        return id;
      },
    );
  } catch (error) {
    if (!isDuplicate(error, 'deployment_name')) throw error;
    const taken = await findDeploymentByName(database, name);
    if (!taken) throw error;
    return new NameTaken('deployment', name, taken.id);
  }
}
