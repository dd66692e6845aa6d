import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { InvalidInput, NotFound } from '../api/user-error.js';
import { findStorage } from '../cluster/find-cluster.js';
import { joinStorages, lockForMerge, refuseJoin } from '../cluster/join-storages.js';
import type { Storage } from '../cluster/storage.entity.js';
import { type MergeStoragesInput, type MergeStoragesResult, StoragesCollide } from '../cluster/storage.types.js';
import type { Database, Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import { moveToStorage, pathsInTwo } from './savepoint-place.store.js';

/** A person says that several storages are one place: what lies in them lies in the one that is kept. */
export async function mergeStorages(
  { database }: { database: Database },
  input: MergeStoragesInput,
  caller: Caller,
): Promise<MergeStoragesResult> {
  checkId('keep', input.keep);
  input.into.forEach((id, index) => checkId(`into[${index}]`, id));
  const keep = input.keep.toLowerCase();
  const others = [...new Set(input.into.map((id) => id.toLowerCase()))];
  if (others.length < 1 || others.length > 20) return new InvalidInput('into', 'name 1 to 20 storages.');
  if (others.includes(keep)) return new InvalidInput('into', `storage ${keep} is the one that is kept. Leave it out.`);

  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'mergeStorages', input };
  return answerOnce(database, request, findStorage, async (tx) => {
    const storages = await lockForMerge(tx, [keep, ...others]);
    const kept = storages.get(keep);
    if (!kept) return new NotFound('keep', 'storage', keep);
    const missing = others.findIndex((id) => !storages.has(id));
    if (missing >= 0) return new NotFound(`into[${missing}]`, 'storage', others[missing] ?? '');
    const taken = others.flatMap((id) => storages.get(id) ?? []);
    return merge(tx, kept, taken, caller);
  });
}

async function merge(
  tx: Transaction,
  keep: Storage,
  others: readonly Storage[],
  { actor }: Caller,
): Promise<string | StoragesCollide> {
  const ids = others.map(({ id }) => id);
  const [collision] = await pathsInTwo(tx, [keep.id, ...ids]);
  if (collision) {
    const { path, ids: savepoints } = collision;
    return new StoragesCollide(
      `Savepoints ${savepoints.join(' and ')} have the same path ${path} in two of these storages: were the storages one place, one would be recorded twice. Nothing was merged.`,
      savepoints,
    );
  }
  const refusal = await refuseJoin(tx, keep, others);
  if (refusal) return refusal;
  const moved = await moveToStorage(tx, ids, keep.id);
  await joinStorages(tx, keep, others);
  await recordEvent(tx, {
    type: EventType.STORAGES_MERGED,
    storageId: keep.id,
    actor,
    message: `${actor} says that ${others.map(({ name }) => name).join(', ')} and ${keep.name} are one place: ${moved} savepoints lie in ${keep.name} from now on.`,
    details: { merged: ids, savepoints: moved },
  });
  return keep.id;
}
