import type { Sql } from '../db/database.js';
import { goesAt, keptByLook, keptByRecord, type LeftRun, NOT_LOOKED_AT, type WhyKept } from './left-behind-choice.js';
import { leftRuns, type WhichRuns } from './left-runs.js';
import type { LeftLooks } from './look-at-left.js';

/** What is done with all that one ended run has left, if the policy says DISPOSE. */
export interface JudgedRun {
  jobId: string;
  run: number;
  checkpoints: number;
  /** Of those whose size is known; files that several use are counted with each. */
  bytes: number;
  ofUnknownSize: number;
  /** The firmest first; empty: it goes. */
  kept: WhyKept[];
  /** When it goes if nothing but time stands in the way; null: no time can be given. */
  goesAt: number | null;
  /** Since when nothing has kept it, or only what could not be looked at just now; null: something else does. */
  dueSince: number | null;
}

/** As it is recorded now, with what was seen a moment ago. Oldest runs first. */
export async function judgeLeftBehind(
  sql: Sql,
  which: WhichRuns,
  looks: LeftLooks,
  { afterMs }: { afterMs: number },
): Promise<JudgedRun[]> {
  const { runs, unseen, now } = await leftRuns(sql, which);
  return runs.map((run) => {
    const kept = keptByRecord(run, unseen, { now, afterMs });
    if (kept.length === 0) {
      const look = looks.get(run.jobId);
      kept.push(...(look ? keptByLook(run, look) : [NOT_LOOKED_AT]));
    }
    const onlyTime = kept.length === 1 && kept[0]?.why === 'TOO_SOON';
    const at = goesAt(run, afterMs);
    const due = kept.every(({ lookAgain }) => lookAgain);
    return { ...summary(run), kept, goesAt: onlyTime ? at : null, dueSince: due ? at : null };
  });
}

const summary = ({ jobId, run, checkpoints }: LeftRun) => ({
  jobId,
  run,
  checkpoints: checkpoints.length,
  bytes: checkpoints.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0),
  ofUnknownSize: checkpoints.filter(({ bytes }) => bytes === null).length,
});
