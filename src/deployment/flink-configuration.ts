import { InvalidInput } from '../api/user-error.js';
import type { ConfigurationEntry } from './deployment.types.js';

/** Stateward decides these itself, each start anew: given by hand they would start a job from other state than the plan says. */
const setByStateward = new Set([
  'execution.state-recovery.path',
  'execution.savepoint.path',
  'execution.state-recovery.ignore-unclaimed-state',
  'execution.savepoint.ignore-unclaimed-state',
  'execution.state-recovery.claim-mode',
  'execution.savepoint-restore-mode',
  '$internal.pipeline.job-id',
  'pipeline.jobvertex-parallelism-overrides',
]);

/** The newest checkpoint outlives a cancel or a failure, so that there is something to go on from (PA-4). */
const RETENTION_KEY = 'execution.checkpointing.externalized-checkpoint-retention';
export const defaultConfiguration: Readonly<Record<string, string>> = { [RETENTION_KEY]: 'RETAIN_ON_CANCELLATION' };

/** Key–value pairs as a record; or the refusal that names the pair. */
export function readConfiguration(
  field: string,
  entries: readonly ConfigurationEntry[],
): Record<string, string> | InvalidInput {
  const configuration = new Map<string, string>();
  for (const { key, value } of entries) {
    if (!/^[$A-Za-z][\w.$-]{0,199}$/.test(key))
      return new InvalidInput(field, `"${key.slice(0, 60)}" is not the name of a Flink setting.`);
    if (setByStateward.has(key))
      return new InvalidInput(
        field,
        `${key} is set by Stateward at each start. Remove it, and choose the state with the start's strategy.`,
      );
    const before = configuration.get(key);
    if (before !== undefined && before !== value) {
      return new InvalidInput(field, `${key} is given twice, as "${before}" and as "${value}". Keep one.`);
    }
    if (value.length > 10_000) return new InvalidInput(field, `the value of ${key} is longer than 10,000 characters.`);
    configuration.set(key, value);
  }
  return Object.fromEntries(configuration);
}
