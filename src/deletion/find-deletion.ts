import type { Sql } from '../db/database.js';
import { problemOfPlace } from './containment.js';
import { Deletion } from './deletion.entity.js';
import { savepointsToDelete } from './deletion.store.js';

/** Deletions go by the ids of their savepoints. */
export const findDeletion = (sql: Sql, savepointId: string) =>
  sql.entity(Deletion, 'select * from deletion where id = $1', [savepointId]);
export const findDeletions = (sql: Sql, savepointIds: readonly string[]) =>
  sql.entities(Deletion, 'select * from deletion where id = any($1)', [savepointIds]);

/** By id, why nothing is deleted where a savepoint lies; null: it may be. */
export async function findPlaceProblems(
  sql: Sql,
  savepointIds: readonly string[],
): Promise<Map<string, string | null>> {
  const found = await savepointsToDelete(sql, savepointIds, { lock: false });
  return new Map([...found].map(([id, savepoint]) => [id, problemOfPlace(savepoint)]));
}
