import type { CheckpointStatistics, SnapshotEntry } from '../flink/flink.types.js';
import { findGaps } from './checkpoint-gaps.js';
import { newsOf } from './checkpoint-news.js';
import {
  type CheckpointAccount,
  holdsEverything,
  type Look,
  type Pending,
  type RunFacts,
  type SeenStatistics,
  type Vanished,
} from './account.types.js';

/** Flink's own count says how many are in progress; this is only a bound should it not be right. */
const MOST_PENDING = 50;

/**
 * Carries the account of a run on by one answer. The same answer twice changes nothing the second time.
 *
 * Under one JobManager process ids only grow and counts never fall; the list holds the newest entries, and one leaves it only by being
 * pushed out, perhaps while it is in progress (`latest` still names the newest completed and failed one then). A process that takes
 * over begins with empty statistics. All as seen on 2.3.0 and 1.20.5.
 */
export function carryOn(before: CheckpointAccount | null, seen: SeenStatistics, run: RunFacts): Look {
  const { counts, history, latest } = seen.statistics;
  const entries = everyEntry(seen.statistics);
  if (before && isOlderView(before, seen)) return { account: before, entries: [], vanished: [], gaps: [], news: [] };
  const anew = before !== null && hasBegunAnew(before, seen, entries);
  const same = before !== null && !anew ? before : null;
  const known = new Set(same?.pending.map(({ id }) => id));
  const isNew = ({ id }: SnapshotEntry) => same === null || id > (same.newestId ?? -1) || known.has(id);
  const ended = entries.filter((entry) => entry.status !== 'IN_PROGRESS' && isNew(entry));
  const newlyCompleted = count(ended, 'COMPLETED');
  const newlyFailed = count(ended, 'FAILED');
  const unseen = {
    completed: Math.max(0, counts.completed - (same?.toldCompleted ?? 0) - newlyCompleted),
    failed: Math.max(0, counts.failed - (same?.toldFailed ?? 0) - newlyFailed),
    attempts: counts.total - (same?.toldTotal ?? 0) - entries.filter(({ id }) => id > (same?.newestId ?? -1)).length,
  };
  const absent = before?.pending.filter(({ id }) => !entries.some((entry) => entry.id === id)) ?? [];
  const allEnded = anew || counts.inProgress <= count(history, 'IN_PROGRESS');
  const vanished = allEnded ? fatesOf(absent, anew, unseen) : [];
  const failedUnseen = vanished.filter(({ fate }) => fate === 'FAILED').length;
  const newest = entries.at(-1);
  const { news, ...told } = newsOf(before, ended);
  const account: CheckpointAccount = {
    ...told,
    processMark: seen.processMark,
    lookedAt: seen.now,
    newestId: newest?.id ?? same?.newestId ?? null,
    newestTriggeredAt: newest?.triggeredAt ?? before?.newestTriggeredAt ?? null,
    toldTotal: counts.total,
    toldCompleted: counts.completed,
    toldFailed: counts.failed,
    recordedCompleted: (same?.recordedCompleted ?? 0) + newlyCompleted,
    recordedFailed: (same?.recordedFailed ?? 0) + newlyFailed + failedUnseen,
    failedWithoutEntry:
      (before?.failedWithoutEntry ?? 0) + (before && anew ? Math.max(0, before.toldFailed - before.recordedFailed) : 0),
    pending: [
      ...(allEnded ? [] : absent), // pushed out of the list, and some of them still in progress
      ...entries.filter(({ status }) => status === 'IN_PROGRESS').map(({ id, triggeredAt }) => ({ id, triggeredAt })),
    ].slice(-MOST_PENDING),
  };
  const gaps = findGaps({ before, anew, seen, run, entries, unseen, absent, restored: latest.restored });
  return { account, entries, vanished, gaps, news };
}

/** Failed attempts that never got an entry, or whose entry was gone: a number, not a gap (ST-1). */
export const failedBeyondEntries = (account: CheckpointAccount): number =>
  account.failedWithoutEntry + Math.max(0, account.toldFailed - account.recordedFailed);

/** `latest` names what may have left the list; each once, by id. */
function everyEntry({ history, latest }: CheckpointStatistics): SnapshotEntry[] {
  const all = new Map(history.map((entry) => [entry.id, entry]));
  for (const entry of [latest.completed, latest.savepoint, latest.failed])
    if (entry && !all.has(entry.id)) all.set(entry.id, entry);
  return [...all.values()].sort((a, b) => a.id - b.id);
}

/** The new statistics of another process, or of another leader in the same one, hold higher ids alone: what we know stays known. */
function holdsKnown({ newestId, newestTriggeredAt }: CheckpointAccount, { statistics }: SeenStatistics): boolean {
  if (newestId === null || newestTriggeredAt === null) return false;
  return statistics.history.some(({ id, triggeredAt }) => id <= newestId && triggeredAt <= newestTriggeredAt);
}

const countsFell = (before: CheckpointAccount, { statistics: { counts } }: SeenStatistics): boolean =>
  counts.completed < before.toldCompleted || counts.failed < before.toldFailed;

/** Behind one address several processes may answer, each from a cache of its own. */
const isOlderView = (before: CheckpointAccount, seen: SeenStatistics): boolean =>
  countsFell(before, seen) && holdsKnown(before, seen);

/**
 * Whether the statistics began anew since the last look: another process; counts that fell; or a list that holds everything and
 * lacks what was the newest.
 */
function hasBegunAnew(before: CheckpointAccount, seen: SeenStatistics, entries: SnapshotEntry[]): boolean {
  if (holdsKnown(before, seen)) return false;
  if (before.processMark !== null && seen.processMark !== null && before.processMark !== seen.processMark) return true;
  if (countsFell(before, seen)) return true;
  const allListed = holdsEverything(seen) && count(entries, 'COMPLETED') === seen.statistics.counts.completed;
  return allListed && before.newestId !== null && !entries.some(({ id }) => id === before.newestId);
}

function fatesOf(gone: readonly Pending[], anew: boolean, unseen: { completed: number; failed: number }): Vanished[] {
  const failed = !anew && unseen.completed === 0 && gone.length <= unseen.failed;
  return gone.map((pending) => ({ ...pending, fate: failed ? 'FAILED' : 'UNSEEN' }));
}

const count = (entries: readonly SnapshotEntry[], status: SnapshotEntry['status']): number =>
  entries.filter((entry) => entry.status === status).length;
