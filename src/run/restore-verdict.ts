import { Severity } from '../compatibility/verdict.js';
import { isLive } from '../job/job.lifecycle.js';
import { DataState } from '../savepoint/savepoint.enums.js';
import { type Choice, namedWithData, type RestorePoint, type RunFacts, type Uncertainty } from './restore-choice.js';
import type { Maker } from './restore.store.js';

export enum FindingCode {
  ANOTHER_DEPLOYMENT = 'ANOTHER_DEPLOYMENT',
  MAKER_STILL_RUNS = 'MAKER_STILL_RUNS',
  JOB_WENT_ON = 'JOB_WENT_ON',
  NEWER_STATE_PASSED_OVER = 'NEWER_STATE_PASSED_OVER',
  UNUSABLE_STATE_PASSED_OVER = 'UNUSABLE_STATE_PASSED_OVER',
  RUNS_PASSED_OVER = 'RUNS_PASSED_OVER',
  END_UNCERTAIN = 'END_UNCERTAIN',
  DRAINED = 'DRAINED',
  STOP_FAILED_AFTER = 'STOP_FAILED_AFTER',
  DATA_NOT_CHECKED = 'DATA_NOT_CHECKED',
  NON_RESTORED_STATE_ALLOWED = 'NON_RESTORED_STATE_ALLOWED',
  STARTS_EMPTY = 'STARTS_EMPTY',
}

export interface Finding {
  code: FindingCode;
  severity: Severity;
  message: string;
}

export interface Target {
  deploymentId: string;
  artifactId: string | null;
  allowNonRestoredState: boolean;
}

export interface Circumstances {
  maker: Maker | null;
  runsPassedOver: readonly RunFacts[];
  newerState: readonly RestorePoint[];
  unusable: readonly RestorePoint[];
  uncertain: Uncertainty | null;
}

const WENT_ON_MS = 10_000;

/** What speaks for thought, or against it, in starting from a point, besides whether the code takes the state. */
export function findingsOf(point: RestorePoint, target: Target, around: Circumstances): Finding[] {
  return [
    ...aboutMaker(point, target, around.maker),
    ...aboutChoice(around),
    ...aboutUnusable(point, around.unusable),
    ...aboutState(point),
    ...aboutWish(target, around.maker),
  ];
}

const info = (code: FindingCode, message: string): Finding => ({ code, severity: Severity.INFO, message });
const warning = (code: FindingCode, message: string): Finding => ({ code, severity: Severity.WARNING, message });

/** By NONE: what is left behind by starting empty. */
export function findingsOfNone(left: Choice): Finding[] {
  if (left.kind === 'NOTHING') return [];
  const point = left.kind === 'CHOSEN' ? left.point : left.points[0];
  if (!point) return [];
  const taken = point.triggeredAt === null ? '' : ` of ${iso(point.triggeredAt)}`;
  return [
    warning(
      FindingCode.STARTS_EMPTY,
      `The job starts without state. Run ${left.run.run} has left ${point.location}${taken}.`,
    ),
  ];
}

function aboutMaker(point: RestorePoint, target: Target, maker: Maker | null): Finding[] {
  if (!maker) return [];
  const findings: Finding[] = [];
  const another = maker.deploymentId !== target.deploymentId;
  const whose = `run ${maker.run} of ${maker.deploymentName}`;
  if (another)
    findings.push(info(FindingCode.ANOTHER_DEPLOYMENT, `The state was made by ${whose}, another deployment.`));
  if (isLive(maker.state) || (another && maker.deploymentRuns)) {
    findings.push(
      warning(
        FindingCode.MAKER_STILL_RUNS,
        `${isLive(maker.state) ? whose : maker.deploymentName} still runs. The two collide where both use the same transactional ids, consumer groups, topics or files: give this run its own.`,
      ),
    );
  } else if (point.triggeredAt !== null && maker.endedAt !== null && maker.endedAt - point.triggeredAt > WENT_ON_MS) {
    findings.push(
      warning(
        FindingCode.JOB_WENT_ON,
        `${whose} went on for ${span(maker.endedAt - point.triggeredAt)} after it was taken: what it wrote since is written again, unless the sinks are idempotent.`,
      ),
    );
  }
  return findings;
}

