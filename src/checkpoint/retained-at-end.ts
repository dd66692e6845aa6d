import type { CheckpointStatistics, SnapshotEntry } from '../flink/flink.types.js';

export type RunEnd = 'CANCELLED' | 'FINISHED' | 'FAILED';

/** As it was read when the run had started; null: it never was. */
export interface RetentionPolicy {
  retainedOnCancellation: boolean | null;
  retainedOnFailure: boolean | null;
}

/**
 * What an ended run has left, by Flink's statistics once their cache has passed: completed, and not discarded. The end itself
 * discards what the policy does not keep, and after FINISHED everything (2.3.0 and 1.20.5); a savepoint is nobody's to delete.
 */
export function retainedByStatistics(
  { history, latest }: CheckpointStatistics,
  end: RunEnd,
  policy: RetentionPolicy,
): SnapshotEntry[] {
  const all = new Map(
    [latest.completed, latest.savepoint, ...history].flatMap((entry) => (entry ? [[entry.id, entry] as const] : [])),
  );
  return [...all.values()]
    .filter(({ status, location, discarded }) => status === 'COMPLETED' && location !== null && !discarded)
    .filter(({ isSavepoint }) => isSavepoint || isKept(end, policy))
    .sort((a, b) => a.id - b.id);
}

/** Whether the end leaves checkpoints, by what was read of the job when it had started. */
export function isKept(end: RunEnd, { retainedOnCancellation, retainedOnFailure }: RetentionPolicy): boolean {
  if (end === 'FINISHED') return false;
  return (end === 'FAILED' ? retainedOnFailure : retainedOnCancellation) ?? true;
}

/** Runs whose JobManager has nothing to say of them any more: they went with it, or it is another one now. */
const GONE = new Set([
  'JOB_LOST',
  'END_UNKNOWN',
  'CLUSTER_REPLACED',
  'DECLARED_LOST',
  'SUBMISSION_REFUSED',
  'ARTIFACT_MISSING',
]);
export const isGoneFromFlink = (failureCode: string | null): boolean => failureCode !== null && GONE.has(failureCode);

/** Where a run's checkpoints lie, by its own configuration or its cluster's; null: nowhere, or not apart from those of other jobs. */
export function checkpointDirectory(
  flinkJobId: string,
  own: Readonly<Record<string, string>>,
  cluster: Readonly<Record<string, string>>,
  clusterRoot: string | null,
): string | null {
  const root = own['execution.checkpointing.dir'] ?? own['state.checkpoints.dir'] ?? clusterRoot;
  const apart =
    own['execution.checkpointing.create-subdir'] ?? cluster['execution.checkpointing.create-subdir'] ?? 'true';
  return root && apart.trim().toLowerCase() !== 'false' ? `${root}/${flinkJobId}` : null;
}
