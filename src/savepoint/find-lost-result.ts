import { readFactsSoon } from '../cluster/find-cluster.js';
import { type Look, lookInto, lookThrough, type Sight, SOON_MS } from '../cluster/storage-access.js';
import { NOW } from '../db/assign.js';
import { type Claim, fencedWrite } from '../db/claims.js';
import { AppError } from '../errors.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import type { CheckpointStatistics } from '../flink/flink.types.js';
import { joinLocation, pathBelow } from '../flink/location.js';
import { createdSavepointPath } from '../flink/savepoint-failure.js';
import { endedUnseen } from '../job/job.lifecycle.js';
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
 * A cluster that does not answer is waited for, but not when the run has ended unseen: it may be gone for good.
 */
export async function findLostResult(
  deps: AdvanceSavepointDeps,
  work: SavepointAtWork,
  claim: Claim,
  asked: Asked = {},
): Promise<void> {
  const { processMark = null } = asked;
  if (processMark !== null && processMark !== work.cluster.processMark) {
    // Whether it has gone on with the job belongs to what is said of a stop.
    await deps.database.transaction((tx) => readFactsSoon(tx, work.cluster.id));
  }
  const found = await seek(deps, work, asked.trouble);
  if (found.location) return completeSavepoint(deps.database, work, claim, found.location, 'FOUND');
  if (found.trouble && !endedUnseen(work.job.failureCode)) throw found.trouble; // nothing is concluded from that
  if (found.mayStillRun) return wait(deps, work, claim, false);
  if (found.soon) return lookSoon(deps, claim, SavepointState.IN_PROGRESS); // that was no look
  if (work.lostForMs === null) return wait(deps, work, claim, true);
  if (work.lostForMs < LOOKS_APART_MS) return wait(deps, work, claim, false);
  return failSavepoint(
    deps.database,
    work,
    claim,
    resultLost(
      `What became of it is not known: ${whyLost(work, found, asked)}, looked at twice. Ask for a new one; should this one show up within a day, it becomes COMPLETED.`,
    ),
  );
}

/** What Flink was asked for before the result is looked for. */
interface Asked {
  /** Of the process that answered. */
  processMark?: string | null;
  /** It did not answer: it is not asked once more. */
  trouble?: AppError;
}

function whyLost({ cluster, job, attempt }: SavepointAtWork, found: Found, { processMark = null }: Asked): string {
  if (found.trouble) {
    const storage = found.looked ? 'The storage does not show it' : 'The storage cannot be read from here';
    return `the run ended unseen (${job.failureCode}), and ${cluster.name} does not answer. ${storage}`;
  }
  const restarted = processMark !== null && attempt !== null && processMark !== attempt.processMark;
  const why = restarted
    ? `the JobManager of ${cluster.name} was restarted`
    : 'Flink does not know the trigger id any more';
  return found.looked
    ? `${why}. Neither its statistics nor the storage show it`
    : `${why}. Its statistics do not show it, and the storage cannot be read from here`;
}

/** A savepoint that was given up (RESULT_LOST, ABANDONED) may still show up: adopted when it does, looked for ever more seldom for a day. */
export async function seekLateResult(deps: AdvanceSavepointDeps, work: SavepointAtWork, claim: Claim): Promise<void> {
  if (work.inFlight && endedUnseen(work.job.failureCode)) return freeBudget(deps.database, work, claim, 0);
  if (work.inFlight && work.attempt) {
    // ABANDONED while Flink was at it: it counts against the budget until Flink is seen to be done.
    const status = await deps.flinkClients
      .at(work.cluster.url)
      .savepointOperation(work.job.flinkJobId, work.attempt.triggerId);
    if (status.status === 'COMPLETED') return completeSavepoint(deps.database, work, claim, status.location, 'POLLED');
    const path = status.status === 'FAILED' ? createdSavepointPath(status.cause) : null;
    if (path !== null) return completeSavepoint(deps.database, work, claim, path, 'STOP_FAILED_AFTER');
    // A call that is just under way may still arrive: unknown counts as done only when none can.
    const settled =
      status.status === 'FAILED' ||
      (status.status === 'UNKNOWN' && (work.attempt.lastSentAgoMs ?? 0) > CALL_ARRIVES_WITHIN_MS);
    if (settled) return freeBudget(deps.database, work, claim, 60_000);
    return fencedWrite(deps.database, claim, [SavepointState.FAILED], { failures: 0 }, { againInMs: 5_000 });
  }
  const found = await seek(deps, work);
  if (found.location) return completeSavepoint(deps.database, work, claim, found.location, 'FOUND');
  if (found.soon) return lookSoon(deps, claim, SavepointState.FAILED);
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
  /** The storage was only slow to answer somebody else: to be asked again in a moment. */
  soon: boolean;
  /** Flink did not answer. */
  trouble: AppError | null;
}

/** Looks once for a result below the attempt's directory. `silent`: Flink has just not answered. */
export async function seek(
  { database, flinkClients }: AdvanceSavepointDeps,
  work: SavepointAtWork,
  silent: AppError | null = null,
): Promise<Found> {
  const { attempt } = work;
  if (!attempt) return { location: null, mayStillRun: false, looked: false, soon: false, trouble: null };
  let statistics: CheckpointStatistics | null = null;
  let trouble = silent;
  if (trouble === null) {
    try {
      statistics = await flinkClients.at(work.cluster.url).checkpoints(work.job.flinkJobId);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      trouble = error; // told to the caller; the storage may show it all the same
    }
  }
  const directory = joinLocation(attempt.rootUri, attempt.directory);
  const told = statistics && locationBelow(statistics, directory);
  if (told) return { location: told, mayStillRun: false, looked: false, soon: false, trouble: null };
  const sight = await lookInto(database, attempt.storageId);
  const look = sight && (await snapshotIn(sight, attempt.directory));
  const blind = look && 'why' in look ? look : null;
  return {
    location: look?.seen ? joinLocation(directory, look.seen) : null,
    mayStillRun: statistics?.history.some((entry) => entry.isSavepoint && entry.status === 'IN_PROGRESS') ?? false,
    looked: sight !== null && blind === null && sight.proven,
    soon: blind?.soon ?? false,
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
function snapshotIn(sight: Sight, directory: string): Promise<Look<string | null>> {
  return lookThrough(sight, async (reader) => {
    for (const { name, kind } of await reader.list(directory)) {
      if (kind !== 'DIRECTORY' || !name.startsWith('savepoint-')) continue;
      if (await reader.exists(`${directory}/${name}/_metadata`)) return name;
    }
    return null;
  });
}

const lookSoon = ({ database }: AdvanceSavepointDeps, claim: Claim, state: SavepointState) =>
  fencedWrite(database, claim, [state], { failures: 0 }, { againInMs: SOON_MS });

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
