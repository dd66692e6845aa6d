import type { LeftBehindKeptBecause } from './left-behind.enums.js';

/**
 * Whether all that an ended run has left goes (ST-6), or why it is kept. Pure, and the one place: the pass of a policy, its preview and
 * the disposal itself, right before Flink is asked, judge by it. Times in epoch ms on the database's clock.
 */

export interface LeftRun {
  jobId: string;
  run: number;
  flinkJobId: string;
  deploymentName: string;
  /** The deployment is stopped. */
  stopped: boolean;
  /** Flink runs a job of its id now. */
  runsAgain: boolean;
  /** Other runs with the same id of Flink. */
  twins: number;
  /** null: it is being read. RECORD: as it was recorded last, which may not be all. */
  endReadFrom: 'STORAGE' | 'STATISTICS' | 'RECORD' | null;
  /**
   * SEEN: Flink showed how it ended. GONE: its cluster did not know it any more. NOT_KNOWN: its cluster was given up or replaced, and the run
   * may go on there, with the last of these as what it would go back to.
   */
  end: 'SEEN' | 'GONE' | 'NOT_KNOWN';
  checkpoints: readonly LeftCheckpoint[];
  /** When the first of the later runs was seen to have completed a checkpoint; null: none has. */
  laterCheckpointAt: number | null;
  /** Runs, of any deployment, that were started from one of them. */
  heirs: readonly Heir[];
  /** Deployments that LATEST_STATE would start from one of them; all of these are stopped. */
  latestStateOf: readonly string[];
  /** Something else that the deployment could be started from is left. */
  otherState: boolean;
  /** Imported savepoints and references that lie in its directory. */
  records: readonly string[];
  /** Checkpoints of its heirs that are kept and may use its files. */
  mayShare: readonly KeptSnapshot[];
  /** Snapshots that are kept and may use files of any run: one list for all of them, with their own in it. */
  mayUseAny: readonly KeptSnapshot[];
}

export interface LeftCheckpoint {
  flinkCheckpointId: number;
  location: string;
  bytes: number | null;
}

export interface Heir {
  jobId: string;
  /** For a person: run 3 of deployment "orders". */
  named: string;
  live: boolean;
  starting: boolean;
  /** Ours are started with NO_CLAIM; in which mode somebody else has started one, Flink does not tell. */
  claimMode: 'NO_CLAIM' | 'NOT_KNOWN';
  checkpointing: 'PERIODIC' | 'NONE' | 'NOT_READ';
  ownCheckpointCompleted: boolean;
  /** Of one that does not live: as that of {@link LeftRun}. */
  end: LeftRun['end'];
}

export interface KeptSnapshot {
  key: string;
  /** The run that made it; null: not known. */
  of: string | null;
  /** For a person. */
  named: string;
  location: string;
  /** A savepoint, by its name: Flink puts all of it into its own folder, so that one which cannot be read uses no file of others. */
  selfContained: boolean;
  /** The cluster of its run is not known to reach a storage of theirs: one that cannot be read is taken for none that uses their files. */
  elsewhere?: boolean;
}

/** What was seen of a run's directory, and of what may share its files. */
export interface LeftLook {
  /** The checkpoints that were looked at. */
  ids: readonly number[];
  /** They do not lie where something is disposed of; null: they do. */
  place: string | null;
  /** Why the _metadata of one of them could not be read; null: all were. */
  unread: string | null;
  /** Ids of checkpoints that lie beside them and are not recorded. */
  beside: readonly number[];
  /** Folders, outside of the run's directory, in which one of them has files. */
  foldersElsewhere: readonly string[];
  /** By the key of what may share their files: the folders, outside of its own, in which it has any; not there: it was not read. */
  reachOf: ReadonlyMap<string, readonly string[]>;
}

/** Live runs that were adopted and have not shown yet what they were restored from, for a person. */
export type UnseenSources = readonly string[];

export interface WhyKept {
  why: `${LeftBehindKeptBecause}`;
  message: string;
  /** What would end it: goes on from "when …". */
  unlock: string;
  /** Something could not be looked at just now: a look in a moment may see it. */
  lookAgain?: true;
}

