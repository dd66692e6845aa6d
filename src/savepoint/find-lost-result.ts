import { lookInto, seen, type Sight } from '../cluster/storage-access.js';
import { NOW } from '../db/assign.js';
import { type Claim, fencedWrite } from '../db/claims.js';
import { AppError } from '../errors.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import type { CheckpointStatistics } from '../flink/flink.types.js';
import { joinLocation, pathBelow } from '../flink/location.js';
import { completeSavepoint, failSavepoint, freeBudget, resultLost } from './end-savepoint.js';
import type { AdvanceSavepointDeps } from './savepoint-deps.js';
import { SavepointState } from './savepoint.enums.js';
import type { SavepointAtWork } from './savepoint.store.js';

/** Two looks so far apart must both find nothing before a result counts as lost. Longer than Flink's caches (3 s). */
const LOOKS_APART_MS = 30_000;
const LOOK_EVERY_MS = 3_000;
/** A savepoint given up is looked for this long. */
const SEEK_LATE_MS = 24 * 60 * 60 * 1_000;
/** Longer than any call to Flink may be on its way. */
const CALL_ARRIVES_WITHIN_MS = 20_000;
const SEEK_LATE_PAUSE_MAX_MS = 60 * 60 * 1_000;

/**
 * What happens when Flink forgets the trigger id (its memory lasts rest.async.store-duration and ends with its
 * process), or stays silent about it for too long. "Unknown" is not "failed", and sending again could make a second
 * savepoint: so look for a path below the attempt's own directory, in the checkpoint statistics and in the storage
 * where it can be read, twice, 30 s apart. What is found is adopted; while the job shows a savepoint in progress, wait.
 */
export async function findLostResult(
  deps: AdvanceSavepointDeps,
  work: SavepointAtWork,
  claim: Claim,
  processMark: string | null,
): Promise<void> {
  const found = await seek(deps, work);
  if (found.location) return completeSavepoint(deps.database, work, claim, found.location, 'FOUND');
  if (found.trouble) throw found.trouble; // Flink could not be asked: nothing is concluded from that
  if (found.mayStillRun) return wait(deps, work, claim, false);
  if (work.lostForMs === null) return wait(deps, work, claim, true);
  if (work.lostForMs < LOOKS_APART_MS) return wait(deps, work, claim, false);
  const restarted = processMark !== null && work.attempt !== null && processMark !== work.attempt.processMark;
  const why = restarted
    ? `the JobManager of ${work.cluster.name} was restarted`
    : 'Flink does not know the trigger id any more';
  const checked = found.looked
    ? 'Neither its statistics nor the storage show it'
    : 'Its statistics do not show it, and the storage cannot be read from here';
  return failSavepoint(
    deps.database,
    work,
    claim,
    resultLost(
      `What became of it is not known: ${why}. ${checked}, looked at twice. Ask for a new one; should this one show up within a day, it becomes COMPLETED.`,
    ),
  );
}

/** A savepoint that was given up (RESULT_LOST, ABANDONED) may still show up: adopted when it does, looked for ever more seldom for a day. */
export async function seekLateResult(deps: AdvanceSavepointDeps, work: SavepointAtWork, claim: Claim): Promise<void> {
  if (work.inFlight && work.attempt) {
    // ABANDONED while Flink was at it: it counts against the budget until Flink is seen to be done.
    const status = await deps.flinkClients
      .at(work.cluster.url)
      .savepointOperation(work.job.flinkJobId, work.attempt.triggerId);
    if (status.status === 'COMPLETED') return completeSavepoint(deps.database, work, claim, status.location, 'POLLED');
    // A call that is just under way may still arrive: unknown counts as done only when none can.
    const settled =
      status.status === 'FAILED' ||
      (status.status === 'UNKNOWN' && (work.attempt.lastSentAgoMs ?? 0) > CALL_ARRIVES_WITHIN_MS);
    if (settled) return freeBudget(deps.database, work, claim, 60_000);
    return fencedWrite(deps.database, claim, [SavepointState.FAILED], { failures: 0 }, { againInMs: 5_000 });
  }
  const found = await seek(deps, work);
  if (found.location) return completeSavepoint(deps.database, work, claim, found.location, 'FOUND');
  const pause = Math.min(SEEK_LATE_PAUSE_MAX_MS, Math.max(60_000, work.stateAgeMs));
  const then = work.stateAgeMs > SEEK_LATE_MS ? ('REST' as const) : { againInMs: pause };
  await fencedWrite(deps.database, claim, [SavepointState.FAILED], { failures: 0 }, then);
}

export interface Found {
  location: string | null;
  /** The job shows a savepoint in progress, which may be this one. */
  mayStillRun: boolean;
  /** The storage was looked into, and what it does not show is not there. */
  looked: boolean;
  /** Flink did not answer. */
  trouble: AppError | null;
}

/** Looks once for a result below the attempt's directory. */
export async function seek({ database, flinkClients }: AdvanceSavepointDeps, work: SavepointAtWork): Promise<Found> {
  const { attempt } = work;
  if (!attempt) return { location: null, mayStillRun: false, looked: false, trouble: null };
  let statistics: CheckpointStatistics | null = null;
  let trouble: AppError | null = null;
  try {
    statistics = await flinkClients.at(work.cluster.url).checkpoints(work.job.flinkJobId);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    trouble = error; // told to the caller; the storage may show it all the same
  }
  const directory = joinLocation(attempt.rootUri, attempt.directory);
  const told = statistics && locationBelow(statistics, directory);
  if (told) return { location: told, mayStillRun: false, looked: false, trouble: null };
  const sight = await lookInto(database, attempt.storageId);
  const name = await snapshotIn(sight, attempt.directory);
  return {
    location: name ? joinLocation(directory, name) : null,
    mayStillRun: statistics?.history.some((entry) => entry.isSavepoint && entry.status === 'IN_PROGRESS') ?? false,
    looked: sight?.proven ?? false,
    trouble,
  };
}

/** A completed savepoint below the attempt's directory, by Flink's statistics. */
function locationBelow({ history, latest }: CheckpointStatistics, directory: string): string | null {
  const entries = latest.savepoint ? [...history, latest.savepoint] : history;
  const ours = entries.find(
    ({ status, location }) => status === 'COMPLETED' && location !== null && pathBelow(directory, location),
  );
  return ours?.location ?? null;
}

/** Flink writes data first and `_metadata` last: a directory with it is whole. */
async function snapshotIn(sight: Sight | null, directory: string): Promise<string | null> {
  if (!sight) return null;
  return seen(sight, async (reader) => {
    for (const { name, kind } of await reader.list(directory)) {
      if (kind !== 'DIRECTORY' || !name.startsWith('savepoint-')) continue;
      if (await reader.exists(`${directory}/${name}/_metadata`)) return name;
    }
    return null;
  });
}

async function wait(
  { database }: AdvanceSavepointDeps,
  work: SavepointAtWork,
  claim: Claim,
  first: boolean,
): Promise<void> {
  await database.transaction(async (tx) => {
    await fencedWrite(
      tx,
      claim,
      [SavepointState.IN_PROGRESS],
      { failures: 0, ...(first ? { lost_since: NOW } : {}) },
      { againInMs: LOOK_EVERY_MS },
    );
    if (!first) return;
    await recordEvent(tx, {
      type: EventType.SAVEPOINT_RESULT_SOUGHT,
      deploymentId: work.deploymentId,
      savepointId: work.id,
      message: `Flink does not know the trigger id of savepoint ${work.id}. Its result is looked for in the job's statistics and in the storage.`,
    });
  });
}
