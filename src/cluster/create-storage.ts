import { randomUUID } from 'node:crypto';
import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { InvalidInput, NameTaken, NotFound } from '../api/user-error.js';
import { type Database, isDuplicate, type Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import { sameLocation } from '../flink/location.js';
import { findStorage, holdCluster, storagesOfCluster } from './find-cluster.js';
import { problemOfReadRoot, problemOfRoot, readRootOfText } from './storage-root.js';
import type { Storage } from './storage.entity.js';
import { findStorageByName, insertStorage } from './storage.store.js';
import { type CreateStorageInput, type CreateStorageResult, StoragesCollide } from './storage.types.js';

/** Names a place for state beside those that the configurations of the clusters name. */
export async function createStorage(
  { database }: { database: Database },
  input: CreateStorageInput,
  caller: Caller,
): Promise<CreateStorageResult> {
  input.roots.forEach(({ clusterId }, index) => checkId(`roots[${index}].clusterId`, clusterId));
  const name = input.name.trim();
  const problem = check(input, name);
  if (problem) return problem;

  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'createStorage', input };
  try {
    return await answerOnce<Storage, Exclude<CreateStorageResult, Storage>>(
      database,
      request,
      findStorage,
      async (tx) => {
        const taken = await findStorageByName(tx, name);
        if (taken) return new NameTaken('storage', name, taken.id);
        const refusal = await refuseRoots(tx, input);
        if (refusal) return refusal;
        const id = randomUUID();
        const readRoot = input.readRoot == null ? null : readRootOfText(input.readRoot);
        await insertStorage(tx, { id, name, readRoot, injectsEntropy: input.injectsEntropy ?? false }, trimmed(input));
        await recordEvent(tx, {
          type: EventType.STORAGE_CREATED,
          storageId: id,
          actor: caller.actor,
          message: `Storage ${name} was created: ${trimmed(input)
            .map(({ uri }) => uri)
            .join(', ')}.`,
        });
        return id;
      },
    );
  } catch (error) {
    if (!isDuplicate(error, 'storage_name_key')) throw error;
    const taken = await findStorageByName(database, name);
    if (!taken) throw error;
    return new NameTaken('storage', name, taken.id);
  }
}

const trimmed = ({ roots }: CreateStorageInput) => roots.map(({ clusterId, uri }) => ({ clusterId, uri: uri.trim() }));

function check(input: CreateStorageInput, name: string): InvalidInput | null {
  if (name.length < 1 || name.length > 100) return new InvalidInput('name', 'give 1 to 100 characters.');
  if (input.roots.length < 1 || input.roots.length > 100) return new InvalidInput('roots', 'give 1 to 100 roots.');
  const clusters = new Set<string>();
  for (const [index, { clusterId, uri }] of trimmed(input).entries()) {
    const problem = problemOfRoot(uri);
    if (problem) return new InvalidInput(`roots[${index}].uri`, problem);
    if (clusters.has(clusterId.toLowerCase())) {
      return new InvalidInput(
        `roots[${index}].clusterId`,
        'a cluster reaches a storage by one root. Keep one of them.',
      );
    }
    clusters.add(clusterId.toLowerCase());
  }
  const problem = input.readRoot === null || input.readRoot === undefined ? null : problemOfReadRoot(input.readRoot);
  return problem === null ? null : new InvalidInput('readRoot', problem);
}

async function refuseRoots(tx: Transaction, input: CreateStorageInput): Promise<NotFound | StoragesCollide | null> {
  for (const [index, { clusterId, uri }] of trimmed(input).entries()) {
    const cluster = await holdCluster(tx, clusterId);
    if (!cluster) return new NotFound(`roots[${index}].clusterId`, 'cluster', clusterId);
    const there = await reachedAlready(tx, clusterId, uri, null);
    if (there) return new StoragesCollide(`Cluster "${cluster.name}" reaches ${uri} already: ${there}`);
  }
  return null;
}

/** The storage, another one than `except`, that a cluster reaches under a root, in words with what to do; null: none. */
export async function reachedAlready(
  tx: Transaction,
  clusterId: string,
  uri: string,
  except: string | null,
): Promise<string | null> {
  const storages = await storagesOfCluster(tx, clusterId);
  const there = storages.find(({ storageId, uri: root }) => storageId !== except && sameLocation(root, uri));
  return there
    ? `it is storage "${there.name}" (${there.storageId}). Use that one, or say with mergeStorages that the two are one place.`
    : null;
}
