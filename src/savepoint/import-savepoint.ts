import { randomUUID } from 'node:crypto';
import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { InvalidInput, NotFound } from '../api/user-error.js';
import { allRoots, findStorage } from '../cluster/find-cluster.js';
import { OutsideStorages } from '../cluster/outside-storages.js';
import { lookInto, seen } from '../cluster/storage-access.js';
import { placesOf } from '../cluster/storage-root.js';
import { type Database, isDuplicate, type Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { lockDeployment } from '../deployment/find-deployment.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import { normaliseLocation } from '../flink/location.js';
import { type LiveWriter, liveWriterOf, writerInWords } from '../job/live-writer.js';
import { SnapshotKind } from '../job/snapshot-kind.js';
import { findSavepoint, type Place, savepointAt } from './find-savepoint.js';
import { kindByName, problemOfLocation } from './import-location.js';
import { AlreadyKnown, type ImportSavepointInput, type ImportSavepointResult } from './import-savepoint.types.js';
import { DataState } from './savepoint.enums.js';
import { insertImported } from './savepoint-place.store.js';

/** A place with what was found out about it. */
interface Candidate {
  location: string;
  place: Place;
  /** Every storage that the location lies in, with the path there: roots may lie in each other. */
  everywhere: Place[];
  inside: WhatIsThere;
}

/** What could be learned by looking. Until `_metadata` is read, that is whether it is there. */
interface WhatIsThere {
  data: DataState;
  /** `_metadata` was read, and tells kind, format, size, version and operators. */
  verified: false;
}

/** Records what was made elsewhere. It belongs to a storage, is never part of a lineage, and no rule ever deletes it. */
export async function importSavepoint(
  { database }: { database: Database },
  input: ImportSavepointInput,
  caller: Caller,
): Promise<ImportSavepointResult> {
  if (input.storageId) checkId('storageId', input.storageId);
  if (input.deploymentId) checkId('deploymentId', input.deploymentId);
  const text = input.location.trim();
  const problem = problemOfLocation(text);
  if (problem) return new InvalidInput('location', problem);
  if (input.description && input.description.length > 500) {
    return new InvalidInput('description', `it has ${input.description.length} characters; 500 are kept.`);
  }
  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'importSavepoint', input };
  const candidate = await lookAt(database, input, normaliseLocation(text));
  try {
    return await answerOnce(database, request, findSavepoint, async (tx) => {
      if (!('place' in candidate)) return candidate;
      const known = await savepointAt(tx, candidate.everywhere, candidate.location);
      if (known) return new AlreadyKnown(candidate.location, known);
      const writer = await liveWriterOf(tx, candidate.location);
      if (writer) return ofLiveJob(candidate.location, writer);
      return store(tx, input, candidate, caller);
    });
  } catch (error) {
    if (!isDuplicate(error, 'savepoint_location') || !('place' in candidate)) throw error;
    const known = await savepointAt(database, candidate.everywhere, candidate.location); // recorded at the same instant
    if (!known) throw error;
    return new AlreadyKnown(candidate.location, known);
  }
}

const ofLiveJob = (location: string, writer: LiveWriter) =>
  new InvalidInput(
    'location',
    `${location} is a checkpoint of a live job: ${writerInWords(writer)}, and Flink deletes it when newer ones have completed. ` +
      'Take a savepoint of the job and import that, or stop the job first.',
  );

/** Which storage it lies in, and what is seen of it there; asked outside the transaction, since a slow storage must not hold one up. */
async function lookAt(
  database: Database,
  { storageId, format }: ImportSavepointInput,
  location: string,
): Promise<Candidate | NotFound | InvalidInput | OutsideStorages> {
  const named = storageId ? await findStorage(database, storageId) : null;
  if (storageId && !named) return new NotFound('storageId', 'storage', storageId);
  const roots = await allRoots(database);
  const { all } = placesOf(roots, location);
  const { best } = placesOf(named ? roots.filter((root) => root.storageId === named.id) : roots, location);
  const [place, another] = best;
  if (!place) {
    const known = roots.filter((root) => !named || root.storageId === named.id);
    return new OutsideStorages(location, [...new Set(known.map(({ uri }) => uri))].sort());
  }
  if (another) {
    return new InvalidInput(
      'storageId',
      `${location} lies below a root of several storages: ${best.map(({ name, storageId: id }) => `${name} (${id})`).join(', ')}. Name the one that it lies in; if they are one place, say so with mergeStorages.`,
    );
  }
  const { kind } = kindByName(place.path);
  if (format && kind === SnapshotKind.CHECKPOINT) {
    return new InvalidInput(
      'format',
      `${location} is a checkpoint by its name, and those have no format of savepoints.`,
    );
  }
  const inside = await whatIsThere(database, place);
  if (inside === 'NOTHING') {
    return new InvalidInput(
      'location',
      `there is no _metadata in ${location}, and Stateward reads the storage ${place.name}. A snapshot without it is not whole and cannot be restored from.`,
    );
  }
  return { location, place, everywhere: all, inside };
}

/** NOTHING: it is proven not to be there. In a storage that is not proven to be the same place, what is not found proves nothing. */
async function whatIsThere(database: Database, { storageId, path }: Place): Promise<WhatIsThere | 'NOTHING'> {
  const sight = await lookInto(database, storageId);
  const there = sight && (await seen(sight, (reader) => reader.exists(`${path}/_metadata`)));
  if (there) return { data: DataState.PRESENT, verified: false };
  return there === false && sight?.proven ? 'NOTHING' : { data: DataState.NOT_CHECKED, verified: false };
}

async function store(
  tx: Transaction,
  input: ImportSavepointInput,
  { location, place, inside }: Candidate,
  { actor }: Caller,
): Promise<string | NotFound> {
  const deployment = input.deploymentId ? await lockDeployment(tx, input.deploymentId) : null;
  if (input.deploymentId && !deployment) return new NotFound('deploymentId', 'deployment', input.deploymentId);
  const id = randomUUID();
  const { kind, flinkCheckpointId } = kindByName(place.path);
  await insertImported(tx, {
    id,
    deploymentId: deployment?.id ?? null,
    kind,
    flinkCheckpointId,
    format: input.format ?? null,
    description: input.description?.trim() || null,
    place,
    location,
    data: inside.data,
    checked: inside.data !== DataState.NOT_CHECKED,
    verified: inside.verified,
    actor,
  });
  await recordEvent(tx, {
    type: EventType.SAVEPOINT_IMPORTED,
    deploymentId: deployment?.id ?? null,
    storageId: place.storageId,
    savepointId: id,
    actor,
    message:
      `${kind === SnapshotKind.CHECKPOINT ? 'A reference to the checkpoint' : 'The savepoint'} ${location} was imported as ${id} by ${actor}` +
      `${inside.data === DataState.PRESENT ? '' : '; whether its data are there could not be looked up'}.`,
    details: { location, kind },
  });
  return id;
}