/** By what is recorded alone, the firmest first; empty: nothing of it speaks against them. */
export function keptByRecord(
  run: LeftRun,
  unseen: UnseenSources,
  { now, afterMs }: { now: number; afterMs: number },
): WhyKept[] {
  return [
    ...ofTheRun(run),
    ...run.heirs.flatMap((heir) => [...ofHeir(heir)]),
    ...unseen.map(ofUnseenSource),
    ...run.latestStateOf.map(ofLatestState),
    ...(run.stopped && !run.otherState ? [ofLastState(run)] : []),
    ...run.records.map(ofRecord),
    ...ofTime(run, now, afterMs),
  ];
}

/** Nobody has had the time to look. */
export const NOT_LOOKED_AT: WhyKept = {
  why: 'NOT_READ',
  message: 'Which files they use has not been looked at yet.',
  unlock: 'that has been read',
  lookAgain: true,
};

/** By what was seen of them. */
export function keptByLook(run: LeftRun, look: LeftLook): WhyKept[] {
  const { ids, place, unread, beside, foldersElsewhere, reachOf } = look;
  if (!run.checkpoints.every(({ flinkCheckpointId }) => ids.includes(flinkCheckpointId))) return [NOT_LOOKED_AT];
  if (place !== null)
    return [
      {
        why: 'NOT_CONTAINED',
        message: `Stateward disposes of nothing there: ${place}.`,
        unlock: 'they have been removed by hand',
      },
    ];
  if (unread !== null)
    return [
      {
        why: 'NOT_READ',
        message: `Which files they use is not known: ${unread}.`,
        unlock: 'their _metadata can be read, in a storage that is proven to be the same place',
        lookAgain: true,
      },
    ];
  return [
    ...(beside.length > 0 ? [ofBeside(beside)] : []),
    ...(foldersElsewhere.length > 0 ? [ofFilesElsewhere(foldersElsewhere)] : []),
    ...ofSharing(run, run.mayShare, reachOf),
    ...ofSharing(run, run.mayUseAny, reachOf),
  ];
}

/** When nothing but time stands in the way; null: something else does, or nothing. */
export const goesAt = (run: LeftRun, afterMs: number): number | null =>
  run.laterCheckpointAt === null ? null : run.laterCheckpointAt + afterMs;

function* ofTheRun({ runsAgain, twins, endReadFrom, end, flinkJobId }: LeftRun): Generator<WhyKept> {
  if (runsAgain)
    yield {
      why: 'RUNS_AGAIN',
      message: `Flink runs job ${flinkJobId} again, and it may go back to them.`,
      unlock: 'that job has ended',
    };
  if (twins > 0)
    yield {
      why: 'SAME_JOB_ID',
      message: `${twins === 1 ? 'Another run has' : `${twins} other runs have`} the job id ${flinkJobId} too, so their directory may not be theirs alone.`,
      unlock: 'they have been removed by hand',
    };
  if (endReadFrom === null)
    yield {
      why: 'END_NOT_READ',
      message: 'What the run has left behind is not read yet.',
      unlock: 'it has been read, some seconds after its end',
    };
  else if (end === 'NOT_KNOWN' || (end === 'GONE' && endReadFrom !== 'STORAGE'))
    yield {
      why: 'END_UNSEEN',
      message:
        end === 'GONE'
          ? 'How the run ended was not seen, and its directory was not read then: what it has left may be more.'
          : 'The run was given up with its cluster, or that was replaced: it may still go on there.',
      unlock: 'they have been removed by hand',
    };
}

/** NO_CLAIM makes the first checkpoint of a run a full one; with CLAIM or LEGACY it, and those after it, may use files of the source for ever. */
function* ofHeir({
  named,
  live,
  starting,
  claimMode,
  checkpointing,
  ownCheckpointCompleted,
  end,
}: Heir): Generator<WhyKept> {
  if (claimMode === 'NOT_KNOWN')
    yield {
      why: 'CLAIM_MODE_UNKNOWN',
      message: `Somebody else has started ${named} from one of them, in a claim mode that Flink does not tell: its checkpoints, and those of runs after it, may use their files.`,
      unlock: 'they have been removed by hand',
    };
  else if (live && starting)
    yield {
      why: 'START_UNDER_WAY',
      message: `A start from one of them is under way: ${named}.`,
      unlock: `${named} has completed a checkpoint or has ended`,
    };
  else if (live && !(ownCheckpointCompleted && checkpointing === 'PERIODIC'))
    yield {
      why: 'SOURCE_OF_LIVE_RUN',
      message: `It is what ${named} was started from; until a checkpoint of that run is complete, a failure takes it back to here.`,
      unlock: checkpointing === 'NONE' ? `${named} has ended` : `${named} has completed a checkpoint or has ended`,
    };
  else if (!live && end === 'NOT_KNOWN' && !ownCheckpointCompleted)
    yield {
      why: 'SOURCE_OF_LIVE_RUN',
      message: `It is what ${named} was started from, which was given up before it was seen to complete a checkpoint: it may still go on, and a failure takes it back to here.`,
      unlock: 'they have been removed by hand',
    };
}

