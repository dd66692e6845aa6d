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

/** A live run, of whichever deployment, that may go back to a savepoint or use files of it. */
export interface RunFromSavepoint {
  savepointId: string;
  /**
   * ITSELF: it was started from it, or shows it as restored. ITS_FILES: it was started from a checkpoint of a run that was adopted, and
   * that run from this savepoint. NOT_KNOWN: it was adopted, and Flink has not shown yet what it was restored from.
   */
  source: 'ITSELF' | 'ITS_FILES' | 'NOT_KNOWN';
  deploymentId: string;
  deploymentName: string;
  jobId: string;
  /** The number of the run. */
  run: number;
  /** It has not taken hold yet. */
  starting: boolean;
  /** Whether it makes checkpoints by itself. NOT_READ: its configuration is read when every task runs. */
  checkpointing: 'PERIODIC' | 'NONE' | 'NOT_READ';
  /** Ours are started with NO_CLAIM. In which mode somebody else has started one, no reply of Flink tells (2.3.0 and 1.20.5). */
  claimMode: 'NO_CLAIM' | 'NOT_KNOWN';
  /** A checkpoint of this run (not a savepoint) with a higher id than the restored one is complete. */
  ownCheckpointCompleted: boolean;
}

/** What LATEST_STATE of a stopped deployment would start from: of any, since a run that left nothing falls back to what it was started from. */
export interface LatestStateUse {
  savepointId: string;
  /** ITS_FILES: of a checkpoint of an adopted run, which may use files of the savepoint that this run was restored from. */
  of: 'ITSELF' | 'ITS_FILES';
  deploymentId: string;
  deploymentName: string;
}

/** Another record, COMPLETED too, whose data are those of a savepoint: both lie at one place. */
export interface RecordBeside {
  savepointId: string;
  /** It was imported: its record may end without its data. */
  recordMayEnd: boolean;
  other: Pick<SavepointFacts, 'id' | 'origin' | 'pinned' | 'heldUntil' | 'holdReason'>;
  /** The deployment that the other one is listed with; null: none. */
  deploymentName: string | null;
}

/** All that is listed with a deployment, or one alone (an imported one may belong to none). */
export type Whose = { deploymentId: string } | { savepointId: string };

export interface DeploymentFacts {
  savepoints: readonly SavepointFacts[];
  runsFrom: readonly RunFromSavepoint[];
  latestStates: readonly LatestStateUse[];
  /** None where it is not looked for. */
  recordsBeside?: readonly RecordBeside[];
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
  /** It keeps the data alone: the record may end without them, since it is that of an imported one. */
  recordMayEnd?: boolean;
}

/** By id, those that are protected alone; of several protections the firmest first. */
export function protectionsOf(
  { savepoints, runsFrom, latestStates, recordsBeside = [] }: DeploymentFacts,
  now: number,
): Map<string, Protection[]> {
  const found = new Map<string, Protection[]>();
  const protect = (savepointId: string, protection: Protection) => {
    const before = found.get(savepointId);
    if (before) before.push(protection);
    else found.set(savepointId, [protection]);
  };
  for (const run of runsFrom) if (isStart(run)) protect(run.savepointId, ofStart(run));
  for (const run of runsFrom) if (!isStart(run) && needsSource(run)) protect(run.savepointId, ofLiveRun(run));
  for (const use of latestStates) protect(use.savepointId, ofLatestState(use));
  for (const { id } of newestGood(savepoints)) protect(id, ofNewestGood);
  for (const beside of recordsBeside) protect(beside.savepointId, ofRecordBeside(beside, now));
  for (const savepoint of savepoints) {
    if (savepoint.pinned) protect(savepoint.id, ofPin);
    if (isHeld(savepoint, now)) protect(savepoint.id, ofHold(savepoint));
  }
  return found;
}

/**
 * What still stands in the way of a deletion that a person asked for. With `force` (RT-8), and with the deployment itself (OB-1), the
 * newest good one and what LATEST_STATE would use give way; a live run, a start under way, pins and holds never do. `alsoData`: of an
 * imported one, whose record ends alone without it.
 */
export const standInTheWay = (
  protections: readonly Protection[],
  { force, alsoData }: { force: boolean; alsoData: boolean },
): Protection[] =>
  protections.filter(
    ({ kind, recordMayEnd }) =>
      !(force && (kind === 'NEWEST_GOOD' || kind === 'LATEST_STATE')) && !(recordMayEnd && !alsoData),
  );

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

const isStart = ({ starting, source }: RunFromSavepoint) => starting && source !== 'NOT_KNOWN';

