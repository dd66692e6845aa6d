import { inWords } from '../run/state-at-cancel.js';
import type { WholePolicy } from './retention-choice.js';

/** Goes on from "are kept …". */
export function policyInWords({ maxCount, maxAgeMs, includeStop, whileStopped, leftBehind }: WholePolicy): string {
  const limits = [
    ...(maxCount === null ? [] : [maxCount === 1 ? 'the newest one' : `the newest ${maxCount}`]),
    ...(maxAgeMs === null ? [] : [`for at most ${inWords(maxAgeMs)}`]),
  ].join(', ');
  return `(${limits}; ${includeStop ? 'those of stops too' : 'scheduled ones'}; while stopped ${whileStopped}${leftBehind === 'DISPOSE' ? '; what ended runs leave behind is disposed of' : ''})`;
}
