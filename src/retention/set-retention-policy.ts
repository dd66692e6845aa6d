import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { NotFound } from '../api/user-error.js';
import type { Database, Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { findDeployment, findForDecision } from '../deployment/find-deployment.js';
import { EventType } from '../event/event-types.js';
import { recordEvent, recordInOrder } from '../event/record-event.js';
import { keepNotBegun } from '../left-behind/begin-left-behind.js';
import { checkPolicy } from './check-policy.js';
import { type Judgement, judgePass, lookBeforePass } from './judge-pass.js';
import type { WholePolicy } from './retention-choice.js';
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
  config: { leftBehindAfterMs: number };
}

/** A request waits no longer for storages; what has not been read by then stays for now, and says so. */
export const LOOK_WITHIN_MS = 5_000;

export const toPolicy = ({
  maxCount,
  maxAgeMs,
  includeStop,
  whileStopped,
  leftBehind,
}: RetentionInput): WholePolicy => ({
  maxCount: maxCount ?? null,
  maxAgeMs: maxAgeMs ?? null,
  includeStop,
  whileStopped,
  leftBehind,
});

const tooLarge = ({ choice, leftBehind, token }: Judgement, given: string | null) =>
  new LargeCleanup(
    {
      savepoints: choice.delete.length,
      of: choice.mayTouch,
      runs: leftBehind.goes.length,
      freedBytes: choice.freedBytes,
    },
    { token, given },
  );

/** The same again changes nothing. */
const isSame = (one: WholePolicy, other: WholePolicy) =>
  one.maxCount === other.maxCount &&
  one.maxAgeMs === other.maxAgeMs &&
  one.includeStop === other.includeStop &&
  one.whileStopped === other.whileStopped &&
  one.leftBehind === other.leftBehind;

/** Gives a deployment a policy, or changes it; one that would at once delete more than half wants the token of its preview (RT-10). */
export async function setRetentionPolicy(
  { database, config }: Deps,
  input: SetRetentionPolicyInput,
  caller: Caller,
): Promise<SetRetentionPolicyResult> {
  checkId('deploymentId', input.deploymentId);
  const problem = checkPolicy(input.policy, 'policy.');
  if (problem) return problem;
  const policy = toPolicy(input.policy);
  const how = { afterMs: config.leftBehindAfterMs, withinMs: LOOK_WITHIN_MS };
  const looks = await lookBeforePass(database, input.deploymentId, policy, how);
  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'setRetentionPolicy', input };
  return answerOnce(database, request, findDeployment, async (tx) => {
    const found = await findLive(tx, input.deploymentId);
    if (!found) return new NotFound('deploymentId', 'deployment', input.deploymentId);
    const before = await lockPolicy(tx, found.id);
    if (before && isSame(before, policy)) return found.id;
    const judged = await judgePass(tx, found.id, policy, looks, how);
    const given = input.previewToken ?? null;
    if (judged.large && given !== judged.token) return tooLarge(judged, given);
    await putPolicy(tx, found.id, policy, {
      actor: caller.actor,
      confirmedToken: judged.large ? judged.token : null,
    });
    const kept =
      policy.leftBehind === 'DISPOSE' ? [] : await keepNotBegun(tx, found.id, 'the policy says leftBehind: KEEP now.');
    const isSet = {
      type: EventType.RETENTION_SET,
      deploymentId: found.id,
      actor: caller.actor,
      message: `Savepoints of ${found.name} are kept ${policyInWords(policy)}${before ? ` (before: ${policyInWords(before)})` : ''}; set by ${caller.actor}. It deletes ${judged.choice.delete.length} of ${judged.choice.mayTouch} now${policy.leftBehind === 'DISPOSE' ? `, and disposes of what ${judged.leftBehind.goes.length} ended runs have left behind` : ''}.`,
    };
    await recordInOrder(tx, [isSet, ...kept]);
    return found.id;
  });
}

/** Afterwards no rule deletes savepoints of the deployment. What is DELETING, or was begun to be disposed of, goes on. */
export function removeRetentionPolicy(
  { database }: Pick<Deps, 'database'>,
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
      const kept = await keepNotBegun(tx, found.id, 'its deployment has no retention policy any more.');
      const removed = {
        type: EventType.RETENTION_REMOVED,
        deploymentId: found.id,
        actor: caller.actor,
        message: `The retention policy of ${found.name} was removed by ${caller.actor}: no rule deletes its savepoints any more.`,
      };
      await recordInOrder(tx, [removed, ...kept]);
    }
    return found.id;
  });
}

/** Lets one pass go, if it is the one that the token's preview showed; one that is not large needs no word of anybody. */
export async function confirmCleanup(
  { database, config }: Deps,
  input: ConfirmCleanupInput,
  caller: Caller,
): Promise<ConfirmCleanupResult> {
  checkId('deploymentId', input.deploymentId);
  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'confirmCleanup', input };
  const how = { afterMs: config.leftBehindAfterMs, withinMs: LOOK_WITHIN_MS };
  const inForce = await findPolicy(database, input.deploymentId);
  const looks = await lookBeforePass(database, input.deploymentId, inForce ?? { leftBehind: 'KEEP' }, how);
  return answerOnce(database, request, findDeployment, async (tx) => {
    const found = await findLive(tx, input.deploymentId);
    if (!found) return new NotFound('deploymentId', 'deployment', input.deploymentId);
    const policy = await findPolicy(tx, found.id);
    if (!policy) return new NoRetentionPolicy(found.name);
    const judged = await judgePass(tx, found.id, policy, looks, how);
    if (judged.token !== input.previewToken) return tooLarge(judged, input.previewToken);
    await confirmPass(tx, found.id, judged.token, caller.actor);
    await recordEvent(tx, {
      type: EventType.LARGE_CLEANUP_CONFIRMED,
      deploymentId: found.id,
      actor: caller.actor,
      message: `${caller.actor} lets a pass go that deletes ${judged.choice.delete.length} of ${judged.choice.mayTouch} savepoints of ${found.name}${judged.leftBehind.goes.length > 0 ? ` and disposes of what ${judged.leftBehind.goes.length} ended runs have left behind` : ''}.`,
    });
    return found.id;
  });
}

async function findLive(tx: Transaction, deploymentId: string) {
  const found = await findForDecision(tx, deploymentId);
  return found && found.deployment.archivedAt === null ? found.deployment : null;
}