const ofUnseenSource = (named: string): WhyKept => ({
  why: 'SOURCE_UNSEEN',
  message: `Somebody else has started ${named}, and Flink has not shown yet from what: it may be one of them.`,
  unlock: `Flink has shown what ${named} was restored from, or that run has ended`,
});

const ofLatestState = (deploymentName: string): WhyKept => ({
  why: 'LATEST_STATE',
  message: `Deployment "${deploymentName}" is stopped, and LATEST_STATE would start it from one of them.`,
  unlock: `deployment "${deploymentName}" has been started and has completed a checkpoint`,
});

const ofLastState = ({ deploymentName }: LeftRun): WhyKept => ({
  why: 'LAST_STATE',
  message: `Deployment "${deploymentName}" is stopped, and nothing else is left that it could be started from.`,
  unlock: `deployment "${deploymentName}" runs, or has another state to be started from`,
});

const ofRecord = (savepointId: string): WhyKept => ({
  why: 'RECORDED',
  message: `One of them is recorded as savepoint ${savepointId}, which was imported.`,
  unlock: `the record of savepoint ${savepointId} has ended (deleteSavepoint, without alsoData)`,
});

function* ofTime(run: LeftRun, now: number, afterMs: number): Generator<WhyKept> {
  const at = goesAt(run, afterMs);
  if (at === null)
    yield {
      why: 'NO_LATER_RUN',
      message: 'No later run of the deployment has completed a checkpoint.',
      unlock: `one has, and ${inWords(afterMs)} have passed since`,
    };
  else if (now < at)
    yield {
      why: 'TOO_SOON',
      message: `A later run has completed its first checkpoint less than ${inWords(afterMs)} ago.`,
      unlock: `${new Date(at).toISOString()} has come`,
    };
}

const NAMED_AT_MOST = 5;

const ofBeside = (ids: readonly number[]): WhyKept => ({
  why: 'NOT_RECORDED_BESIDE',
  message: `Checkpoints that are not recorded lie beside them and may use the same files: ${named(ids.map((id) => `chk-${id}`))}.`,
  unlock: 'those have been removed by hand',
});

const ofFilesElsewhere = (folders: readonly string[]): WhyKept => ({
  why: 'FILES_ELSEWHERE',
  message: `They use files outside of the directory of their run, which may be those of others: in ${named(folders)}.`,
  unlock: 'they have been removed by hand',
});

/** No more than a person reads: each of very many may be unreadable at once. */
function ofSharing(run: LeftRun, all: readonly KeptSnapshot[], reachOf: LeftLook['reachOf']): WhyKept[] {
  const found: WhyKept[] = [];
  for (const kept of all) {
    const why = kept.of === run.jobId ? null : ofOneSharing(run, kept, reachOf.get(kept.key));
    if (why && found.push(why) >= NAMED_AT_MOST) break;
  }
  return found;
}

function ofOneSharing(
  { flinkJobId }: LeftRun,
  { named, location, selfContained, elsewhere }: KeptSnapshot,
  folders: readonly string[] | undefined,
): WhyKept | null {
  if (folders === undefined) {
    if (selfContained || elsewhere) return null;
    return {
      why: 'SHARED_FILES',
      message: `${capital(named)} may use files of theirs: its _metadata could not be read (${location}).`,
      unlock: `the _metadata of ${named} can be read, or it is gone`,
      lookAgain: true,
    };
  }
  if (!folders.some((folder) => folder.split('/').includes(flinkJobId))) return null;
  return {
    why: 'SHARED_FILES',
    message: `${capital(named)} uses files of theirs (${location}).`,
    unlock: `${named} is gone`,
  };
}

const named = (all: readonly string[]): string => {
  const more = all.length - NAMED_AT_MOST;
  return `${all.slice(0, NAMED_AT_MOST).join(', ')}${more > 0 ? `, and ${more} more` : ''}`;
};

const capital = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

const HOUR_MS = 3_600_000;
const inWords = (ms: number): string =>
  ms >= HOUR_MS ? `${Math.round(ms / HOUR_MS)} h` : `${Math.round(ms / 1_000)} s`;
