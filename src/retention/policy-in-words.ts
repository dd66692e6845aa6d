import { inWords } from '../run/state-at-cancel.js';
import type { RetentionPolicy } from './retention-choice.js';

/** Goes on from "are kept …". */
export function policyInWords({ maxCount, maxAgeMs, includeStop, whileStopped }: RetentionPolicy): string {
  const limits = [
    ...(maxCount === null ? [] : [maxCount === 1 ? 'the newest one' : `the newest ${maxCount}`]),
    ...(maxAgeMs === null ? [] : [`for at most ${inWords(maxAgeMs)}`]),
  ].join(', ');
  return `(${limits}; ${includeStop ? 'those of stops too' : 'scheduled ones'}; while stopped ${whileStopped})`;
}
