import { type JobFailureCode, JobState } from '../job/job.entity.js';
import { endedUnseen } from '../job/job.lifecycle.js';
import { SnapshotKind } from '../job/snapshot-kind.js';
import { DataState } from '../savepoint/savepoint.enums.js';

/** A snapshot that a run may be started from. Plain data; times in epoch ms on the clock of the JobManager that made it. */
export interface RestorePoint {
  kind: SnapshotKind;
  /** Ours, or imported; null: somebody else's savepoint, or a checkpoint. */
  savepointId: string | null;
  /** The run that made it; null: not known (imported, or named by its location). */
  jobId: string | null;
  flinkCheckpointId: number | null;
  triggeredAt: number | null;
  /** As the cluster that made it writes it. */
  location: string;
  /** null: it lies in no known storage, and only the cluster that made it reaches it. */
  storage: { id: string; path: string } | null;
  clusterId: string | null;
  /** When that cluster had written it there, or was asked to: on the database's clock. null: the storage tells where it lies. */
  locatedAt: number | null;
  bytes: number | null;
  drained: boolean;
  stopFailedAfter: boolean;
  /** Made by a stop of ours. */
  ofStop: boolean;
  data: DataState;
  format: 'CANONICAL' | 'NATIVE' | null;
  stateBackend: string | null;
  flinkVersion: string | null;
}

/** A place as a cluster wrote it at a time, in epoch ms on the database's clock. */
export interface RestoredPlace {
  location: string;
  flinkCheckpointId: number | null;
  clusterId: string;
  at: number;
}

/** A run of the deployment, with what it left. */
export interface RunFacts {
  id: string;
  run: number;
  state: JobState;
  failureCode: JobFailureCode | null;
  tookHold: boolean;
  drained: boolean;
  endedAt: number | null;
  /** When its checkpoints were last told by Flink, on the database's clock; null: never. */
  lookedAt: number | null;
  checkpointIntervalMs: number | null;
  /** How far what it retained is known; null: it is being read. */
  endReadFrom: 'STORAGE' | 'STATISTICS' | 'RECORD' | null;
  /** When the newest savepoint of it was asked for that is still under way; on the database's clock. null: there is none. */
  unsettledAt: number | null;
  /** Savepoints of ours, those of others, and retained checkpoints. */
  points: RestorePoint[];
  /** What it was started from; null: without state, or not known. */
  start: RestorePoint | null;
  /** Of a run that somebody else started: what Flink showed as restored; null: nothing, or it was not seen. */
  restored: RestoredPlace | null;
}

export type Choice =
  | {
      kind: 'CHOSEN';
      point: RestorePoint;
      run: RunFacts;
      why: string;
      /** Newer runs that never took hold. */
      runsPassedOver: RunFacts[];
      /** Newer state that the strategy leaves aside. */
      newerState: RestorePoint[];
      /** Newer ones that would have been taken if their data were whole. Newest first. */
      unusable: RestorePoint[];
      uncertain: Uncertainty | null;
    }
  | { kind: 'NOTHING'; why: string }
  | { kind: 'HAD_FINISHED'; run: RunFacts; points: RestorePoint[] };

/** Our record may not reach the end of the run (SR-9). */
export interface Uncertainty {
  run: RunFacts;
  /** Epoch ms on the database's clock; null: it was never looked at, or did not end that we know of. */
  unseenFrom: number | null;
  unseenTo: number | null;
  why: string;
}

/** null: what is recorded reaches to the end of the run. */
export function uncertaintyOf(run: RunFacts, point: RestorePoint | null = null): Uncertainty | null {
  if (run.unsettledAt !== null && run.unsettledAt > (point?.triggeredAt ?? -1))
    return {
      run,
      unseenFrom: run.lookedAt,
      unseenTo: run.endedAt,
      why: 'a savepoint of it is still under way; ask again when that has ended',
    };
  if (run.endReadFrom === 'STORAGE') return null;
  // A stop that succeeded ends the job with its savepoint: Flink deletes the checkpoints, and nothing comes after it.
  if (run.points.some(({ ofStop, stopFailedAfter }) => ofStop && !stopFailedAfter)) return null;
  const span = { run, unseenFrom: run.lookedAt, unseenTo: run.endedAt };
  if (endedUnseen(run.failureCode))
    return {
      ...span,
      why: `it ended unseen (${run.failureCode}), and its checkpoint directory cannot be read from here`,
    };
  if (run.endReadFrom === 'STATISTICS') return null;
  if (run.endReadFrom === null)
    return { ...span, why: 'what it retained at its end is being read; ask again in some seconds' };
  if (run.checkpointIntervalMs === null) return null; // it made no checkpoints by itself
  const unseenMs = (run.endedAt ?? Infinity) - (run.lookedAt ?? -Infinity);
  if (unseenMs <= 2 * run.checkpointIntervalMs) return null;
  return { ...span, why: 'it was last looked at more than two checkpoint intervals before its end' };
}

const isWhole = ({ data }: RestorePoint) => data !== DataState.MISSING && data !== DataState.DAMAGED;

/** Not as a candidate of its own: drained, imported (it has no run), missing, damaged, or being deleted (then it is no point). */
const isCandidate = (point: RestorePoint) => !point.drained && isWhole(point);

const isOurSavepoint = (point: RestorePoint) => point.savepointId !== null && point.kind === SnapshotKind.SAVEPOINT;

/**
 * Points of one run, newest first; what has no time at all comes last. Flink's ids only grow within a run; the times may be of several
 * clocks: of the JobManager, of our call until Flink's statistics have told, of a file in the storage.
 */
