import { InvalidInput } from '../api/user-error.js';
import type { Cluster } from '../cluster/cluster.entity.js';
import { isClusterLevel, majorOf, statedOfCluster } from './cluster-level-keys.js';
import { ClusterLevelKey } from './cluster-level-key.js';
import { todaysNames, valueIn } from './configuration-keys.js';
import { readConfigurationText, type WrittenSetting } from './configuration-text.js';
import type { ConfigurationEntry } from './deployment.types.js';
import { problemOf, sameValueText } from './flink-values.js';
import { badReference, HIDDEN, isSensitive } from './secrets.js';
import { settingsOfParameters } from './state-parameters.js';
import type { StateParametersInput } from './state-parameters.types.js';

export { defaultConfiguration } from './default-configuration.js';

/** Stateward decides these itself, each start anew: given by hand they would start a job from other state than the plan says. */
const setByStateward = new Set([
  'execution.state-recovery.path',
  'execution.state-recovery.ignore-unclaimed-state',
  'execution.state-recovery.claim-mode',
  'execution.savepoint.path',
  'execution.savepoint.ignore-unclaimed-state',
  'execution.savepoint-restore-mode',
  '$internal.pipeline.job-id',
  'pipeline.jobvertex-parallelism-overrides',
]);

/** Settings in the ways in which they may be given. */
export interface GivenSettings {
  parameters?: StateParametersInput | null;
  flinkConfiguration?: readonly ConfigurationEntry[] | null;
  flinkConfigurationText?: string | null;
}

/** One record of settings by today's names, and which field of the input each came from. */
export interface Settings {
  configuration: Record<string, string>;
  fields: ReadonlyMap<string, string>;
}

interface Placed extends WrittenSetting {
  field: string;
}

/**
 * All that is given, as one record; or the refusal that names what cannot be. `kept`: what is stored already, for the values of secrets
 * that come back as they were shown. Which cluster will read it is another question: {@link refuseOnCluster}.
 */
export function readSettings(
  given: GivenSettings,
  kept: Readonly<Record<string, string>> = {},
): Settings | InvalidInput {
  const field = 'flinkConfiguration';
  const settings: Placed[] = (given.flinkConfiguration ?? []).map((entry) => ({ ...entry, place: field, field }));
  if (given.flinkConfigurationText) {
    const written = readConfigurationText(given.flinkConfigurationText);
    if ('problem' in written) return new InvalidInput('flinkConfigurationText', written.problem);
    settings.push(...written.map((setting) => ({ ...setting, field: 'flinkConfigurationText' })));
  }
  if (given.parameters) {
    const typed = settingsOfParameters('parameters', given.parameters);
    settings.push(...typed.map((setting) => ({ ...setting, field: setting.place })));
  }
  return join(settings, kept);
}

/** Key–value pairs of one field as a record by today's names; or the refusal that names the pair. */
export function readConfiguration(
  field: string,
  entries: readonly ConfigurationEntry[],
): Record<string, string> | InvalidInput {
  const settings = join(
    entries.map((entry) => ({ ...entry, place: field, field })),
    {},
  );
  return settings instanceof InvalidInput ? settings : settings.configuration;
}

function join(settings: readonly Placed[], kept: Readonly<Record<string, string>>): Settings | InvalidInput {
  const joined = new Map<string, Placed>();
  for (const setting of settings) {
    const problem = checkSetting(setting);
    if (problem) return new InvalidInput(setting.field, atLine(setting, problem));
    const hidden = setting.value === HIDDEN && isSensitive(setting.key);
    for (const today of todaysNames(setting.key)) {
      const value = hidden ? valueIn(kept, today) : setting.value;
      if (value === undefined) {
        const what = `${setting.key}: ${HIDDEN} stands for a stored value that is not shown, and there is none. Give the value.`;
        return new InvalidInput(setting.field, atLine(setting, what));
      }
      const wrong = problemOf(today, value, null);
      if (wrong) return new InvalidInput(setting.field, atLine(setting, `${setting.key}: ${wrong}`));
      const before = joined.get(today);
      if (!before) joined.set(today, { ...setting, value });
      else if (sameValueText(today, before.value) !== sameValueText(today, value))
        return new InvalidInput(setting.field, givenTwice(today, before, { ...setting, value }));
    }
  }
  return {
    configuration: Object.fromEntries([...joined].map(([key, { value }]) => [key, value])),
    fields: new Map([...joined].map(([key, { field }]) => [key, field])),
  };
}

function checkSetting({ key, value }: Placed): string | null {
  if (!/^[$A-Za-z][\w.$-]{0,199}$/.test(key)) return `"${key.slice(0, 60)}" is not the name of a Flink setting.`;
  if (setByStateward.has(key))
    return `${key} is set by Stateward at each start. Remove it, and choose the state with the start's strategy.`;
  if (value.length > 10_000) return `the value of ${key} is longer than 10,000 characters.`;
  const reference = badReference(value);
  return (
    reference && `${key}: ${reference} names no secret. Write \${secret:NAME}, with letters, digits and underscores.`
  );
}

const atLine = ({ place }: Placed, problem: string) => (place.startsWith('line ') ? `${place}: ${problem}` : problem);

function givenTwice(today: string, before: Placed, after: Placed): string {
  const secret = isSensitive(today);
  const told = ({ key, value, place }: Placed) => {
    const where = [key === today ? '' : key, place === after.place && place === before.place ? '' : place];
    const named = where.filter(Boolean).join(', ');
    const shown = secret ? 'one value' : `"${value.slice(0, 100)}"`;
    return named ? `${shown} (${named})` : shown;
  };
  return `${today} is given twice, as ${told(before)} and as ${secret ? told(after).replace('one', 'another') : told(after)}. Keep one.`;
}

/** What of the settings a cluster would not read from a job, or not understand; null: nothing that is known. `fields`: where each came from. */
export function refuseOnCluster(
  configuration: Readonly<Record<string, string>>,
  cluster: Pick<Cluster, 'id' | 'name' | 'flinkVersion' | 'configuration' | 'factsReadAt'>,
  fieldOf: (key: string) => string,
): InvalidInput | ClusterLevelKey | null {
  for (const [key, value] of Object.entries(configuration)) {
    if (isClusterLevel(key, cluster.flinkVersion))
      return new ClusterLevelKey(cluster, key, valueIn(cluster.configuration, key) ?? null);
    const stated = cluster.factsReadAt === null ? undefined : statedOfCluster(key, cluster.configuration);
    if (stated !== undefined && stated !== value.trim().toLowerCase()) return new ClusterLevelKey(cluster, key, stated);
    const problem = problemOf(key, value, majorOf(cluster.flinkVersion));
    if (problem) return new InvalidInput(fieldOf(key), `${key}: ${problem}`);
  }
  return null;
}
