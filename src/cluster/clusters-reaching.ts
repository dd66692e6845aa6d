import type { Sql } from '../db/database.js';
import { allRoots } from './find-cluster.js';
import { placesOf } from './storage-root.js';

/**
 * Clusters that may have written what lies at a location: those that reach a storage which it may lie in. By the text alone, and so
 * never a proof of anything (CL-4).
 */
export async function clustersReaching(sql: Sql, location: string): Promise<string[]> {
  const roots = await allRoots(sql);
  const storages = new Set(placesOf(roots, location).all.map(({ storageId }) => storageId));
  return [...new Set(roots.filter(({ storageId }) => storages.has(storageId)).map(({ clusterId }) => clusterId))];
}
