import type { Database, Transaction } from '../db/database.js';
import { findForDecision } from '../deployment/find-deployment.js';
import { DeletionRule, DeletionScope } from '../deletion/deletion.enums.js';
import { lockForDeletion, markDeleting } from '../deletion/mark-deleting.js';
import { inWordsBytes } from '../deletion/words.js';
import { EventType } from '../event/event-types.js';
import { type NewEvent, recordInOrder } from '../event/record-event.js';
import { failPoint } from '../fail-point.js';
import type { Logger } from '../logger.js';
import { beginDisposals, lockForDisposal } from '../left-behind/begin-left-behind.js';
import { inWords } from '../run/state-at-cancel.js';
import { type Judgement, judgePass, lookBeforePass } from './judge-pass.js';
import type { RetentionPolicy } from './retention.entity.js';
import type { Going } from './retention-choice.js';
import { endPass, findPolicy, lockPolicy, takeDuePolicies } from './retention.store.js';

/** What no wake-up tells of (another deployment's run, a clock) is noticed by then. */
const AT_LEAST_EVERY_MS = 10 * 60_000;
const AT_MOST_EVERY_MS = 1_000;
/** While something that is due could not be looked at just now, or begins to go and may be kept after all: for an hour, then as else. */
const LOOKS_AGAIN_EVERY_MS = 15_000;
const LOOKS_AGAIN_FOR_MS = 60 * 60_000;
/** Deployments in one go; each has a transaction of its own. */
const AT_ONCE = 20;
/** What has not been read by then is read by the next pass. */
const LOOK_WITHIN_MS = 20_000;
const DAY_MS = 86_400_000;

export interface SweepDeps {
  database: Database;
  log: Logger;
  config: { leftBehindAfterMs: number };
}

/** Makes the passes that are due. Answers how many. */
export async function sweepDue({ database, log, config }: SweepDeps): Promise<number> {
  const due = await takeDuePolicies(database, AT_ONCE);
  for (const deploymentId of due) {
    try {
      await sweepRetention(database, deploymentId, { afterMs: config.leftBehindAfterMs });
    } catch (error) {
      log.error({ err: error, deployment: deploymentId }, 'a cleaning pass failed; it is made again in a minute');
    }
  }
  return due.length;
}

/**
 * One pass of a policy: what it says goes is marked DELETING, with the reason; what ended runs have left behind begins to be disposed of. A
 * pass that is too large deletes nothing and waits for a person (RT-10). `afterMs`: from the first checkpoint of a later run on.
 */
export async function sweepRetention(
  database: Database,
  deploymentId: string,
  { afterMs = DAY_MS } = {},
): Promise<void> {
  const before = await findPolicy(database, deploymentId);
  if (!before) return;
  const looks = await lookBeforePass(database, deploymentId, before, { afterMs, withinMs: LOOK_WITHIN_MS });
  await database.transaction(async (tx) => {
    const found = await findForDecision(tx, deploymentId);
    if (!found || found.deployment.archivedAt) return;
    const policy = await lockPolicy(tx, deploymentId);
    if (!policy) return;
    const judge = () => judgePass(tx, deploymentId, policy, looks, { afterMs });
    const first = await judge();
    if (first.choice.delete.length === 0 && first.leftBehind.goes.length === 0) return rest(tx, policy, first);
    // Whoever starts from one of them locks its row: what has been chosen until now is seen by the second look.
    const ids = await lockForDeletion(
      tx,
      first.choice.delete.map(({ id }) => id),
    );
    await lockForDisposal(
      tx,
      first.leftBehind.goes.map(({ jobId }) => jobId),
    );
    failPoint('retention.locked');
    const judged = await judge();
    const locked = new Set([...ids, ...first.leftBehind.goes.map(({ jobId }) => jobId)]);
    const going = judged.choice.delete.filter(({ id }) => locked.has(id));
    const runs = judged.leftBehind.goes.filter(({ jobId }) => locked.has(jobId));
    if (going.length === 0 && runs.length === 0) return rest(tx, policy, judged);
    if (judged.large && policy.confirmedToken !== judged.token) return wait(tx, policy, judged);
    const reason = whyItGoes(afterMs);
    const events = [
      ...(await markAll(tx, going)),
      ...(await beginDisposals(
        tx,
        runs.map(({ jobId }) => ({ jobId, reason })),
      )),
    ];
    await endPass(tx, deploymentId, { nextInMs: nextPassInMs(judged), waitingToken: null });
    await recordInOrder(tx, events);
    failPoint('retention.before-commit');
  });
}

/** Of what an ended run has left. */
export const whyItGoes = (afterMs: number): string =>
  `A later run has completed its first checkpoint more than ${inWords(afterMs)} ago, nothing needs what this one has left, and the policy says leftBehind: DISPOSE.`;

async function markAll(tx: Transaction, going: readonly Going[]): Promise<NewEvent[]> {
  const events: NewEvent[] = [];
  for (const { id, rules, message } of going) {
    const rule = rules.includes('MAX_AGE') ? DeletionRule.MAX_AGE : DeletionRule.MAX_COUNT;
    const request = { rule, scope: DeletionScope.DATA, reason: message, actor: 'retention' };
    events.push(...(await markDeleting(tx, [id], request)));
  }
  return events;
}

const rest = (tx: Transaction, { deploymentId }: RetentionPolicy, judged: Judgement) =>
  endPass(tx, deploymentId, { nextInMs: nextPassInMs(judged), waitingToken: null });

/** Told once for each set that would go. */
async function wait(
  tx: Transaction,
  policy: RetentionPolicy,
  { choice, leftBehind, token, deploymentName }: Judgement,
) {
  const { deploymentId } = policy;
  await endPass(tx, deploymentId, { nextInMs: AT_LEAST_EVERY_MS, waitingToken: token });
  if (policy.waitingToken === token) return;
  await recordInOrder(tx, [
    {
      type: EventType.LARGE_CLEANUP_WAITING,
      deploymentId,
      message:
        `The retention policy of ${deploymentName} would delete ${choice.delete.length} of ${choice.mayTouch} savepoints at once (${inWordsBytes(choice.freedBytes)})` +
        `${leftBehind.goes.length > 0 ? `, and dispose of what ${leftBehind.goes.length} of ${leftBehind.goes.length + leftBehind.keep.length} ended runs have left behind` : ''}. ` +
        `Nothing is deleted: look at previewRetention, then let it go with confirmCleanup, or change the policy.`,
      details: {
        previewToken: token,
        savepoints: choice.delete.length,
        of: choice.mayTouch,
        leftBehindRuns: leftBehind.goes.length,
      },
    },
  ]);
}

/** When the next one has come of age; what else may happen wakes the policy. */
export function nextPassInMs({ choice, leftBehind, now }: Pick<Judgement, 'choice' | 'leftBehind' | 'now'>): number {
  const soonest = Math.min(
    ...choice.keep.flatMap(({ expiresAt }) => expiresAt ?? []),
    ...leftBehind.keep.flatMap(({ goesAt }) => goesAt ?? []),
  );
  const looksAgain = [...leftBehind.keep, ...leftBehind.goes].some(
    ({ dueSince }) => dueSince !== null && now - dueSince < LOOKS_AGAIN_FOR_MS,
  );
  const atLeastEveryMs = looksAgain ? LOOKS_AGAIN_EVERY_MS : AT_LEAST_EVERY_MS;
  return Math.max(AT_MOST_EVERY_MS, Math.min(atLeastEveryMs, soonest - now));
}
