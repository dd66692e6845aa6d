import type { RestoredEntry, SnapshotEntry } from '../flink/flink.types.js';
import {
  type CheckpointAccount,
  type Gap,
  holdsEverything,
  type RunFacts,
  type SeenStatistics,
  type Pending,
} from './account.types.js';

interface Found {
  before: CheckpointAccount | null;
  /** The statistics began anew since `before`. */
  anew: boolean;
  seen: SeenStatistics;
  run: RunFacts;
  /** Everything in the answer, by id. */
  entries: readonly SnapshotEntry[];
  /** What Flink has counted more than there are entries of, since the last look; `attempts`: those begun since, however they went. */
  unseen: { completed: number; failed: number; attempts: number };
  /** They were in progress, and the answer does not hold them. */
  absent: readonly Pending[];
  restored: RestoredEntry | null;
}

/**
 * Which spans were not seen (ST-1). Under one process:
 *
 * - More completed than entries seen: COUNTED_MORE.
 * - An id is missing between the newest of the look before and the oldest in the list now, the list does not reach back that far,
 *   and Flink has counted more attempts since than there are entries: ID_MISSING. A hole anywhere else is none: nothing was pushed
 *   out of there, so it is an attempt that took an id and never got an entry, which Flink counts as failed.
 */
export function findGaps(found: Found): Gap[] {
  const { before, anew, seen, unseen } = found;
  if (before && anew) return [ordered(changeGap(found, before))];
  if (!before && restoredFromBefore(found)) return [ordered(unseenStart(found))];
  const hole = holeBehind(found);
  if (unseen.completed === 0 && hole === null) return [];
  const from = firstOf([hole?.from ?? null, unseen.completed > 0 ? firstOf(triggersOf(found.absent)) : null]);
  const lastKnown = from ?? before?.newestTriggeredAt ?? found.run.startedAt ?? seen.now;
  const to = hole?.to ?? seen.now;
  if (unseen.completed > 0)
    return [ordered({ from: lastKnown, to, missing: unseen.completed, reason: 'COUNTED_MORE' })];
  const missing = unseen.failed === 0 ? unseen.attempts : null;
  return [ordered({ from: lastKnown, to, missing, reason: 'ID_MISSING' })];
}

/** The ids between what was known and the oldest in the list, of which no entry was seen; null: there are none. */
function holeBehind({
  before,
  seen,
  run,
  entries,
  unseen,
  restored,
}: Found): { from: number; to: number; ids: number } | null {
  const oldest = oldestListed(seen);
  if (!oldest || holdsEverything(seen) || unseen.attempts <= 0) return null;
  const floor = before?.newestId ?? lastIdBefore(run, restored);
  const from = before?.newestTriggeredAt ?? run.startedAt ?? oldest.triggeredAt;
  // Where its ids began is not known: only the counts tell whether anything is missing.
  if (floor === null) return unseen.completed > 0 ? { from, to: oldest.triggeredAt, ids: unseen.completed } : null;
  const ids = oldest.id - floor - 1 - entries.filter(({ id }) => id > floor && id < oldest.id).length;
  return ids > 0 ? { from, to: oldest.triggeredAt, ids } : null;
}

/** The ids of a run begin behind that of what it was started from; null: that is not known. */
function lastIdBefore({ startCheckpointId }: RunFacts, restored: RestoredEntry | null): number | null {
  if (startCheckpointId !== null) return startCheckpointId;
  if (restored === null) return 0;
  return restored.isSavepoint ? restored.id : null; // true for whatever the start named, false after a recovery inside the job
}

/** At the first look: it was recovered from a checkpoint of its own that these statistics never counted. */
function restoredFromBefore({ unseen, entries, restored }: Found): boolean {
  if (!restored || restored.isSavepoint || unseen.completed > 0) return false;
  return !entries.some(({ id }) => id === restored.id);
}

const unseenStart = ({ run, seen, entries, restored }: Found): Gap => ({
  from: run.startedAt ?? restored?.restoredAt ?? seen.now,
  to: restored?.restoredAt ?? entries[0]?.triggeredAt ?? seen.now,
  missing: null,
  reason: 'JOBMANAGER_CHANGED',
});

/** From the last moment of which all is known to the first entry, or the restore, of the new statistics. */
function changeGap({ seen, entries, unseen, absent, restored }: Found, before: CheckpointAccount): Gap {
  const allSeenUntil = Math.max(before.newestTriggeredAt ?? 0, before.lookedAt - seen.staleMs);
  const first = entries.find(({ id }) => id > (before.newestId ?? -1))?.triggeredAt ?? null;
  const complete = holdsEverything(seen) || unseen.attempts <= 0;
  const began = restored && restored.restoredAt >= allSeenUntil ? restored.restoredAt : null;
  return {
    from: firstOf([allSeenUntil, ...triggersOf(absent)]) ?? allSeenUntil,
    to: (complete ? firstOf([began, first]) : oldestListed(seen)?.triggeredAt) ?? seen.now,
    missing: null,
    reason: 'JOBMANAGER_CHANGED',
  };
}

const oldestListed = ({ statistics: { history } }: SeenStatistics): SnapshotEntry | null =>
  history.reduce<SnapshotEntry | null>((low, entry) => (low && low.id < entry.id ? low : entry), null);

const triggersOf = (pending: readonly Pending[]): number[] => pending.map(({ triggeredAt }) => triggeredAt);

function firstOf(moments: (number | null)[]): number | null {
  const known = moments.filter((moment): moment is number => moment !== null);
  return known.length > 0 ? Math.min(...known) : null;
}

/** A clock may have been set back meanwhile. */
const ordered = (gap: Gap): Gap => ({ ...gap, to: Math.max(gap.from, gap.to) });
