import type { Transaction } from '../db/database.js';
import { answerWith } from '../db/idempotency.js';
import { sameLocation } from '../flink/location.js';
import { lockCluster } from './find-cluster.js';
import type { Storage } from './storage.entity.js';
import { absorb, everyRootOf, lockStorages, readAs, underWayIn } from './storage.store.js';
import { StoragesCollide } from './storage.types.js';

/** Storages by id, with the clusters that reach them: nothing is admitted, begun or ended in them until the transaction ends. */
export async function lockForMerge(tx: Transaction, ids: readonly string[]): Promise<Map<string, Storage>> {
  const clusters = new Set((await everyRootOf(tx, ids)).map(({ clusterId }) => clusterId));
  for (const clusterId of [...clusters].sort()) await lockCluster(tx, clusterId);
  const storages = await lockStorages(tx, ids);
  return new Map(storages.map((storage) => [storage.id, storage]));
}

/** Where a cluster has a root of its own in both, that of the kept one counts: so nothing may be on its way below the other. */
export async function refuseJoin(
  tx: Transaction,
  keep: Storage,
  others: readonly Storage[],
): Promise<StoragesCollide | null> {
  const ids = others.map(({ id }) => id);
  const roots = (await everyRootOf(tx, [keep.id, ...ids])).filter(({ left }) => !left);
  for (const { clusterId, uri } of roots.filter(({ storageId }) => storageId === keep.id)) {
    const other = roots.find(
      (root) => root.storageId !== keep.id && root.clusterId === clusterId && !sameLocation(root.uri, uri),
    );
    const [underWay] = other ? await underWayIn(tx, ids, clusterId) : [];
    if (other && underWay) {
      return new StoragesCollide(
        `Savepoint ${underWay} is being written below ${other.uri}, and ${keep.name} is reached by ${uri} from there. Ask again when it has ended. Nothing was merged.`,
        [underWay],
      );
    }
  }
  return null;
}

/**
 * The others are part of the kept one from now on, and no storages of their own any more. Whatever lies in them has been moved.
 * A request that made or changed one of them is answered with the kept one when it is repeated with its key.
 */
export async function joinStorages(tx: Transaction, keep: Storage, others: readonly Storage[]): Promise<void> {
  const ids = others.map(({ id }) => id);
  const readable = others.find(({ readRoot }) => readRoot !== null);
  if (readable) await readAs(tx, keep.id, readable);
  await absorb(tx, keep.id, ids);
  await answerWith(tx, keep.id, ids);
}
