import { InvalidInput } from '../api/user-error.js';
import type { Cluster } from '../cluster/cluster.entity.js';
import type { ClusterLevelKey } from '../deployment/cluster-level-key.js';
import type { Deployment } from '../deployment/deployment.entity.js';
import { defaultConfiguration, readConfiguration, refuseOnCluster } from '../deployment/flink-configuration.js';
import type { RunSettings } from '../deployment/run-settings.js';
import { StartStrategy } from '../job/start-strategy.js';
import type { StartInput } from './run.types.js';

/** What can be said of a start without looking anything up. */
export function checkStart(start: StartInput): InvalidInput | null {
  const named = {
    savepointId: StartStrategy.FROM_SAVEPOINT,
    checkpointId: StartStrategy.FROM_CHECKPOINT,
    location: StartStrategy.FROM_LOCATION,
  } as const;
  for (const field of ['savepointId', 'checkpointId', 'location'] as const) {
    const given = start[field] !== null && start[field] !== undefined;
    if (given && start.strategy !== named[field])
      return new InvalidInput(
        `start.${field}`,
        `it goes with ${named[field]}, not with ${start.strategy}. Remove it, or choose that strategy.`,
      );
    if (!given && start.strategy === named[field])
      return new InvalidInput(`start.${field}`, `${start.strategy} needs it.`);
  }
  if (start.savepointId && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(start.savepointId))
    return new InvalidInput(
      'start.savepointId',
      `"${start.savepointId.slice(0, 80)}" is no id of a savepoint, which is a UUID. A checkpoint goes with FROM_CHECKPOINT.`,
    );
  if (start.strategy === StartStrategy.NONE && start.code === 'AS_TAKEN')
    return new InvalidInput(
      'start.code',
      'AS_TAKEN brings back the code that a state was made with, and NONE has no state.',
    );
  const { parallelism } = start;
  if (parallelism !== null && parallelism !== undefined && (parallelism < 1 || parallelism > 32_768)) {
    return new InvalidInput('start.parallelism', `${parallelism} is not between 1 and 32768.`);
  }
  return null;
}

/** The settings of a run by the deployment as it is now, with those of the start on top; `extra`: the Flink settings of the start alone. */
export function settingsOf(
  deployment: Deployment,
  start: StartInput,
  cluster: Cluster,
): { today: RunSettings; extra: Record<string, string> } | InvalidInput | ClusterLevelKey {
  const extra = readConfiguration('start.flinkConfiguration', start.flinkConfiguration);
  if (extra instanceof InvalidInput) return extra;
  const declined = refuseOnCluster(extra, cluster, () => 'start.flinkConfiguration');
  if (declined) return declined;
  const today = {
    artifactId: deployment.artifactId,
    entryClass: deployment.entryClass,
    programArguments: start.programArguments ?? deployment.programArguments,
    parallelism: start.parallelism ?? deployment.parallelism,
    flinkConfiguration: { ...defaultConfiguration, ...deployment.flinkConfiguration, ...extra },
  };
  return { today, extra };
}
