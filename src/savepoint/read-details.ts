import { SOON_MS } from '../cluster/storage-access.js';
import { NOW } from '../db/assign.js';
import { type Claim, fencedWrite, type Then } from '../db/claims.js';
import { AppError } from '../errors.js';
import { EventType } from '../event/event-types.js';
import { type NewEvent, recordInOrder } from '../event/record-event.js';
import { failPoint } from '../fail-point.js';
import type { CheckpointStatistics, SnapshotEntry } from '../flink/flink.types.js';
import { sameLocation } from '../flink/location.js';
import { checkData, type DataCheck } from './check-data.js';
import { contentsByStatistics } from './contents-by-statistics.js';
import { dataNews } from './data-news.js';
import { isForeign } from './data-of-look.js';
import { DataState, DetailsState, SavepointState } from './savepoint.enums.js';
import type { AdvanceSavepointDeps, ReadDetailsDeps } from './savepoint-deps.js';
import { roomPauseMs } from './look-pause.js';
import type { SavepointAtWork } from './savepoint.store.js';
import { contentsOf, type ContentsOfRest } from './snapshot-contents.js';
import { keepContents } from './snapshot-contents.store.js';

/** The statistics lag up to 3 s behind; an answer that still lacks it after this long will not have it later. */
const NEVER_AFTER_MS = 20_000;
/** Where Flink does not answer at all, its details are waited for so long; so are the data where their storage is slow. */
const GIVE_UP_AFTER_MS = 10 * 60_000;
const AGAIN_MS = 700;
const TROUBLE_MS = 5_000;
/** While Flink has not told its details, the data are looked for in the first looks alone; what these do not see has time until then. */
const LOOK_BESIDE_MS = 5_000;

/**
 * After COMPLETED: takes checkpoint id, trigger time, size and duration from the job's statistics, and looks at the snapshot: what it
 * holds, and whether all of it is there. Neither changes that it is COMPLETED, and neither waits for the other: what is known is
 * written at once. A look that takes long, or finds no room among those at others, is the last step of the row.
 */
export async function readDetails(deps: ReadDetailsDeps, work: SavepointAtWork, claim: Claim): Promise<void> {
  const details = await readNumbers(deps, work);
  const data = await look(deps, work, claim, details);
  const last = await readContents(deps, work, details, data);
  const then: Then = last.againInMs === null ? 'REST' : { againInMs: last.againInMs };
  failPoint('savepoint.details-read');
  await deps.database.transaction(async (tx) => {
    const checked = data.state !== null && { data: data.state, data_checked_at: NOW };
    await fencedWrite(tx, claim, [SavepointState.COMPLETED], { ...details.columns, ...checked, failures: 0 }, then);
    const contents =
      data.state !== null && data.look.kind === 'READ' ? contentsOf(data.look.inspection) : last.contents;
    if (contents) await keepContents(tx, { savepointId: work.id }, contents);
    await recordInOrder(tx, [...(details.entry ? [detailsEvent(work, details.entry)] : []), ...dataEvents(work, data)]);
  });
}

/** LONGER: not looked yet. */
function look(
  deps: ReadDetailsDeps,
  work: SavepointAtWork,
  claim: Claim,
  { againInMs }: Numbers,
): Promise<DataCheck> | DataCheck {
  if (work.dataChecked) return { state: null, again: 'NEVER' };
  if (work.detailsState !== DetailsState.NOT_YET_REPORTED) return checkData(deps, work, claim, 'LONG');
  if (againInMs !== null && work.stateAgeMs > LOOK_BESIDE_MS) return { state: null, again: 'LONGER' };
  return checkData(deps, work, claim, 'QUICK');
}

/** When the row is looked at again; and, where nothing more is to come of `_metadata`, what the statistics tell of what it holds. */
async function readContents(
  { flinkClients }: AdvanceSavepointDeps,
  work: SavepointAtWork,
  { againInMs, entry }: Numbers,
  data: DataCheck,
): Promise<{ againInMs: number | null; contents: ContentsOfRest | null }> {
  if (againInMs !== null) return { againInMs, contents: null };
  const patient = work.stateAgeMs < GIVE_UP_AFTER_MS;
  if (data.state === null && data.again === 'SOON' && patient) return { againInMs: SOON_MS, contents: null };
  const wasLong = work.detailsState !== DetailsState.NOT_YET_REPORTED;
  if (data.state === null && ['LONGER', 'NO_ROOM'].includes(data.again) && !wasLong)
    return { againInMs: 0, contents: null };
  if (data.state === null && data.again === 'NO_ROOM')
    return { againInMs: roomPauseMs(work.stateAgeMs), contents: null };
  const checkpointId = entry?.id ?? work.flinkCheckpointId;
  const isRead = work.contentsKept || (data.state !== null && data.look.kind === 'READ');
  if (isRead || checkpointId === null) return { againInMs: null, contents: null };
  try {
    const flink = flinkClients.at(work.cluster.url);
    return { againInMs: null, contents: await contentsByStatistics(flink, work.job.flinkJobId, checkpointId) };
  } catch (error) {
    if (!(error instanceof AppError && error.retryable)) throw error;
    return { againInMs: patient ? TROUBLE_MS : null, contents: null };
  }
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
    return { entry, columns: {}, againInMs: told ? AGAIN_MS : TROUBLE_MS };
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
  if (data.state === null) return [];
  const about = subjectOf(work);
  const events: NewEvent[] = [];
  const isStrange = data.look.kind === 'NOT_METADATA' && isForeign(data.look);
  if (data.state === DataState.MISSING || data.state === DataState.DAMAGED || isStrange)
    events.push(dataNews(work, data.state, data.look, about));
  if (data.entries.length > 1) {
    events.push({
      ...about,
      type: EventType.SAVEPOINT_MADE_TWICE,
      message: `Below the directory of savepoint ${work.id} lie ${data.entries.length} savepoints (${data.entries.join(', ')}); ${work.location} is the one recorded. Remove the others by hand.`,
    });
  }
  return events;
}
