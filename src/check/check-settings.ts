import { InvalidInput } from '../api/user-error.js';
import type { Artifact } from '../artifact/artifact.entity.js';
import type { Cluster } from '../cluster/cluster.entity.js';
import { checkDefinition, checkParallelism } from '../deployment/check-definition.js';
import type { ClusterLevelKey } from '../deployment/cluster-level-key.js';
import type { Deployment } from '../deployment/deployment.entity.js';
import { EntryClassMissing } from '../deployment/deployment.types.js';
import { defaultConfiguration, readConfiguration, refuseOnCluster } from '../deployment/flink-configuration.js';
import type { RunSettings } from '../deployment/run-settings.js';
import type { CheckCompatibilityInput } from './check.types.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What can be said of a check without looking anything up. */
export function checkInput(input: CheckCompatibilityInput): InvalidInput | null {
  const given = (field: keyof CheckCompatibilityInput) => input[field] !== null && input[field] !== undefined;
  if (given('deploymentId') === given('clusterId'))
    return new InvalidInput(
      'deploymentId',
      'give a deployment, or in its place a cluster and a jar (clusterId, artifactId).',
    );
  if (given('clusterId') && !given('artifactId'))
    return new InvalidInput('artifactId', 'without a deployment it is needed: which jar?');
  const states = (['savepointId', 'checkpointId', 'location'] as const).filter(given);
  const [first, second] = states;
  if (second) return new InvalidInput(second, `${first} names a state already. Name one.`);
  if (!first && given('clusterId'))
    return new InvalidInput(
      'savepointId',
      'without a deployment a state has to be named: it, checkpointId or location.',
    );
  if (input.savepointId && !UUID.test(input.savepointId))
    return new InvalidInput(
      'savepointId',
      `"${input.savepointId.slice(0, 80)}" is no id of a savepoint, which is a UUID. A checkpoint goes with checkpointId.`,
    );
  return checkDefinition({
    parallelism: input.parallelism ?? null,
    ...(input.programArguments && { programArguments: input.programArguments }),
  });
}

/** What the program would be started with: that of the deployment, with what the check gives in its place. */
export function settingsOfCheck(
  input: CheckCompatibilityInput,
  deployment: Deployment | null,
  artifact: Artifact,
  cluster: Cluster,
): RunSettings | InvalidInput | ClusterLevelKey | EntryClassMissing {
  const extra = readConfiguration('flinkConfiguration', input.flinkConfiguration);
  if (extra instanceof InvalidInput) return extra;
  const declined = refuseOnCluster(extra, cluster, () => 'flinkConfiguration');
  if (declined) return declined;
  const entryClass = input.entryClass?.trim() || (deployment?.entryClass ?? null);
  if (entryClass === null && artifact.mainClass === null) return new EntryClassMissing(artifact.name);
  const parallelism = input.parallelism ?? deployment?.parallelism ?? null;
  const flinkConfiguration = { ...defaultConfiguration, ...deployment?.flinkConfiguration, ...extra };
  const twice = checkParallelism(parallelism, extra);
  if (twice) return twice;
  return {
    artifactId: artifact.id,
    entryClass,
    programArguments: input.programArguments ?? deployment?.programArguments ?? [],
    parallelism,
    flinkConfiguration,
  };
}
