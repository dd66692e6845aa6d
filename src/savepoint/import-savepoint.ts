import { randomUUID } from 'node:crypto';
import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { InvalidInput, NotFound } from '../api/user-error.js';
import { allRoots, findStorage } from '../cluster/find-cluster.js';
import { OutsideStorages } from '../cluster/outside-storages.js';
import { placesOf } from '../cluster/storage-root.js';
import { type Database, isDuplicate, type Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { lockDeployment } from '../deployment/find-deployment.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import { normaliseLocation } from '../flink/location.js';
import { goingRunAt } from '../job/going-checkpoints.js';
import { type LiveWriter, liveWriterOf, writerInWords } from '../job/live-writer.js';
import { SnapshotKind } from '../job/snapshot-kind.js';
import { findSavepoint, type Place, savepointAt } from './find-savepoint.js';
import { problemOfLocation } from './import-location.js';
import { AlreadyKnown, type ImportSavepointInput, type ImportSavepointResult } from './import-savepoint.types.js';
import { type Found, judgeImport } from './judge-import.js';
import { lookAtSnapshot } from './look-at-snapshot.js';
import { lookWithin } from './look-within.js';
import { insertImported } from './savepoint-place.store.js';
import { keepContents } from './snapshot-contents.store.js';

/** A place with what was found out about it. */
interface Candidate {
  location: string;
  place: Place;
  /** Every storage that the location lies in, with the path there: roots may lie in each other. */
  everywhere: Place[];
  found: Found | InvalidInput;
}

const LOOK_MS = 60_000;

/** Records what was made elsewhere. It belongs to a storage, is never part of a lineage, and no rule ever deletes it. */
export async function importSavepoint(
  { database }: { database: Database },
  input: ImportSavepointInput,
  caller: Caller,
  lookMs = LOOK_MS,
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
  const candidate = await lookAt(database, input, normaliseLocation(text), lookMs);
  try {
    return await answerOnce(database, request, findSavepoint, async (tx) => {
      if (!('place' in candidate)) return candidate;
      const known = await savepointAt(tx, candidate.everywhere, candidate.location);
      if (known) return new AlreadyKnown(candidate.location, known);
      const writer = await liveWriterOf(tx, candidate.location);
      if (writer) return ofLiveJob(candidate.location, writer);
      if (await goingRunAt(tx, candidate.location, { lock: true })) return ofGoing(candidate.location);
      const { found } = candidate;
      return found instanceof InvalidInput ? found : store(tx, input, { ...candidate, found }, caller);
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

const ofGoing = (location: string) =>
  new InvalidInput(
    'location',
    `what the run of ${location} left behind is being disposed of, or was, as a retention policy says (leftBehind: DISPOSE). Import another.`,
  );

/** Which storage it lies in, and what is seen of it there; asked outside the transaction, since a slow storage must not hold one up. */
async function lookAt(
  database: Database,
  { storageId, format }: ImportSavepointInput,
  location: string,
  lookMs: number,
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
  const look = await lookWithin(lookMs, (signal) => lookAtSnapshot(database, place, location, { signal }));
  return { location, place, everywhere: all, found: judgeImport({ look, location, place, format: format ?? null }) };
}

async function store(
  tx: Transaction,
  input: ImportSavepointInput,
  { location, place, found }: Candidate & { found: Found },
  { actor }: Caller,
): Promise<string | NotFound> {
  const deployment = input.deploymentId ? await lockDeployment(tx, input.deploymentId) : null;
  if (input.deploymentId && !deployment) return new NotFound('deploymentId', 'deployment', input.deploymentId);
  const id = randomUUID();
  const { contents, ...columns } = found;
  const description = input.description?.trim() || null;
  await insertImported(tx, {
    id,
    deploymentId: deployment?.id ?? null,
    description,
    place,
    location,
    actor,
    ...columns,
  });
  if (contents) await keepContents(tx, { savepointId: id }, contents);
  await recordEvent(tx, {
    type: EventType.SAVEPOINT_IMPORTED,
    deploymentId: deployment?.id ?? null,
    storageId: place.storageId,
    savepointId: id,
    actor,
    message:
      `${found.kind === SnapshotKind.CHECKPOINT ? 'A reference to the checkpoint' : 'The savepoint'} ${location} was imported as ${id} by ${actor}.` +
      found.warnings.map(({ message }) => ` ${message}`).join(''),
    details: { location, kind: found.kind, verified: found.verified, data: found.data },
  });
  return id;
}
