import { type Claim, fencedWrite } from '../db/claims.js';
import { NOW } from '../db/assign.js';
import type { Transaction } from '../db/database.js';
import { EventType } from '../event/event-types.js';
import type { NewEvent } from '../event/record-event.js';
import { isLive } from '../job/job.lifecycle.js';
import type { Failure } from './explain-failure.js';
import { tryAgainPauseMs } from './look-pause.js';
import { type SavepointFailureCode, SavepointOrigin, SavepointState } from './savepoint.enums.js';
import { mayBeTriedAgain } from './savepoint.lifecycle.js';
import type { SavepointAtWork } from './savepoint.store.js';
import { notBefore, triesOf } from './scheduled-savepoint.store.js';

export interface NextTry {
  tries: number;
  allowed: number;
  pauseMs: number;
}

/**
 * Whether a scheduled savepoint whose attempt has failed so may be tried again: it has attempts left, its job lives, and no stop
 * was accepted, after which none is begun (SO-4). null: it may not. The cluster's row is locked, so none of that changes meanwhile.
 */
export async function anotherTry(
  tx: Transaction,
  { id, origin, state }: Pick<SavepointAtWork, 'id' | 'origin' | 'state'>,
  code: SavepointFailureCode,
): Promise<NextTry | null> {
  if (origin !== SavepointOrigin.SCHEDULED || state !== SavepointState.IN_PROGRESS) return null;
  if (!mayBeTriedAgain.includes(code)) return null;
  const { tries, allowed, jobState, stopping } = await triesOf(tx, id);
  if (tries >= allowed || stopping || !isLive(jobState)) return null;
  return { tries, allowed, pauseMs: tryAgainPauseMs(tries) };
}

/**
 * Back to PENDING. Its next attempt takes a trigger id and a directory of its own when its turn comes; what shows up in that of
 * an attempt whose result was lost is not adopted any more, since the row stands for another one.
 */
export async function waitForNextTry(
  tx: Transaction,
  work: SavepointAtWork,
  claim: Claim,
  failure: Failure,
  { tries, allowed, pauseMs }: NextTry,
): Promise<NewEvent> {
  await fencedWrite(
    tx,
    claim,
    [work.state],
    {
      state: SavepointState.PENDING,
      state_since: NOW,
      in_flight: false,
      lost_since: null,
      acknowledged_subtasks: null,
      total_subtasks: null,
      progress_bytes: null,
      progress_at: null,
      no_progress: null,
      failures: 0,
    },
    { againInMs: pauseMs },
  );
  await notBefore(tx, work.id, pauseMs);
  return {
    type: EventType.SAVEPOINT_TRIES_AGAIN,
    deploymentId: work.deploymentId,
    savepointId: work.id,
    jobId: work.job.id,
    clusterId: work.cluster.id,
    message: `Try ${tries} of ${allowed} of savepoint ${work.id} failed (${failure.code}); the next one, with a new trigger id, comes in ${pauseMs / 1_000} s. ${failure.message}`,
    details: { code: failure.code },
  };
}
