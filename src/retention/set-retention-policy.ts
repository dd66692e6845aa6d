import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { NotFound } from '../api/user-error.js';
import type { Database, Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { findDeployment, findForDecision } from '../deployment/find-deployment.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import { checkPolicy } from './check-policy.js';
import { type Judgement, judgeSavepoints } from './judge-savepoints.js';
import type { RetentionPolicy } from './retention-choice.js';
import { confirmPass, deletePolicy, findPolicy, lockPolicy, putPolicy } from './retention.store.js';
import {
  type ConfirmCleanupInput,
  type ConfirmCleanupResult,
  LargeCleanup,
  NoRetentionPolicy,
  type RemoveRetentionPolicyInput,
  type RemoveRetentionPolicyResult,
  type RetentionInput,
  type SetRetentionPolicyInput,
  type SetRetentionPolicyResult,
} from './retention.types.js';
import { policyInWords } from './policy-in-words.js';

interface Deps {
  database: Database;
}

export const toPolicy = ({ maxCount, maxAgeMs, includeStop, whileStopped }: RetentionInput): RetentionPolicy => ({
  maxCount: maxCount ?? null,
  maxAgeMs: maxAgeMs ?? null,
  includeStop,
  whileStopped,
});

const tooLarge = ({ choice, token }: Judgement, given: string | null) =>
  new LargeCleanup(
    { savepoints: choice.delete.length, of: choice.mayTouch, freedBytes: choice.freedBytes },
    { token, given },
  );

/** The same again changes nothing. */
const isSame = (one: RetentionPolicy, other: RetentionPolicy) =>
  one.maxCount === other.maxCount &&
  one.maxAgeMs === other.maxAgeMs &&
  one.includeStop === other.includeStop &&
  one.whileStopped === other.whileStopped;

/** Gives a deployment a policy, or changes it; one that would at once delete more than half wants the token of its preview (RT-10). */
export function setRetentionPolicy(
  { database }: Deps,
  input: SetRetentionPolicyInput,
  caller: Caller,
): Promise<SetRetentionPolicyResult> {
  checkId('deploymentId', input.deploymentId);
  const problem = checkPolicy(input.policy, 'policy.');
  if (problem) return Promise.resolve(problem);
  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'setRetentionPolicy', input };
  return answerOnce(database, request, findDeployment, async (tx) => {
    const found = await findLive(tx, input.deploymentId);
    if (!found) return new NotFound('deploymentId', 'deployment', input.deploymentId);
    const policy = toPolicy(input.policy);
    const before = await lockPolicy(tx, found.id);
    if (before && isSame(before, policy)) return found.id;
    const judged = await judgeSavepoints(tx, found.id, policy);
    const given = input.previewToken ?? null;
    if (judged.choice.large && given !== judged.token) return tooLarge(judged, given);
    await putPolicy(tx, found.id, policy, {
      actor: caller.actor,
      confirmedToken: judged.choice.large ? judged.token : null,
    });
    await recordEvent(tx, {
      type: EventType.RETENTION_SET,
      deploymentId: found.id,
      actor: caller.actor,
      message: `Savepoints of ${found.name} are kept ${policyInWords(policy)}${before ? ` (before: ${policyInWords(before)})` : ''}; set by ${caller.actor}. It deletes ${judged.choice.delete.length} of ${judged.choice.mayTouch} now.`,
    });
    return found.id;
  });
}

/** Afterwards no rule deletes savepoints of the deployment. What is DELETING goes on. */
export function removeRetentionPolicy(
  { database }: Deps,
  input: RemoveRetentionPolicyInput,
  caller: Caller,
): Promise<RemoveRetentionPolicyResult> {
  checkId('deploymentId', input.deploymentId);
  const request: KeyedRequest = {
    caller,
    idempotencyKey: input.idempotencyKey,
    mutation: 'removeRetentionPolicy',
    input,
  };
  return answerOnce(database, request, findDeployment, async (tx) => {
    const found = await findLive(tx, input.deploymentId);
    if (!found) return new NotFound('deploymentId', 'deployment', input.deploymentId);
    if ((await deletePolicy(tx, found.id)) > 0) {
      await recordEvent(tx, {
        type: EventType.RETENTION_REMOVED,
        deploymentId: found.id,
        actor: caller.actor,
        message: `The retention policy of ${found.name} was removed by ${caller.actor}: no rule deletes its savepoints any more.`,
      });
    }
    return found.id;
  });
}

/** Lets one pass go, if it is the one that the token's preview showed; one that is not large needs no word of anybody. */
export function confirmCleanup(
  { database }: Deps,
  input: ConfirmCleanupInput,
  caller: Caller,
): Promise<ConfirmCleanupResult> {
  checkId('deploymentId', input.deploymentId);
  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'confirmCleanup', input };
  return answerOnce(database, request, findDeployment, async (tx) => {
    const found = await findLive(tx, input.deploymentId);
    if (!found) return new NotFound('deploymentId', 'deployment', input.deploymentId);
    const policy = await findPolicy(tx, found.id);
    if (!policy) return new NoRetentionPolicy(found.name);
    const judged = await judgeSavepoints(tx, found.id, policy);
    if (judged.token !== input.previewToken) return tooLarge(judged, input.previewToken);
    await confirmPass(tx, found.id, judged.token, caller.actor);
    await recordEvent(tx, {
      type: EventType.LARGE_CLEANUP_CONFIRMED,
      deploymentId: found.id,
      actor: caller.actor,
      message: `${caller.actor} lets a pass go that deletes ${judged.choice.delete.length} of ${judged.choice.mayTouch} savepoints of ${found.name}.`,
    });
    return found.id;
  });
}

async function findLive(tx: Transaction, deploymentId: string) {
  const found = await findForDecision(tx, deploymentId);
  return found && found.deployment.archivedAt === null ? found.deployment : null;
}
