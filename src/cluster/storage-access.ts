import type { Database } from '../db/database.js';
import { AppError } from '../errors.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import { StorageSilent } from '../storage/storage-calls.js';
import type { StorageReader } from '../storage/storage-reader.js';
import { storageReaders } from '../storage/storage-readers.js';
import { StorageAccess } from './storage.entity.js';
import { findStorage } from './find-cluster.js';
import { setStorageAccess } from './storage.store.js';

/** How far what Stateward sees of a storage may be trusted. */
export interface Sight {
  reader: StorageReader;
  /** False: what is found counts, what is not found proves nothing. */
  proven: boolean;
}

/** The eyes on a storage; null where Stateward cannot look. */
export async function lookInto(database: Database, storageId: string): Promise<Sight | null> {
  const storage = await findStorage(database, storageId);
  if (!storage?.readRoot || storage.access === StorageAccess.NONE || storage.access === StorageAccess.MISMATCH)
    return null;
  return { reader: await storageReaders.reader(storage.readRoot), proven: storage.access === StorageAccess.PROVEN };
}

/** What a look into a storage answers, or why nothing can be told. `soon`: it is only slow to answer somebody else, and may be asked again in a moment. */
export type Look<T> = { seen: T } | { seen: null; why: string; soon: boolean };

/** Until a storage that was only slow is asked again. */
export const SOON_MS = 1_000;

/** A storage that cannot be looked into (unreadable, silent, or a link in it that leads out) proves nothing and stops nobody. */
export async function lookThrough<T>(sight: Sight, look: (reader: StorageReader) => Promise<T>): Promise<Look<T>> {
  try {
    return { seen: await look(sight.reader) };
  } catch (error) {
    const trouble = error instanceof AppError && ['STORAGE_UNREADABLE', 'OUTSIDE_STORAGE_ROOT'].includes(error.code);
    if (!trouble) throw error;
    const soon = error.cause instanceof StorageSilent && error.cause.soon;
    return { seen: null, why: error.message, soon };
  }
}

/** The same for whoever does without what cannot be told: null. */
export const seen = async <T>(sight: Sight, look: (reader: StorageReader) => Promise<T>): Promise<T | null> =>
  (await lookThrough(sight, look)).seen;

/** Learns from one savepoint that Flink has just completed whether what is read here is the same place. */
export async function proveStorage(
  database: Database,
  storageId: string,
  found: boolean,
  location: string,
): Promise<void> {
  await database.transaction(async (tx) => {
    if (!(await setStorageAccess(tx, storageId, found ? 'PROVEN' : 'MISMATCH'))) return;
    const storage = await findStorage(tx, storageId);
    await recordEvent(tx, {
      type: found ? EventType.STORAGE_PROVEN_READABLE : EventType.STORAGE_NOT_THE_SAME,
      storageId,
      message: found
        ? `Storage ${storage?.name} can be read here: ${location} was seen in ${storage?.readRoot}.`
        : `Storage ${storage?.name} is not ${storage?.readRoot} as it is seen from here: ${location} was completed and is not there. It is not looked at any more.`,
    });
  });
}
