import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { InvalidInput, NameTaken, NotFound } from '../api/user-error.js';
import { type Database, isDuplicate, type Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import { sameLocation } from '../flink/location.js';
import { storageReaders } from '../storage/storage-readers.js';
import { type Cluster, ClusterState } from './cluster.entity.js';
import { reachedAlready } from './create-storage.js';
import { findCluster, findStorage, lockCluster, rootsOfStorages } from './find-cluster.js';
import { readRootOf } from './record-facts.js';
import { lookThrough, seen } from './storage-access.js';
import { problemOfReadRoot, problemOfRoot, readRootOfText } from './storage-root.js';
import type { Storage, StorageMove } from './storage.entity.js';
import {
  findStorageByName,
  lockStorages,
  markStorage,
  moveStorage,
  newestIn,
  renameStorage,
  setRoot,
  underWayIn,
} from './storage.store.js';
import { StoragesCollide, type UpdateStorageInput, type UpdateStorageResult } from './storage.types.js';

/** So many of the newest savepoints are looked for at a new place. */
const LOOKED_FOR = 20;

/** Where it is read from now on, and what was found there. */
interface NewPlace {
  readRoot: string | null;
  move: Omit<StorageMove, 'at'>;
}

/** Changes the name of a storage, its mark, the root of one cluster, or where Stateward reads it. Looks at a new place before it counts, and tells what was found. */
export async function updateStorage(
  { database }: { database: Database },
  input: UpdateStorageInput,
  caller: Caller,
): Promise<UpdateStorageResult> {
  checkId('storageId', input.storageId);
  if (input.root) checkId('root.clusterId', input.root.clusterId);
  const name = input.name?.trim();
  const root = input.root && { clusterId: input.root.clusterId.toLowerCase(), uri: input.root.uri.trim() };
  const problem = check(name, root?.uri, input.readRoot);
  if (problem) return problem;
  const place = await lookAtNewPlace(database, input, root); // outside the transaction: a slow folder holds nothing up

  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'updateStorage', input };
  try {
    return await answerOnce(database, request, findStorage, async (tx) => {
      const cluster = root && (await lockCluster(tx, root.clusterId)); // admissions wait: none begins below a root that moves
      if (root && (!cluster || cluster.removedAt !== null))
        return new NotFound('root.clusterId', 'cluster', root.clusterId);
      const [storage] = await lockStorages(tx, [input.storageId]);
      if (!storage) return new NotFound('storageId', 'storage', input.storageId);
      const taken = name === undefined ? null : await findStorageByName(tx, name);
      if (taken && taken.id !== storage.id) return new NameTaken('storage', taken.name, taken.id);
      const refusal = root && cluster ? await refuseRoot(tx, storage, cluster, root.uri) : null;
      if (refusal) return refusal;

      if (name !== undefined) await renameStorage(tx, storage.id, name);
      const mark = input.injectsEntropy ?? storage.injectsEntropy;
      if (mark !== storage.injectsEntropy) await markStorage(tx, storage.id, mark);
      if (root) await setRoot(tx, storage.id, root.clusterId, root.uri);
      if (place) await moveStorage(tx, storage.id, place.readRoot, place.move);
      await recordEvent(tx, {
        type: EventType.STORAGE_UPDATED,
        storageId: storage.id,
        clusterId: root?.clusterId ?? null,
        actor: caller.actor,
        message: `Storage ${storage.name} was changed: ${inWords(storage, { name, cluster: cluster ?? null, uri: root?.uri, mark, place })}.`,
      });
      return storage.id;
    });
  } catch (error) {
    if (name === undefined || !isDuplicate(error, 'storage_name_key')) throw error;
    const taken = await findStorageByName(database, name);
    if (!taken) throw error;
    return new NameTaken('storage', name, taken.id);
  }
}

function check(
  name: string | undefined,
  uri: string | undefined,
  readRoot: string | null | undefined,
): InvalidInput | null {
  if (name !== undefined && (name.length < 1 || name.length > 100)) {
    return new InvalidInput('name', 'give 1 to 100 characters.');
  }
  const rootProblem = uri === undefined ? null : problemOfRoot(uri);
  if (rootProblem) return new InvalidInput('root.uri', rootProblem);
  const readProblem = readRoot === null || readRoot === undefined ? null : problemOfReadRoot(readRoot);
  return readProblem ? new InvalidInput('readRoot', readProblem) : null;
}

