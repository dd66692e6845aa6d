import type {
  LatestStateUse,
  RecordBeside,
  RunFromSavepoint,
  SavepointFacts,
} from '../../../src/deletion/protection.js';

export const T = Date.parse('2026-11-01T00:00:00Z');
export const HOUR = 3_600_000;

/** A scheduled one that was triggered `hour` hours after T. */
export function savepoint(id: string, hour: number | null, more: Partial<SavepointFacts> = {}): SavepointFacts {
  return {
    id,
    origin: 'SCHEDULED',
    state: 'COMPLETED',
    data: 'PRESENT',
    drained: false,
    madeByOwnRun: true,
    jobId: 'job',
    flinkCheckpointId: null,
    triggeredAt: hour === null ? null : T + hour * HOUR,
    completedAt: T + (hour ?? 0) * HOUR + 1_000,
    sizeBytes: 100,
    pinned: false,
    heldUntil: null,
    holdReason: null,
    ...more,
  };
}

export const imported = (id: string, hour: number, more: Partial<SavepointFacts> = {}) =>
  savepoint(id, hour, { origin: 'IMPORTED', madeByOwnRun: false, jobId: null, ...more });

export const runFrom = (savepointId: string, more: Partial<RunFromSavepoint> = {}): RunFromSavepoint => ({
  savepointId,
  source: 'ITSELF',
  deploymentId: 'other-id',
  deploymentName: 'other',
  jobId: 'run-of-other',
  run: 4,
  starting: false,
  checkpointing: 'PERIODIC',
  claimMode: 'NO_CLAIM',
  ownCheckpointCompleted: false,
  ...more,
});

export const latestState = (savepointId: string, more: Partial<LatestStateUse> = {}): LatestStateUse => ({
  savepointId,
  of: 'ITSELF',
  deploymentId: 'orders-id',
  deploymentName: 'orders',
  ...more,
});

/** That of `other` lies at the same place. */
export const beside = (
  { id, origin }: SavepointFacts,
  other: SavepointFacts,
  deploymentName: string | null = null,
): RecordBeside => ({ savepointId: id, recordMayEnd: origin === 'IMPORTED', other, deploymentName });
