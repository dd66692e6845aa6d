import type { Database, Transaction } from '../db/database.js';
import { findForDecision } from '../deployment/find-deployment.js';
import { DeletionRule, DeletionScope } from '../deletion/deletion.enums.js';
import { lockForDeletion, markDeleting } from '../deletion/mark-deleting.js';
import { inWordsBytes } from '../deletion/words.js';
import { EventType } from '../event/event-types.js';
import { type NewEvent, recordInOrder } from '../event/record-event.js';
import { failPoint } from '../fail-point.js';
import type { Logger } from '../logger.js';
import { type Judgement, judgeSavepoints } from './judge-savepoints.js';
import type { RetentionPolicy } from './retention.entity.js';
import type { Going } from './retention-choice.js';
import { endPass, lockPolicy, takeDuePolicies } from './retention.store.js';

/** What no wake-up tells of (another deployment's run, a clock) is noticed by then. */
const AT_LEAST_EVERY_MS = 10 * 60_000;
const AT_MOST_EVERY_MS = 1_000;
/** Deployments in one go; each has a transaction of its own. */
const AT_ONCE = 20;

export interface SweepDeps {
  database: Database;
  log: Logger;
}

/** Makes the passes that are due. Answers how many. */
export async function sweepDue({ database, log }: SweepDeps): Promise<number> {
  const due = await takeDuePolicies(database, AT_ONCE);
  for (const deploymentId of due) {
    try {
      await sweepRetention(database, deploymentId);
    } catch (error) {
      log.error({ err: error, deployment: deploymentId }, 'a cleaning pass failed; it is made again in a minute');
    }
  }
  return due.length;
}

/**
 * One pass of a policy: what it says goes is marked DELETING, with the reason. A pass that is too large deletes nothing and waits for a
 * person (RT-10).
 */
export function sweepRetention(database: Database, deploymentId: string): Promise<void> {
  return database.transaction(async (tx) => {
    const found = await findForDecision(tx, deploymentId);
    if (!found || found.deployment.archivedAt) return;
    const policy = await lockPolicy(tx, deploymentId);
    if (!policy) return;
    const first = await judgeSavepoints(tx, deploymentId, policy);
    if (first.choice.delete.length === 0) return rest(tx, policy, first);
    // Whoever starts from one of them locks its row: what has been chosen until now is seen by the second look.
    const ids = await lockForDeletion(
      tx,
      first.choice.delete.map(({ id }) => id),
    );
    failPoint('retention.locked');
    const judged = await judgeSavepoints(tx, deploymentId, policy);
    const locked = new Set(ids);
    const going = judged.choice.delete.filter(({ id }) => locked.has(id));
    if (going.length === 0) return rest(tx, policy, judged);
    if (judged.choice.large && policy.confirmedToken !== judged.token) return wait(tx, policy, judged);
    const events = await markAll(tx, going);
    await endPass(tx, deploymentId, { nextInMs: nextPassInMs(judged), waitingToken: null });
    await recordInOrder(tx, events);
    failPoint('retention.before-commit');
  });
}

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
async function wait(tx: Transaction, policy: RetentionPolicy, { choice, token, deploymentName }: Judgement) {
  const { deploymentId } = policy;
  await endPass(tx, deploymentId, { nextInMs: AT_LEAST_EVERY_MS, waitingToken: token });
  if (policy.waitingToken === token) return;
  await recordInOrder(tx, [
    {
      type: EventType.LARGE_CLEANUP_WAITING,
      deploymentId,
      message:
        `The retention policy of ${deploymentName} would delete ${choice.delete.length} of ${choice.mayTouch} savepoints at once (${inWordsBytes(choice.freedBytes)}). ` +
        `Nothing is deleted: look at previewRetention, then let it go with confirmCleanup, or change the policy.`,
      details: { previewToken: token, savepoints: choice.delete.length, of: choice.mayTouch },
    },
  ]);
}

/** When the next one has come of age; what else may happen wakes the policy. */
function nextPassInMs({ choice, now }: Judgement): number {
  const soonest = Math.min(...choice.keep.flatMap(({ expiresAt }) => expiresAt ?? []));
  return Math.max(AT_MOST_EVERY_MS, Math.min(AT_LEAST_EVERY_MS, soonest - now));
}
