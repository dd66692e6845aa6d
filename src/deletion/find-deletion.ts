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

/** Of some savepoints those whose files may not all lie in their own folders, with why nothing is deleted there. */
export async function findUncontained(sql: Sql, savepointIds: readonly string[]): Promise<Map<string, string>> {
  if (savepointIds.length === 0) return new Map();
  const rows = await sql.rows<{ id: string }>(
    `select s.id from savepoint s left join snapshot_contents h on h.savepoint_id = s.id left join storage g on g.id = s.storage_id
      where s.id = any($1) and (h.self_contained = false or (g.injects_entropy and h.self_contained is not true))`,
    [savepointIds],
  );
  if (rows.length === 0) return new Map();
  const problems = await findPlaceProblems(
    sql,
    rows.map(({ id }) => id),
  );
  return new Map([...problems].flatMap(([id, problem]) => (problem === null ? [] : [[id, problem]])));
}
