import type { Database, Sql } from '../db/database.js';
import { type JudgedRun, judgeLeftBehind } from '../left-behind/judge-left-behind.js';
import type { WhyKept } from '../left-behind/left-behind-choice.js';
import { type LeftLooks, lookAtLeft } from '../left-behind/look-at-left.js';
import { judgeSavepoints, type SavepointsJudged } from './judge-savepoints.js';
import { previewToken } from './preview-token.js';
import { type Deferral, isLarge, type WholePolicy } from './retention-choice.js';

/** What one pass of a policy comes to: savepoints, and what ended runs have left behind. */
export interface Judgement extends SavepointsJudged {
  leftBehind: LeftBehindChoice;
  /** It wants the token of its preview (RT-10): of the savepoints, or of the runs, more than half would go. */
  large: boolean;
  /** Names the pass that it comes to. */
  token: string;
}

/** Oldest runs first. */
export interface LeftBehindChoice {
  goes: JudgedRun[];
  keep: JudgedRun[];
  /** Each run counts once, however many checkpoints it has left: they go together. */
  large: boolean;
}

const NOTHING_SEEN: LeftLooks = new Map();

/** Reads what decides about them from storages: before a transaction, since those may be slow. Nothing for a policy that keeps them. */
export const lookBeforePass = (
  database: Database,
  deploymentId: string,
  { leftBehind }: Pick<WholePolicy, 'leftBehind'>,
  how: { afterMs: number; withinMs: number },
): Promise<LeftLooks> =>
  leftBehind === 'DISPOSE' ? lookAtLeft(database, { deploymentId }, how) : Promise.resolve(NOTHING_SEEN);

/**
 * The one way from what is recorded, and was seen a moment ago, to a pass: of the sweep, of its preview, and of whoever confirms it.
 * `listKept`: also what ended runs have left where the policy keeps all of it.
 */
export async function judgePass(
  sql: Sql,
  deploymentId: string,
  policy: WholePolicy,
  looks: LeftLooks,
  { afterMs, listKept = false }: { afterMs: number; listKept?: boolean },
): Promise<Judgement> {
  const judged = await judgeSavepoints(sql, deploymentId, policy);
  const { choice } = judged;
  const concerned = policy.leftBehind === 'DISPOSE' || listKept;
  const runs = concerned ? await judgeLeftBehind(sql, { deploymentId }, looks, { afterMs }) : [];
  const leftBehind = chooseLeftBehind(runs, policy, choice.deferred);
  const token = previewToken({
    deploymentId,
    by: policy,
    ids: choice.delete.map(({ id }) => id),
    runs: leftBehind.goes.map(({ jobId }) => jobId),
  });
  return { ...judged, leftBehind, large: choice.large || leftBehind.large, token };
}

function chooseLeftBehind(
  runs: readonly JudgedRun[],
  { leftBehind }: WholePolicy,
  deferred: Deferral | null,
): LeftBehindChoice {
  const byPolicy = leftBehind === 'KEEP' ? POLICY_KEEPS : deferred && cleaningWaits(deferred);
  const judged = runs.map((run): JudgedRun => {
    if (leftBehind === 'KEEP') return { ...run, kept: [POLICY_KEEPS], goesAt: null, dueSince: null };
    return byPolicy === null ? run : { ...run, kept: [...run.kept, byPolicy], goesAt: null, dueSince: null };
  });
  const goes = judged.filter(({ kept }) => kept.length === 0);
  return { goes, keep: judged.filter(({ kept }) => kept.length > 0), large: isLarge(goes.length, runs.length) };
}

const POLICY_KEEPS: WhyKept = {
  why: 'POLICY',
  message: 'The policy keeps what ended runs leave behind (leftBehind: KEEP).',
  unlock: 'the policy says leftBehind: DISPOSE, and nothing else keeps them then',
};

const cleaningWaits = ({ message, until }: Deferral): WhyKept => ({ why: 'CLEANING_WAITS', message, unlock: until });
