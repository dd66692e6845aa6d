import { allRoots, type ReachedStorage } from '../cluster/find-cluster.js';
import { lookInto, lookThrough } from '../cluster/storage-access.js';
import { type Storage, StorageAccess } from '../cluster/storage.entity.js';
import type { Database } from '../db/database.js';
import { AppError } from '../errors.js';
import { joinLocation } from '../flink/location.js';
import type { StorageReader } from '../storage/storage-reader.js';
import { databaseNow, storagesAsked } from './drift.store.js';
import type { DriftLook, DriftStorage } from './drift.types.js';

/** A look into buckets must end: with so many directories, so many files (the last directory aside), or after so long. */
export const MOST_DIRECTORIES = 100;
const MOST_FILES = 2_000;
const LOOK_FOR_MS = 5_000;
/** More storages that can be read from one place are not expected. */
const MOST_STORAGES = 1_000;
/** Of a report, so many storages are named. */
export const STORAGES_NAMED = 100;

/** What every source of the report works with. */
export interface Look {
  database: Database;
  /** null: all. */
  storageId: string | null;
  includeForgotten: boolean;
  /** The database's clock, in epoch ms. */
  now: number;
  /** Eyes on the storages that are proven to be what they seem, by id. */
  eyes: ReadonlyMap<string, StorageReader>;
  /** Under which clusters reach storages now. */
  roots: readonly ReachedStorage[];
  tally: Omit<DriftLook, 'truncated'>;
  /** How far the look has come is how far it goes. */
  isOver(): boolean;
}

export async function beginLook(
  database: Database,
  storageId: string | null,
  includeForgotten: boolean,
): Promise<Look> {
  const tally = { directories: 0, files: 0, stillWritten: 0 };
  const until = performance.now() + LOOK_FOR_MS;
  const eyes = new Map<string, StorageReader>();
  for (const storage of await storagesAsked(database, storageId, MOST_STORAGES)) {
    const { reader } = await sightOf(database, storage);
    if (reader) eyes.set(storage.id, reader);
  }
  return {
    database,
    storageId,
    includeForgotten,
    now: await databaseNow(database),
    eyes,
    roots: await allRoots(database),
    tally,
    isOver: () => tally.directories >= MOST_DIRECTORIES || tally.files >= MOST_FILES || performance.now() >= until,
  };
}

/** Whether what lies in storages can be seen, for those that are asked about. */
export async function storagesOf(database: Database, storageId: string | null): Promise<DriftStorage[]> {
  const answers: DriftStorage[] = [];
  for (const storage of await storagesAsked(database, storageId, STORAGES_NAMED)) {
    const { reader, why } = await sightOf(database, storage);
    const trouble = storage.access === StorageAccess.UNPROVEN ? await troubleOf(database, storage) : null;
    answers.push({ storageId: storage.id, leftoversChecked: reader !== null, notCheckedBecause: trouble ?? why });
  }
  return answers;
}

type Sight = { reader: StorageReader; why: null } | { reader: null; why: string };

/** Only a proven storage is judged: in another one, what lies there may be somebody else's. */
async function sightOf(database: Database, storage: Storage): Promise<Sight> {
  const why = blindness(storage);
  if (why !== null) return { reader: null, why };
  const sight = await lookInto(database, storage.id);
  if (!sight?.proven) return { reader: null, why: 'Where it is read is being changed. Ask again.' };
  const look = await lookThrough(sight, (reader) => reader.exists('')); // a root that is not there now would look like so many empty directories
  return look.seen === null ? { reader: null, why: look.why } : { reader: sight.reader, why: null };
}

/** Of one that is not proven yet: whether what should prove it can be seen at all. */
async function troubleOf(database: Database, { id }: Storage): Promise<string | null> {
  const sight = await lookInto(database, id);
  const look = sight && (await lookThrough(sight, (reader) => reader.exists('')));
  return look?.seen === null ? look.why : null;
}

export const isTroubleOfStorage = (error: unknown): error is AppError =>
  error instanceof AppError && ['STORAGE_UNREADABLE', 'OUTSIDE_STORAGE_ROOT'].includes(error.code);

function blindness({ access, readRoot }: Storage): string | null {
  switch (access) {
    case StorageAccess.PROVEN:
      return null;
    case StorageAccess.NONE:
      return 'Stateward has no folder to read it by, and no place in S3. Name one with updateStorage(readRoot).';
    case StorageAccess.UNPROVEN:
      return `No savepoint of Flink has been seen in ${readRoot} yet, so that may be another place. The next one that is completed there proves it.`;
    case StorageAccess.MISMATCH:
      return `${readRoot} is another place: a savepoint that Flink had completed was not there. Name the right one with updateStorage(readRoot).`;
  }
}

export interface Located {
  location: string;
  /** A cluster reaches it by this location now: it can be imported. */
  reachable: boolean;
}

/** A path of a storage as a cluster writes it: the one named, if it still reaches the storage, else any that does, else as it was. */
export function locate(
  { roots }: Pick<Look, 'roots'>,
  storageId: string,
  path: string,
  by: { clusterId: string; uri: string | null } | null = null,
): Located | null {
  const here = roots.filter((root) => root.storageId === storageId);
  const root = here.find(({ clusterId }) => clusterId === by?.clusterId) ?? here[0];
  const uri = root?.uri ?? by?.uri;
  return uri == null ? null : { location: joinLocation(uri, path), reachable: root !== undefined };
}
