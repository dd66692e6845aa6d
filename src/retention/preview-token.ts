import { createHash } from 'node:crypto';
import type { RetentionPolicy, WholePolicy } from './retention-choice.js';

/** What a preview showed, and a pass is about to do. */
export interface Pass {
  deploymentId: string;
  /** The policy; or what goes with the deployment itself (OB-1). */
  by: RetentionPolicy | WholePolicy | 'KEEP' | 'DELETE_SCHEDULED' | 'DELETE_ALL';
  /** Those that it deletes. */
  ids: readonly string[];
  /** The runs of which it disposes of all that they have left. */
  runs?: readonly string[];
}

/**
 * Names a pass (RT-10): whoever holds it has seen which savepoints go, and by what. It is no secret, and holds for exactly that set: a
 * pass that would delete another one, or one less, has another token.
 */
export function previewToken({ deploymentId, by, ids, runs = [] }: Pass): string {
  const rule = typeof by === 'string' ? by : [by.maxCount, by.maxAgeMs, by.includeStop, by.whileStopped];
  const disposes = typeof by !== 'string' && 'leftBehind' in by && by.leftBehind === 'DISPOSE';
  return createHash('sha256')
    .update(JSON.stringify([deploymentId, rule, [...ids].sort(), ...(disposes ? [[...runs].sort()] : [])]))
    .digest('hex');
}

export const coveredBy = (token: string | null, pass: Pass): boolean => token === previewToken(pass);