const newestFirst = (points: readonly RestorePoint[]) =>
  [...points].sort((a, b) =>
    a.flinkCheckpointId !== null && b.flinkCheckpointId !== null
      ? b.flinkCheckpointId - a.flinkCheckpointId
      : (b.triggeredAt ?? -1) - (a.triggeredAt ?? -1),
  );

/** After a stop that failed behind its savepoint nothing later counts: its side effects may be uncommitted (SO-3). */
function countingOf(run: RunFacts): RestorePoint[] {
  const all = newestFirst(run.points);
  const last = all.findIndex((point) => point.stopFailedAfter);
  return all.slice(Math.max(0, last));
}

const candidatesOf = (run: RunFacts) => countingOf(run).filter(isCandidate);

const NAMED_AT_MOST = 20;

/** Points whose data are not whole, for a person: where they lie, when they were taken, and what is wrong. */
export function namedWithData(points: readonly RestorePoint[]): string {
  const named = points.slice(0, NAMED_AT_MOST).map(({ location, triggeredAt, data }) => {
    const taken = triggeredAt === null ? '' : ` of ${new Date(triggeredAt).toISOString()}`;
    return `${location}${taken} is ${data}`;
  });
  const more = points.length - named.length;
  return [...named, ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
}

/** What would have been taken before the chosen one, had its data been whole. */
function unusableBefore(chosen: RestorePoint | null, run: RunFacts): RestorePoint[] {
  const counting = countingOf(run);
  const newer = chosen === null ? counting : counting.slice(0, counting.indexOf(chosen));
  return newer.filter((point) => !point.drained && !isWhole(point));
}

const hadFinished = (run: RunFacts) =>
  run.state === JobState.FINISHED || run.drained || run.points.some(({ drained }) => drained);

/**
 * LATEST_STATE (SR-2): the newest of the last run that took hold, its savepoints and what it retained; where it has none,
 * what it was started from; nothing older. `runs`: newest first.
 */
export function chooseLatestState(runs: readonly RunFacts[]): Choice {
  const index = runs.findIndex((run) => run.tookHold);
  const run = runs[index];
  if (!run) return { kind: 'NOTHING', why: noRun(runs) };
  if (hadFinished(run)) return { kind: 'HAD_FINISHED', run, points: newestFirst(run.points) };
  const runsPassedOver = runs.slice(0, index);
  const [newest] = candidatesOf(run);
  if (newest) {
    const why = `the newest restorable state of run ${run.run}, the last run that took hold`;
    return {
      kind: 'CHOSEN',
      point: newest,
      run,
      why,
      runsPassedOver,
      newerState: [],
      unusable: unusableBefore(newest, run),
      uncertain: uncertaintyOf(run, newest),
    };
  }
  const unusable = unusableBefore(null, run);
  const left = unusable.length === 0 ? 'left nothing' : `left nothing that is whole (${namedWithData(unusable)})`;
  const { start } = run;
  if (!start || !isWhole(start))
    return {
      kind: 'NOTHING',
      why: start
        ? `run ${run.run} ${left}, and what it was started from (${start.location}) is ${start.data}`
        : `run ${run.run} ${left}, and it was started without state`,
    };
  const why = `run ${run.run}, the last run that took hold, ${unusable.length === 0 ? left : 'left nothing that is whole'}: it is what that run was started from`;
  const uncertain = uncertaintyOf(run);
  return { kind: 'CHOSEN', point: start, run, why, runsPassedOver, newerState: [], unusable, uncertain };
}

/** LATEST_SAVEPOINT (SR-2): the newest savepoint of ours, going back run by run; newer state that is passed over is named. */
export function chooseLatestSavepoint(runs: readonly RunFacts[]): Choice {
  const last = runs.find((run) => run.tookHold);
  if (last && hadFinished(last)) return { kind: 'HAD_FINISHED', run: last, points: newestFirst(last.points) };
  for (const [index, run] of runs.entries()) {
    const point = candidatesOf(run).find(isOurSavepoint);
    if (!point) continue;
    const later = runs.slice(0, index).flatMap((newer) => candidatesOf(newer));
    const beside = candidatesOf(run).filter((other) => (other.triggeredAt ?? 0) > (point.triggeredAt ?? 0));
    return {
      kind: 'CHOSEN',
      point,
      run,
      why: `the newest savepoint of the deployment's own runs, of run ${run.run}`,
      runsPassedOver: runs.slice(0, index).filter((newer) => !newer.tookHold),
      newerState: [...later, ...beside],
      unusable: [
        ...runs.slice(0, index).flatMap((newer) => unusableBefore(null, newer)),
        ...unusableBefore(point, run),
      ].filter(isOurSavepoint),
      // A savepoint is ours: nothing unseen adds one, but one that is not settled yet.
      uncertain: unsettledAmong(runs.slice(0, index + 1), point),
    };
  }
  if (runs.length === 0) return { kind: 'NOTHING', why: noRun(runs) };
  const unusable = runs.flatMap((run) => unusableBefore(null, run)).filter(isOurSavepoint);
  const lost = unusable.length === 0 ? '' : ` (${namedWithData(unusable)})`;
  return { kind: 'NOTHING', why: `none of its runs has a savepoint that can be restored from${lost}` };
}

function unsettledAmong(runs: readonly RunFacts[], point: RestorePoint): Uncertainty | null {
  const run = runs.find(({ unsettledAt }) => unsettledAt !== null && unsettledAt > (point.triggeredAt ?? -1));
  return run ? uncertaintyOf(run, point) : null;
}

const noRun = (runs: readonly RunFacts[]) =>
  runs.length === 0
    ? 'it has not been started yet'
    : `none of its runs took hold (${runs.map((run) => `run ${run.run}: ${run.failureCode ?? run.state}`).join(', ')})`;