/**
 * Until its own first checkpoint is complete, Flink goes back to it at every failure. NO_CLAIM makes that checkpoint a full one; with
 * CLAIM or LEGACY it, and those after it, may use files of the source, so that a mode which is not known ends nothing. Where the source
 * itself is not known, a checkpoint of its own is what is left to go by.
 */
function needsSource({ source, claimMode, checkpointing, ownCheckpointCompleted }: RunFromSavepoint): boolean {
  if (!ownCheckpointCompleted) return true;
  return source !== 'NOT_KNOWN' && (claimMode !== 'NO_CLAIM' || checkpointing !== 'PERIODIC');
}

const isHeld = (savepoint: Pick<SavepointFacts, 'heldUntil'>, now: number): savepoint is { heldUntil: number } =>
  savepoint.heldUntil !== null && savepoint.heldUntil > now;

const named = ({ run, deploymentName }: RunFromSavepoint) => `run ${run} of deployment "${deploymentName}"`;

const ofStart = (run: RunFromSavepoint): Protection => ({
  kind: 'START_UNDER_WAY',
  message:
    run.source === 'ITS_FILES'
      ? `A start from a checkpoint that may use files of it is under way: ${named(run)}.`
      : `A start from it is under way: ${named(run)}.`,
  unlock: endOfUse(run),
  deploymentId: run.deploymentId,
  jobId: run.jobId,
});

const ofLiveRun = (run: RunFromSavepoint): Protection => ({
  kind: 'SOURCE_OF_LIVE_RUN',
  message: whyNeeded(run),
  unlock: endOfUse(run),
  deploymentId: run.deploymentId,
  jobId: run.jobId,
});

function whyNeeded(run: RunFromSavepoint): string {
  if (run.source === 'NOT_KNOWN')
    return `Somebody else has started ${named(run)}, and Flink has not shown yet from what: it may be this one.`;
  const started =
    run.source === 'ITS_FILES'
      ? `It may hold files of the checkpoint that ${named(run)} was started from`
      : `It is what ${named(run)} was started from`;
  if (run.claimMode === 'NOT_KNOWN')
    return (
      `${started} by somebody else, in a claim mode that Flink does not tell: with CLAIM or LEGACY its checkpoints may use files of ` +
      'this one as long as it lives. With CLAIM Flink deletes it by itself when it needs it no more.'
    );
  switch (run.checkpointing) {
    case 'PERIODIC':
      return `${started}; until a checkpoint of that run is complete, a failure takes it back to here.`;
    case 'NONE':
      return `${started}; that run makes no checkpoints by itself, so a failure takes it back to here.`;
    case 'NOT_READ':
      return `${started}; whether that run makes checkpoints is not known yet, and a failure takes it back to here.`;
  }
}

function endOfUse(run: RunFromSavepoint): string {
  const { source, claimMode, checkpointing } = run;
  if (source === 'NOT_KNOWN')
    return `Flink has shown what ${named(run)} was restored from, or that run has completed a checkpoint or has ended`;
  const ends = claimMode === 'NO_CLAIM' && checkpointing !== 'NONE';
  return ends ? `${named(run)} has completed a checkpoint or has ended` : `${named(run)} has ended`;
}

const ofLatestState = ({ of, deploymentId, deploymentName }: LatestStateUse): Protection => ({
  kind: 'LATEST_STATE',
  message:
    `Deployment "${deploymentName}" is stopped, and LATEST_STATE would start it from ` +
    (of === 'ITSELF' ? 'this one.' : 'a checkpoint that may use files of this one: the run that made it was adopted.'),
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

const ofHold = (held: { heldUntil: number; holdReason: string | null }): Protection => ({
  kind: 'HELD',
  message: `It is ${heldInWords(held)}.`,
  unlock: 'its hold is over or has been taken off (updateSavepoint, heldUntil: null)',
});

const heldInWords = ({ heldUntil, holdReason }: { heldUntil: number; holdReason: string | null }) =>
  `held until ${new Date(heldUntil).toISOString()}${holdReason ? `: ${holdReason}` : ', and no reason was given'}`;

function ofRecordBeside({ other, deploymentName, recordMayEnd }: RecordBeside, now: number): Protection {
  const kept = [...(other.pinned ? ['pinned'] : []), ...(isHeld(other, now) ? [heldInWords(other)] : [])];
  const listed = deploymentName === null ? '' : ` of deployment "${deploymentName}"`;
  const end =
    other.origin === 'IMPORTED' ? ` (deleteSavepoint, without alsoData: it was imported, and its data stay)` : '';
  return {
    kind: 'SHARED_DATA',
    message: `Its data are those of savepoint ${other.id}${listed} too, which is recorded at the same place${kept.length > 0 ? ` and is ${kept.join(' and ')}` : ''}.`,
    unlock: `the record of savepoint ${other.id} has ended${end}`,
    recordMayEnd,
  };
}