/** A root that the cluster's own configuration names moves with that configuration: otherwise the next look would make one more storage of it. */
async function refuseRoot(
  tx: Transaction,
  storage: Storage,
  cluster: Cluster,
  uri: string,
): Promise<InvalidInput | StoragesCollide | null> {
  const there = await reachedAlready(tx, cluster.id, uri, storage.id);
  if (there) return new StoragesCollide(`Cluster "${cluster.name}" reaches ${uri} already: ${there}`);
  const [underWay] = await underWayIn(tx, [storage.id], cluster.id);
  if (underWay) {
    return new StoragesCollide(
      `Savepoint ${underWay} is being written below the root that cluster "${cluster.name}" has there. Ask again when it has ended.`,
    );
  }
  const configured = [
    cluster.savepointStorageId === storage.id ? cluster.savepointRoot : null,
    cluster.checkpointStorageId === storage.id ? cluster.checkpointRoot : null,
  ].find((root) => root !== null && !sameLocation(root, uri));
  if (!configured || cluster.state === ClusterState.CHANGED) return null;
  return new InvalidInput(
    'root.uri',
    `cluster "${cluster.name}" is configured to use ${configured} for this storage. Change its Flink configuration and restart its JobManager first; then move the root here, and say confirmCluster(SAME).`,
  );
}

/** null: nothing moves. */
async function lookAtNewPlace(
  database: Database,
  { storageId, readRoot }: UpdateStorageInput,
  root: { clusterId: string; uri: string } | null | undefined,
): Promise<NewPlace | null> {
  const storage = await findStorage(database, storageId);
  if (!storage) return null;
  const known = (await rootsOfStorages(database, [storageId])).find((one) => one.clusterId === root?.clusterId);
  const moved = root && known && !sameLocation(known.uri, root.uri) ? { root, from: known.uri } : null;
  let folder = storage.readRoot;
  if (readRoot !== undefined) folder = readRoot && readRootOfText(readRoot);
  else if (moved) folder = await folderOf(database, storage, moved.from, moved.root);
  if (!moved && folder === storage.readRoot) return null;
  return { readRoot: folder, move: await lookFor(database, storageId, folder) };
}

/** The folder here moves with a root there only where it was taken from that root. */
async function folderOf(
  database: Database,
  storage: Storage,
  oldUri: string,
  root: { clusterId: string; uri: string },
): Promise<string | null> {
  const cluster = await findCluster(database, root.clusterId);
  const derived = cluster && readRootOf(oldUri, cluster.url);
  return cluster && derived !== null && derived === storage.readRoot
    ? readRootOf(root.uri, cluster.url)
    : storage.readRoot;
}

async function lookFor(database: Database, storageId: string, folder: string | null): Promise<Omit<StorageMove, 'at'>> {
  const move = { readable: false, lookedFor: 0, found: 0, missingSavepointIds: [] as string[] };
  if (folder === null) return move;
  const sight = { reader: await storageReaders.reader(folder), proven: false };
  const look = await lookThrough(sight, (reader) => reader.list(''));
  if (look.seen === null) return { ...move, notReadableBecause: look.why };
  move.readable = true;
  for (const { id, path } of await newestIn(database, storageId, LOOKED_FOR)) {
    const there = await seen(sight, (reader) => reader.exists(`${path}/_metadata`));
    if (there === null) continue;
    move.lookedFor += 1;
    if (there) move.found += 1;
    else move.missingSavepointIds.push(id);
  }
  return move;
}

interface Change {
  name: string | undefined;
  cluster: Cluster | null;
  uri: string | undefined;
  mark: boolean;
  place: NewPlace | null;
}

function inWords(storage: Storage, { name, cluster, uri, mark, place }: Change): string {
  const words = [
    name !== undefined && name !== storage.name && `its name is ${name}`,
    cluster && uri !== undefined && `cluster ${cluster.name} reaches it by ${uri}`,
    mark !== storage.injectsEntropy &&
      `Flink ${mark ? 'injects' : 'does not inject'} entropy into the paths of files there`,
    place && place.readRoot !== storage.readRoot && `it is read in ${place.readRoot ?? 'no place'}`,
    place?.move.readable && `${place.move.found} of the ${place.move.lookedFor} newest savepoints were found there`,
  ].filter((word) => word);
  return words.join('; ') || 'nothing';
}
