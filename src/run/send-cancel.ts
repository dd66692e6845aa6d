import { NOW } from '../db/assign.js';
import { type Claim, fencedWrite, leaseAllowsEffect, wake } from '../db/claims.js';
import { failPoint } from '../fail-point.js';
import type { FlinkApi } from '../flink/flink.types.js';
import type { AdvanceStopDeps } from './stop-deps.js';
import { StopState } from './stop.enums.js';
import type { StopAtWork } from './stop.store.js';

const LIVE = [StopState.WAITING, StopState.IN_PROGRESS];

/** Written down before the call leaves: whatever happens then, it is known that it may have been sent. */
export async function sendCancel(
  deps: AdvanceStopDeps,
  work: StopAtWork,
  claim: Claim,
  flink: FlinkApi,
): Promise<void> {
  const set = {
    state: StopState.IN_PROGRESS,
    cancel_sent_at: NOW,
    cancels: work.cancels + 1,
    waiting_for: 'Flink to cancel the job',
    ...(work.state === StopState.IN_PROGRESS ? {} : { state_since: NOW }),
  };
  await fencedWrite(deps.database, claim, LIVE, set, 'HOLD');
  failPoint('stop.cancel-stored');
  if (!leaseAllowsEffect(claim)) return; // the row is due again when the lease ends
  const reply = await flink.cancelJob(work.job.flinkJobId);
  if (reply.outcome === 'ACCEPTED') {
    const again = work.cancels > 0 ? `, ${work.cancels + 1} times asked to` : '';
    return waitForEnd(deps, work, claim, `Flink to cancel the job${again}`);
  }
  // 404: it is gone or not there yet; 409: it has ended by itself. The next look at the cluster tells.
  return waitForEnd(deps, work, claim, `a look at the job: Flink declined the cancel with HTTP ${reply.status}`);
}

export async function waitForEnd(
  { database }: AdvanceStopDeps,
  work: StopAtWork,
  claim: Claim,
  what: string,
): Promise<void> {
  await database.transaction(async (tx) => {
    await wake(tx, 'cluster', work.cluster.id);
    await fencedWrite(tx, claim, LIVE, { failures: 0, waiting_for: what }, { againInMs: pauseMs(work) });
  });
}

/** The look at the cluster wakes the stop when the job has moved. */
export const pauseMs = (work: StopAtWork): number => Math.min(5_000, Math.max(500, work.stateAgeMs * 0.1));
