import { checkId } from '../api/id-arg.js';
import { NotFound } from '../api/user-error.js';
import type { Database } from '../db/database.js';
import { DeletionRule } from '../deletion/deletion.enums.js';
import { findDeployment } from '../deployment/find-deployment.js';
import { checkPolicy } from './check-policy.js';
import { judgeSavepoints } from './judge-savepoints.js';
import { findPolicy } from './retention.store.js';
import {
  NoRetentionPolicy,
  type PreviewRetentionResult,
  type RetentionInput,
  RetentionPreview,
} from './retention.types.js';
import { toPolicy } from './set-retention-policy.js';

/** What a policy (or the one in force) would do now, by the function that the sweep uses. Changes nothing. */
export async function previewRetention(
  { database }: { database: Database },
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
  const { choice, token } = await judgeSavepoints(database, deployment.id, policy);
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
    freedBytes: choice.freedBytes,
    ofUnknownSize: choice.ofUnknownSize,
    mayTouch: choice.mayTouch,
    deferred: deferred && `${deferred.message} It goes on when ${deferred.until}.`,
    large: choice.large,
    previewToken: token,
  });
}
