import { InvalidInput } from '../api/user-error.js';

const SHORTEST_AGE_MS = 3_600_000;
/** Far below where a date ends, which is nearer than the largest safe integer. */
const LONGEST_AGE_MS = 100 * 365 * 86_400_000;
const HIGHEST_COUNT = 1_000_000;

/** The refusal that names the first field that cannot be (RT-1); null: none. */
export function checkPolicy(
  { maxCount, maxAgeMs }: { maxCount?: number | null | undefined; maxAgeMs?: number | null | undefined },
  prefix = '',
): InvalidInput | null {
  if (maxCount == null && maxAgeMs == null)
    return new InvalidInput(
      `${prefix}maxCount`,
      'give maxCount, maxAgeMs or both. To delete nothing by a rule, remove the policy (removeRetentionPolicy).',
    );
  if (maxCount != null && !isBetween(maxCount, 1, HIGHEST_COUNT))
    return new InvalidInput(
      `${prefix}maxCount`,
      `${maxCount} is no whole number from 1 to ${HIGHEST_COUNT}. Leave it out to keep any number of them.`,
    );
  if (maxAgeMs != null && !isBetween(maxAgeMs, SHORTEST_AGE_MS, LONGEST_AGE_MS))
    return new InvalidInput(
      `${prefix}maxAgeMs`,
      `${maxAgeMs} is no whole number of ms from ${SHORTEST_AGE_MS} (1 h) to ${LONGEST_AGE_MS} (100 years). Leave it out to keep them at any age.`,
    );
  return null;
}

const isBetween = (value: number, least: number, most: number) =>
  Number.isInteger(value) && value >= least && value <= most;
