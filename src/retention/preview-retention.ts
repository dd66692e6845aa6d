import { checkId } from '../api/id-arg.js';
import { NotFound } from '../api/user-error.js';
import type { Database } from '../db/database.js';
import { DeletionRule } from '../deletion/deletion.enums.js';
import { findDeployment } from '../deployment/find-deployment.js';
import type { JudgedRun } from '../left-behind/judge-left-behind.js';
import { LeftBehindKeptBecause } from '../left-behind/left-behind.enums.js';
import { checkPolicy } from './check-policy.js';
import { judgePass, lookBeforePass } from './judge-pass.js';
import { findPolicy } from './retention.store.js';
import {
  type GoingLeftBehind,
  type KeptLeftBehind,
  NoRetentionPolicy,
  type PreviewRetentionResult,
  type RetentionInput,
  RetentionPreview,
} from './retention.types.js';
import { LOOK_WITHIN_MS, toPolicy } from './set-retention-policy.js';
import { whyItGoes } from './sweep-retention.js';

/** What a policy (or the one in force) would do now, by the function that the sweep uses. Changes nothing. */
export async function previewRetention(
  { database, config }: { database: Database; config: { leftBehindAfterMs: number } },
  deploymentId: string,
  input: RetentionInput | null,
): Promise<PreviewRetentionResult> {
  checkId('deploymentId', deploymentId);
  const problem = input && checkPolicy(input, 'policy.');
  if (problem) return problem;
  const deployment = await findDeployment(database, deploymentId);
  if (!deployment) return new NotFound('deploymentId', 'deployment', deploymentId);
  const policy = input ? toPolicy(input) : await findPolicy(database, deployment.id);
  if (!policy) return new NoRetentionPolicy(deployment.name);
  const how = { afterMs: config.leftBehindAfterMs, withinMs: LOOK_WITHIN_MS };
  const looks = await lookBeforePass(database, deployment.id, policy, how);
  const { choice, leftBehind, large, token } = await judgePass(database, deployment.id, policy, looks, {
    ...how,
    listKept: true,
  });
  const { deferred } = choice;
  return Object.assign(new RetentionPreview(), {
    goes: choice.delete.map(({ id, rules, message, bytes }) => ({
      savepointId: id,
      rules: rules.map((rule) => DeletionRule[rule]),
      message,
      bytes,
    })),
    stays: choice.keep.map(({ id, why, message, expiresAt, expiresWhen }) => ({
      savepointId: id,
      why,
      message,
      expiresAt: expiresAt === null ? null : new Date(expiresAt),
      expiresWhen,
    })),
    leftBehindGoes: leftBehind.goes.map(goingOf(config.leftBehindAfterMs)),
    leftBehindStays: leftBehind.keep.map(keptOf),
    freedBytes: choice.freedBytes,
    ofUnknownSize: choice.ofUnknownSize,
    mayTouch: choice.mayTouch,
    deferred: deferred && `${deferred.message} It goes on when ${deferred.until}.`,
    large,
    previewToken: token,
  });
}

const goingOf =
  (afterMs: number) =>
  ({ jobId, checkpoints, bytes }: JudgedRun): GoingLeftBehind => ({
    jobId,
    checkpoints,
    bytes,
    message: whyItGoes(afterMs),
  });

/** Always kept by something: else it goes. */
const keptOf = ({ jobId, checkpoints, bytes, kept, goesAt }: JudgedRun): KeptLeftBehind => ({
  jobId,
  checkpoints,
  bytes,
  why: LeftBehindKeptBecause[kept[0]?.why ?? 'POLICY'],
  message: kept.map(({ message }) => message).join(' '),
  goesAt: goesAt === null ? null : new Date(goesAt),
  goesWhen: kept.map(({ unlock }) => unlock).join(', and '),
});
