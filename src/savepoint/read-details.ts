import { lookInto, proveStorage, seen } from '../cluster/storage-access.js';
import { NOW } from '../db/assign.js';
import { type Claim, fencedWrite, type Then } from '../db/claims.js';
import { AppError } from '../errors.js';
import { EventType } from '../event/event-types.js';
import { type NewEvent, recordEvent } from '../event/record-event.js';
import { failPoint } from '../fail-point.js';
import type { CheckpointStatistics, SnapshotEntry } from '../flink/flink.types.js';
import { sameLocation } from '../flink/location.js';
import { DataState, DetailsState, SavepointState } from './savepoint.enums.js';
import type { AdvanceSavepointDeps } from './savepoint-deps.js';
import type { SavepointAtWork } from './savepoint.store.js';

/** The statistics lag up to 3 s behind; an answer that still lacks it after this long will not have it later. */
const NEVER_AFTER_MS = 20_000;
/** Where Flink does not answer at all, its details are waited for so long. */
const GIVE_UP_AFTER_MS = 10 * 60_000;
const AGAIN_MS = 700;

/**
 * After COMPLETED: takes checkpoint id, trigger time, size and duration from the job's statistics, and looks whether the data
 * lie where they should. Neither changes that it is COMPLETED.
 */
export async function readDetails(deps: AdvanceSavepointDeps, work: SavepointAtWork, claim: Claim): Promise<void> {
  const told = await readStatistics(deps, work);
  const entry = told && work.location ? entryOf(told, work.location) : null;
  const waiting = !entry && told !== 'GONE' && work.stateAgeMs < (told ? NEVER_AFTER_MS : GIVE_UP_AFTER_MS);
  const data = await checkData(deps, work);
  failPoint('savepoint.details-read');
  await deps.database.transaction(async (tx) => {
    const then: Then = waiting ? { againInMs: told ? AGAIN_MS : 5_000 } : 'REST';
    const details = entry ? columnsOf(entry) : waiting ? {} : { details: DetailsState.NEVER_REPORTED };
    await fencedWrite(
      tx,
      claim,
      [SavepointState.COMPLETED],
      { ...details, ...(data && { data: data.state, data_checked_at: NOW }), failures: 0 },
      then,
    );
    if (!waiting) for (const event of eventsOf(work, entry, data)) await recordEvent(tx, event);
  });
}

/** null: nobody answers now. A job that is unknown has no statistics any more, which is an answer. */
async function readStatistics(
  { flinkClients }: AdvanceSavepointDeps,
  work: SavepointAtWork,
): Promise<CheckpointStatistics | 'GONE' | null> {
  try {
    return (await flinkClients.at(work.cluster.url).checkpoints(work.job.flinkJobId)) ?? 'GONE';
  } catch (error) {
    if (error instanceof AppError && error.retryable) return null; // asked again until GIVE_UP_AFTER_MS
    throw error;
  }
}

function entryOf(told: CheckpointStatistics | 'GONE', location: string): SnapshotEntry | null {
  if (told === 'GONE') return null;
  const entries = told.latest.savepoint ? [...told.history, told.latest.savepoint] : told.history;
  return (
    entries.find(
      (entry) => entry.status === 'COMPLETED' && entry.location !== null && sameLocation(entry.location, location),
    ) ?? null
  );
}

const columnsOf = (entry: SnapshotEntry) => ({
  details: DetailsState.REPORTED,
  flink_checkpoint_id: entry.id,
  triggered_at: new Date(entry.triggeredAt),
  duration_ms: entry.durationMs,
  size_bytes: entry.stateBytes,
});

interface DataCheck {
  state: DataState;
  /** More than one `savepoint-…` below the attempt's directory: something was sent twice after all. */
  entries: string[];
}

/** Also learns from it whether the folder here is the storage there. null: it cannot be told. */
async function checkData({ database }: AdvanceSavepointDeps, work: SavepointAtWork): Promise<DataCheck | null> {
  const { storageId, path, location, attempt } = work;
  if (!storageId || !path || !location) return null;
  const sight = await lookInto(database, storageId);
  if (!sight) return null;
  if (!sight.proven) {
    const there = await seen(sight, (reader) => reader.exists(`${path}/_metadata`));
    if (there === null) return null; // the folder does not exist here: nothing is learned
    await proveStorage(database, storageId, there, location);
    if (!there) return null;
  }
  const present = await seen(sight, (reader) => reader.exists(`${path}/_metadata`));
  if (present === null) return null;
  const own = attempt && storageId === attempt.storageId ? attempt.directory : null;
  const entries = own === null ? null : await seen(sight, (reader) => reader.list(own));
  return {
    state: present ? DataState.PRESENT : DataState.MISSING,
    entries: (entries ?? []).map(({ name }) => name).filter((name) => name.startsWith('savepoint-')),
  };
}

function eventsOf(work: SavepointAtWork, entry: SnapshotEntry | null, data: DataCheck | null): NewEvent[] {
  const about = {
    deploymentId: work.deploymentId,
    savepointId: work.id,
    jobId: work.job.id,
    clusterId: work.cluster.id,
  };
  const events: NewEvent[] = [];
  if (entry) {
    events.push({
      ...about,
      type: EventType.SAVEPOINT_DETAILS,
      message: `Savepoint ${work.id}: checkpoint ${entry.id} of Flink, ${entry.stateBytes} bytes, ${entry.durationMs ?? 'unknown'} ms.`,
      details: { checkpointId: entry.id, sizeBytes: entry.stateBytes, durationMs: entry.durationMs },
    });
  }
  if (data?.state === DataState.MISSING) {
    events.push({
      ...about,
      type: EventType.SAVEPOINT_DATA_MISSING,
      message: `Savepoint ${work.id} is complete by Flink's word, and ${work.location} is not in the storage.`,
    });
  }
  if (data && data.entries.length > 1) {
    events.push({
      ...about,
      type: EventType.SAVEPOINT_MADE_TWICE,
      message: `Below the directory of savepoint ${work.id} lie ${data.entries.length} savepoints (${data.entries.join(', ')}); ${work.location} is the one recorded. Remove the others by hand.`,
    });
  }
  return events;
}
