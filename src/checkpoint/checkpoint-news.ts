import type { SnapshotEntry } from '../flink/flink.types.js';
import type { CheckpointAccount, News, RememberedSnapshot } from './account.types.js';

type Told = Pick<CheckpointAccount, 'firstCompletedId' | 'lastCompleted' | 'lastFailed' | 'failedInARow'>;

/** Of checkpoints alone: savepoints have a life and events of their own. `ended` by id. */
export function newsOf(before: Told | null, ended: readonly SnapshotEntry[]): Told & { news: News[] } {
  const told: Told = {
    firstCompletedId: before?.firstCompletedId ?? null,
    lastCompleted: before?.lastCompleted ?? null,
    lastFailed: before?.lastFailed ?? null,
    failedInARow: before?.failedInARow ?? 0,
  };
  const news: News[] = [];
  for (const entry of ended) {
    if (entry.isSavepoint) continue;
    if (entry.status === 'FAILED') {
      const { lastCompleted } = told;
      if (told.failedInARow === 0 && lastCompleted) news.push({ what: 'FAILED', entry, lastCompleted });
      told.failedInARow += 1;
      told.lastFailed = newer(told.lastFailed, entry);
      continue;
    }
    const failures = told.failedInARow;
    if (told.firstCompletedId === null) news.push({ what: 'FIRST_COMPLETED', entry });
    else if (failures > 0) news.push({ what: 'RECOVERED', entry, failures });
    told.firstCompletedId ??= entry.id;
    told.lastCompleted = newer(told.lastCompleted, entry);
    told.failedInARow = 0;
  }
  return { ...told, news };
}

const newer = (known: RememberedSnapshot | null, entry: SnapshotEntry): RememberedSnapshot =>
  known && known.id > entry.id ? known : entry;
