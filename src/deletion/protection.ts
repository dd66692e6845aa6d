import type { ProtectionKind as Kind } from './deletion.enums.js';
import type { DataState, SavepointOrigin, SavepointState } from '../savepoint/savepoint.enums.js';

/**
 * What protects a savepoint from being deleted (RT-3). Pure, and the one place: the sweep, its preview, a deletion by hand and what
 * is shown on a savepoint all ask here.
 */

/** A savepoint that is, or was, COMPLETED. Times in epoch ms. */
export interface SavepointFacts {
  id: string;
  origin: `${SavepointOrigin}`;
  state: `${SavepointState}`;
  data: `${DataState}`;
  drained: boolean;
  /** By a run of the deployment that it is listed with; what is imported never is. */
  madeByOwnRun: boolean;
  jobId: string | null;
  flinkCheckpointId: number | null;
  /** By Flink, on the JobManager's clock; null: not known. */
  triggeredAt: number | null;
  /** On the database's clock: when it was learned, so never before it was triggered. */
  completedAt: number;
  sizeBytes: number | null;
  pinned: boolean;
  heldUntil: number | null;
  holdReason: string | null;
}

/** A live run, of whichever deployment, that was started from a savepoint or shows it as restored. */
export interface RunFromSavepoint {
  savepointId: string;
  deploymentId: string;
  deploymentName: string;
  jobId: string;
  /** The number of the run. */
  run: number;
  /** It has not taken hold yet. */
  starting: boolean;
  /** It makes checkpoints by itself. False where that is not known yet. */
  checkpointing: boolean;
  /** A checkpoint of this run (not a savepoint) with a higher id than the restored one is complete. */
  ownCheckpointCompleted: boolean;
}

/** What LATEST_STATE of a stopped deployment would start from: of any, since a run that left nothing falls back to what it was started from. */
export interface LatestStateUse {
  savepointId: string;
  deploymentId: string;
  deploymentName: string;
}

export interface DeploymentFacts {
  savepoints: readonly SavepointFacts[];
  runsFrom: readonly RunFromSavepoint[];
  latestStates: readonly LatestStateUse[];
}

export type ProtectionKind = `${Kind}`;

export interface Protection {
  kind: ProtectionKind;
  /** Why, for a person. */
  message: string;
  /** What would end it: goes on from "kept until …" or "when …". */
  unlock: string;
  deploymentId?: string;
  jobId?: string;
}

/** By id, those that are protected alone; of several protections the firmest first. */
export function protectionsOf(
  { savepoints, runsFrom, latestStates }: DeploymentFacts,
  now: number,
): Map<string, Protection[]> {
  const found = new Map<string, Protection[]>();
  const protect = (savepointId: string, protection: Protection) => {
    const before = found.get(savepointId);
    if (before) before.push(protection);
    else found.set(savepointId, [protection]);
  };
  for (const run of runsFrom) if (run.starting) protect(run.savepointId, ofStart(run));
  for (const run of runsFrom) if (!run.starting && fallsBack(run)) protect(run.savepointId, ofLiveRun(run));
  for (const use of latestStates) protect(use.savepointId, ofLatestState(use));
  for (const { id } of newestGood(savepoints)) protect(id, ofNewestGood);
  for (const savepoint of savepoints) {
    if (savepoint.pinned) protect(savepoint.id, ofPin);
    if (isHeld(savepoint, now)) protect(savepoint.id, ofHold(savepoint.heldUntil, savepoint.holdReason));
  }
  return found;
}

/**
 * What still stands in the way of a deletion that a person asked for. With `force` (RT-8), and with the deployment itself (OB-1), the
 * newest good one and what LATEST_STATE would use give way; a live run, a start under way, pins and holds never do.
 */
export const standInTheWay = (protections: readonly Protection[], { force }: { force: boolean }): Protection[] =>
  protections.filter(({ kind }) => !force || (kind !== 'NEWEST_GOOD' && kind !== 'LATEST_STATE'));

/** A state that a run of the deployment has left and that can be started from without more ado. */
export const isGood = (savepoint: SavepointFacts): boolean =>
  savepoint.state === 'COMPLETED' &&
  savepoint.origin !== 'IMPORTED' &&
  savepoint.madeByOwnRun &&
  !savepoint.drained &&
  !isLost(savepoint);

