import type { Sql } from '../db/database.js';
import { findStorages } from './find-cluster.js';
import type { Storage } from './storage.entity.js';
import { comparableRoots } from './storage.store.js';
import { equalTexts } from './storage-root.js';

/** For each of some storages those that may be the same place, by the text of their roots. */
export async function findSameText(sql: Sql, ids: readonly string[]): Promise<Map<string, Storage[]>> {
  const proposals = equalTexts(await comparableRoots(sql));
  const wanted = new Set(ids.flatMap((id) => proposals.get(id) ?? []));
  if (wanted.size === 0) return new Map();
  const storages = new Map((await findStorages(sql, [...wanted])).map((storage) => [storage.id, storage]));
  return new Map(ids.map((id) => [id, (proposals.get(id) ?? []).flatMap((other) => storages.get(other) ?? [])]));
}
