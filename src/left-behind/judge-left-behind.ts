import type { Sql } from '../db/database.js';
import {
  goesAt,
  keptByLook,
  keptByRecord,
  type KeptSnapshot,
  type LeftLook,
  type LeftRun,
  NOT_LOOKED_AT,
  type WhyKept,
} from './left-behind-choice.js';
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
  const concern = whatConcerns(runs);
  return runs.map((run) => {
    const kept = keptByRecord(run, unseen, { now, afterMs });
    if (kept.length === 0) {
      const look = looks.get(run.jobId);
      kept.push(...(look ? keptByLook({ ...run, mayUseAny: concern(look) }, look) : [NOT_LOOKED_AT]));
    }
    const onlyTime = kept.length === 1 && kept[0]?.why === 'TOO_SOON';
    const at = goesAt(run, afterMs);
    const due = kept.every(({ lookAgain }) => lookAgain);
    return { ...summary(run), kept, goesAt: onlyTime ? at : null, dueSince: due ? at : null };
  });
}

/** Of what may use files of any run, what may of one of these by what was seen: found once for all looks that have seen the same, since both are many. */
function whatConcerns(runs: readonly LeftRun[]): (look: LeftLook) => readonly KeptSnapshot[] {
  const jobs = new Set(runs.map(({ flinkJobId }) => flinkJobId));
  const found = new Map<LeftLook['reachOf'], readonly KeptSnapshot[]>();
  return ({ reachOf }) => {
    const before = found.get(reachOf);
    if (before) return before;
    const concerns = (runs[0]?.mayUseAny ?? []).filter(({ key }) => {
      const folders = reachOf.get(key);
      return !folders || folders.some((folder) => folder.split('/').some((name) => jobs.has(name)));
    });
    found.set(reachOf, concerns);
    return concerns;
  };
}

const summary = ({ jobId, run, checkpoints }: LeftRun) => ({
  jobId,
  run,
  checkpoints: checkpoints.length,
  bytes: checkpoints.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0),
  ofUnknownSize: checkpoints.filter(({ bytes }) => bytes === null).length,
});
