import { normaliseLocation, schemeOf } from '../flink/location.js';
import type { ComparedRoot } from './two-records.store.js';

/**
 * Roots under which something of one storage may lie in another one, too: they are equal, or one lies in the other. Under one cluster
 * that is a fact. Between clusters it is a proposal: one bucket name may be two buckets; and paths of two hosts are never compared.
 */
export function sharedRoots(roots: readonly { storageId: string; clusterId: string; uri: string }[]): ComparedRoot[] {
  const compared = roots.map(({ storageId, clusterId, uri }) => ({
    storageId,
    clusterId,
    text: schemeOf(uri) === 'file' ? `${clusterId} ${normaliseLocation(uri)}` : normaliseLocation(uri),
  }));
  const byText = new Map<string, Set<string>>();
  for (const { text, storageId } of compared) byText.set(text, (byText.get(text) ?? new Set()).add(storageId));
  const shared = new Set<string>();
  for (const { text, storageId } of compared)
    for (const above of selfAndAbove(text))
      for (const other of byText.get(above) ?? []) if (other !== storageId) shared.add(other).add(storageId);
  return compared.filter(({ storageId }) => shared.has(storageId));
}

function selfAndAbove(text: string): string[] {
  const segments = text.split('/');
  return segments.map((_, index) => segments.slice(0, index + 1).join('/'));
}