export const isLost = ({ data }: SavepointFacts): boolean => data === 'MISSING' || data === 'DAMAGED';

/** When it was taken, as far as that is known. */
export const takenAt = ({ triggeredAt, completedAt }: SavepointFacts): number => triggeredAt ?? completedAt;

/** By trigger time; of two at one time, by what else tells them apart, so that every look has the same order. */
export const newestFirst = (a: SavepointFacts, b: SavepointFacts): number =>
  takenAt(b) - takenAt(a) ||
  (b.flinkCheckpointId ?? -1) - (a.flinkCheckpointId ?? -1) ||
  b.completedAt - a.completedAt ||
  (a.id < b.id ? 1 : -1);

/**
 * One, by its trigger time. One without any cannot be compared: where it was complete only after the newest one was triggered it
 * may be newer, and then both are kept.
 */
function newestGood(savepoints: readonly SavepointFacts[]): SavepointFacts[] {
  let known: SavepointFacts | null = null;
  let unknown: SavepointFacts | null = null;
  for (const savepoint of savepoints) {
    if (!isGood(savepoint)) continue;
    if (savepoint.triggeredAt === null) unknown = newerOf(unknown, savepoint);
    else known = newerOf(known, savepoint);
  }
  if (known && unknown && unknown.completedAt <= takenAt(known)) return [known];
  return [known, unknown].filter((savepoint) => savepoint !== null);
}

const newerOf = (one: SavepointFacts | null, other: SavepointFacts) =>
  one === null || newestFirst(other, one) < 0 ? other : one;

/** Until its own first checkpoint is complete, Flink goes back to it at every failure; NO_CLAIM makes that checkpoint a full one. */
const fallsBack = (run: RunFromSavepoint) => !run.checkpointing || !run.ownCheckpointCompleted;

const isHeld = (savepoint: SavepointFacts, now: number): savepoint is SavepointFacts & { heldUntil: number } =>
  savepoint.heldUntil !== null && savepoint.heldUntil > now;

const named = ({ run, deploymentName }: RunFromSavepoint) => `run ${run} of deployment "${deploymentName}"`;

const ofStart = (run: RunFromSavepoint): Protection => ({
  kind: 'START_UNDER_WAY',
  message: `A start from it is under way: ${named(run)}.`,
  unlock: endOfUse(run),
  deploymentId: run.deploymentId,
  jobId: run.jobId,
});

const ofLiveRun = (run: RunFromSavepoint): Protection => ({
  kind: 'SOURCE_OF_LIVE_RUN',
  message: run.checkpointing
    ? `It is what ${named(run)} was started from; until a checkpoint of that run is complete, a failure takes it back to here.`
    : `It is what ${named(run)} was started from; that run makes no checkpoints, so a failure takes it back to here.`,
  unlock: endOfUse(run),
  deploymentId: run.deploymentId,
  jobId: run.jobId,
});

const endOfUse = (run: RunFromSavepoint) =>
  run.checkpointing ? `${named(run)} has completed a checkpoint or has ended` : `${named(run)} has ended`;

const ofLatestState = ({ deploymentId, deploymentName }: LatestStateUse): Protection => ({
  kind: 'LATEST_STATE',
  message: `Deployment "${deploymentName}" is stopped, and LATEST_STATE would start it from this one.`,
  unlock: `deployment "${deploymentName}" has been started and has completed a checkpoint`,
  deploymentId,
});

const ofNewestGood: Protection = {
  kind: 'NEWEST_GOOD',
  message: "It is the newest savepoint of the deployment's own runs that can be restored from.",
  unlock: 'a newer one that can be restored from has completed',
};

const ofPin: Protection = {
  kind: 'PINNED',
  message: 'It is pinned.',
  unlock: 'it has been unpinned (updateSavepoint, pinned: false)',
};

const ofHold = (heldUntil: number, reason: string | null): Protection => ({
  kind: 'HELD',
  message: `It is held until ${new Date(heldUntil).toISOString()}${reason ? `: ${reason}` : ', and no reason was given'}.`,
  unlock: 'its hold is over or has been taken off (updateSavepoint, heldUntil: null)',
});
