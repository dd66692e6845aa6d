import { LIVE } from '../checkpoint/checkpoint-page.js';
import { JobFailureCode } from '../job/job.entity.js';
import { endedUnseen } from '../job/job.lifecycle.js';
import type { LeftRun } from './left-behind-choice.js';

/** Where the cluster answers and does not know the run any more, it is over; where nobody answers for it, it may not be. */
export function endOf(code: JobFailureCode | null): LeftRun['end'] {
  const gone = code === JobFailureCode.JOB_LOST || code === JobFailureCode.END_UNKNOWN;
  if (gone) return 'GONE';
  return endedUnseen(code) || code === JobFailureCode.SUBMISSION_LOST ? 'NOT_KNOWN' : 'SEEN';
}

const notKnown = Object.values(JobFailureCode).filter((code) => endOf(code) === 'NOT_KNOWN');

/** Run `j` lives, or was given up and may go on where nobody looks. */
export const mayGoOn = (j: string) =>
  `(${j}.state in ${LIVE} or coalesce(${j}.failure_code, '') in (${notKnown.map((code) => `'${code}'`).join(', ')}))`;