function aboutChoice({ runsPassedOver, newerState, uncertain }: Circumstances): Finding[] {
  const findings: Finding[] = [];
  if (runsPassedOver.length > 0) {
    const named = runsPassedOver.map((run) => `run ${run.run} (${run.failureCode ?? run.state})`).join(', ');
    findings.push(info(FindingCode.RUNS_PASSED_OVER, `Passed over, since they never took hold: ${named}.`));
  }
  const [newest] = newerState;
  if (newest) {
    findings.push(
      warning(
        FindingCode.NEWER_STATE_PASSED_OVER,
        `There is newer state, ${newest.location}${newest.triggeredAt === null ? '' : ` of ${iso(newest.triggeredAt)}`}${newerState.length > 1 ? `, and ${newerState.length - 1} more` : ''}: LATEST_STATE would take it.`,
      ),
    );
  }
  if (uncertain) {
    findings.push(
      warning(
        FindingCode.END_UNCERTAIN,
        `There may be newer state of run ${uncertain.run.run}: ${uncertain.why}${uncertain.unseenFrom === null ? '' : ` (not seen since ${iso(uncertain.unseenFrom)})`}.`,
      ),
    );
  }
  return findings;
}

/** Newer state that would have been taken, and is not whole. */
function aboutUnusable(point: RestorePoint, unusable: readonly RestorePoint[]): Finding[] {
  if (unusable.length === 0) return [];
  const newest = Math.max(...unusable.map(({ triggeredAt }) => triggeredAt ?? -Infinity));
  const back =
    point.triggeredAt === null || newest === -Infinity
      ? 'How much further back the chosen state goes is not known'
      : `The chosen state goes ${span(Math.max(0, newest - point.triggeredAt))} further back`;
  return [
    warning(
      FindingCode.UNUSABLE_STATE_PASSED_OVER,
      `Newer state would be taken if it were whole: ${namedWithData(unusable)}. ${back}. If the data lie elsewhere, bring them back, or name the place with FROM_LOCATION.`,
    ),
  ];
}

function aboutState(point: RestorePoint): Finding[] {
  const findings: Finding[] = [];
  if (point.drained)
    findings.push(
      warning(
        FindingCode.DRAINED,
        'It was made by a stop with drain: end of time was sent to every operator, windows have fired early, and sources may count as finished.',
      ),
    );
  if (point.stopFailedAfter)
    findings.push(
      warning(
        FindingCode.STOP_FAILED_AFTER,
        'The stop that made it failed afterwards, and its side effects may be uncommitted: starting from it commits them.',
      ),
    );
  if (point.data === DataState.MISSING)
    findings.push(
      warning(
        FindingCode.DATA_NOT_CHECKED,
        'It was not there when it was last looked for; the start looks for it once more, and ends (STATE_DAMAGED) if it is not back.',
      ),
    );
  if (point.data === DataState.NOT_CHECKED)
    findings.push(
      info(
        FindingCode.DATA_NOT_CHECKED,
        'Its files could not be looked for from here; Flink refuses the start if they are gone.',
      ),
    );
  return findings;
}

function aboutWish(target: Target, maker: Maker | null): Finding[] {
  if (!target.allowNonRestoredState) return [];
  const sameJar = maker && maker.artifactId === target.artifactId;
  return [
    warning(
      FindingCode.NON_RESTORED_STATE_ALLOWED,
      `State of operators that the job has not got is dropped without a word (allowNonRestoredState)${sameJar ? '; the jar is the one that made it' : ''}.`,
    ),
  ];
}

const iso = (ms: number) => new Date(ms).toISOString();

/** "2 h 5 min", for a person. */
export function span(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days ${hours % 24} h`;
}
