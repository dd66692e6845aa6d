import { lookInto, lookThrough, proveStorage, SOON_MS } from '../cluster/storage-access.js';
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
/** Where Flink does not answer at all, its details are waited for so long; so are the data where their storage is slow. */
const GIVE_UP_AFTER_MS = 10 * 60_000;
const AGAIN_MS = 700;

/**
 * After COMPLETED: takes checkpoint id, trigger time, size and duration from the job's statistics, and looks whether the data
 * lie where they should. Neither changes that it is COMPLETED. A storage that is slow to answer somebody else is asked again, with
 * what Flink has told already written.
 */
export async function readDetails(deps: AdvanceSavepointDeps, work: SavepointAtWork, claim: Claim): Promise<void> {
  const details = await readNumbers(deps, work);
  const data = await checkData(deps, work);
  const slow = data.soon && work.stateAgeMs < GIVE_UP_AFTER_MS;
  const againInMs = details.againInMs ?? (slow ? SOON_MS : null);
  const then: Then = againInMs === null ? 'REST' : { againInMs };
  failPoint('savepoint.details-read');
  await deps.database.transaction(async (tx) => {
    const checked = data.state !== DataState.NOT_CHECKED && { data: data.state, data_checked_at: NOW };
    await fencedWrite(tx, claim, [SavepointState.COMPLETED], { ...details.columns, ...checked, failures: 0 }, then);
    if (details.entry) await recordEvent(tx, detailsEvent(work, details.entry));
    if (then === 'REST') for (const event of dataEvents(work, data)) await recordEvent(tx, event);
  });
}

interface Numbers {
  /** Flink has just told of it. */
  entry: SnapshotEntry | null;
  columns: Record<string, unknown>;
  /** null: nothing more is to come. */
  againInMs: number | null;
}

async function readNumbers(deps: AdvanceSavepointDeps, work: SavepointAtWork): Promise<Numbers> {
  if (work.detailsState === DetailsState.REPORTED) return { entry: null, columns: {}, againInMs: null };
  const told = await readStatistics(deps, work);
  const entry = told && work.location ? entryOf(told, work.location) : null;
  if (entry) return { entry, columns: columnsOf(entry), againInMs: null };
  if (told !== 'GONE' && work.stateAgeMs < (told ? NEVER_AFTER_MS : GIVE_UP_AFTER_MS))
    return { entry, columns: {}, againInMs: told ? AGAIN_MS : 5_000 };
  return { entry, columns: { details: DetailsState.NEVER_REPORTED }, againInMs: null };
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
  /** NOT_CHECKED: it cannot be told. */
  state: DataState;
  /** More than one `savepoint-…` below the attempt's directory: something was sent twice after all. */
  entries: string[];
  /** The storage was slow to answer somebody else: more can be told in a moment. */
  soon: boolean;
}

const NOT_CHECKED: DataCheck = { state: DataState.NOT_CHECKED, entries: [], soon: false };

/** Also learns from it whether the folder here is the storage there. */
async function checkData({ database }: AdvanceSavepointDeps, work: SavepointAtWork): Promise<DataCheck> {
  const { storageId, path, location, attempt } = work;
  if (!storageId || !path || !location) return NOT_CHECKED;
  const sight = await lookInto(database, storageId);
  if (!sight) return NOT_CHECKED;
  const look = await lookThrough(sight, (reader) => reader.exists(`${path}/_metadata`));
  if ('why' in look) return { ...NOT_CHECKED, soon: look.soon }; // such as a folder that does not exist here: nothing is learned
  if (!sight.proven) {
    await proveStorage(database, storageId, look.seen, location);
    if (!look.seen) return NOT_CHECKED;
  }
  const own = attempt && storageId === attempt.storageId ? attempt.directory : null;
  const listed = own === null ? null : await lookThrough(sight, (reader) => reader.list(own));
  return {
    state: look.seen ? DataState.PRESENT : DataState.MISSING,
    entries: (listed?.seen ?? []).map(({ name }) => name).filter((name) => name.startsWith('savepoint-')),
    soon: listed !== null && 'why' in listed && listed.soon,
  };
}

const subjectOf = (work: SavepointAtWork) => ({
  deploymentId: work.deploymentId,
  savepointId: work.id,
  jobId: work.job.id,
  clusterId: work.cluster.id,
});

const detailsEvent = (work: SavepointAtWork, entry: SnapshotEntry): NewEvent => ({
  ...subjectOf(work),
  type: EventType.SAVEPOINT_DETAILS,
  message: `Savepoint ${work.id}: checkpoint ${entry.id} of Flink, ${entry.stateBytes} bytes, ${entry.durationMs ?? 'unknown'} ms.`,
  details: { checkpointId: entry.id, sizeBytes: entry.stateBytes, durationMs: entry.durationMs },
});

function dataEvents(work: SavepointAtWork, data: DataCheck): NewEvent[] {
  const about = subjectOf(work);
  const events: NewEvent[] = [];
  if (data.state === DataState.MISSING) {
    events.push({
      ...about,
      type: EventType.SAVEPOINT_DATA_MISSING,
      message: `Savepoint ${work.id} is complete by Flink's word, and ${work.location} is not in the storage.`,
    });
  }
  if (data.entries.length > 1) {
    events.push({
      ...about,
      type: EventType.SAVEPOINT_MADE_TWICE,
      message: `Below the directory of savepoint ${work.id} lie ${data.entries.length} savepoints (${data.entries.join(', ')}); ${work.location} is the one recorded. Remove the others by hand.`,
    });
  }
  return events;
}
