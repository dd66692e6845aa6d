import type { Sql } from '../db/database.js';
import { judgeSavepoints } from './judge-savepoints.js';
import { findPolicy } from './retention.store.js';
import type { KeptSavepoint } from './retention.types.js';

/** Of each completed savepoint of a deployment, by its id, what its policy says; empty without a policy. */
export async function keptSavepoints(sql: Sql, deploymentId: string): Promise<Map<string, KeptSavepoint>> {
  const policy = await findPolicy(sql, deploymentId);
  if (!policy) return new Map();
  const { choice, now } = await judgeSavepoints(sql, deploymentId, policy);
  const lines: KeptSavepoint[] = [
    ...choice.delete.map(({ id, message }) => ({
      savepointId: id,
      why: 'GOES',
      message: `It goes with the next pass. ${message}`,
      expiresAt: new Date(now),
      expiresWhen:
        choice.large || policy.largeCleanupWaitingSince !== null
          ? 'when a person has let that pass go (confirmCleanup)'
          : null,
    })),
    ...choice.keep.map(({ id, expiresAt, ...line }) => ({
      ...line,
      savepointId: id,
      expiresAt: expiresAt === null ? null : new Date(expiresAt),
    })),
  ];
  return new Map(lines.map((line) => [line.savepointId, line]));
}

export const noPolicy = (savepointId: string): KeptSavepoint => ({
  savepointId,
  why: 'NO_POLICY',
  message: 'There is no retention policy: no rule deletes it.',
  expiresAt: null,
  expiresWhen: null,
});
