import { answerOnce } from '../api/answer-once.js';
import { InvalidInput, NotFound } from '../api/user-error.js';
import { findCluster } from '../cluster/find-cluster.js';
import { lookInto, seen } from '../cluster/storage-access.js';
import { wakeWatchers } from '../db/claims.js';
import type { Database, Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import { findSavepoint, type Place, savepointAt } from '../savepoint/find-savepoint.js';
import { AlreadyKnown } from '../savepoint/import-savepoint.types.js';
import type { Savepoint } from '../savepoint/savepoint.entity.js';
import { SavepointState } from '../savepoint/savepoint.enums.js';
import { refuseCheckpointId } from '../savepoint/savepoint-id.js';
import { mayStillBeFound } from '../savepoint/savepoint.lifecycle.js';
import { findAttempt, keptAt, lockSavepointRow, placeKey, seekAgain } from './drift.store.js';
import type { AdoptLeftoverInput, AdoptLeftoverResult } from './drift.types.js';
import { lookBelow } from './look-below.js';

/**
 * What was asked for has shown up after it was given up. It is not written here: the savepoint is looked for once more, as it was for
 * a day after it had failed, and whoever finds it makes it COMPLETED. So there is one way in which that happens. From then on it is a
 * savepoint of ours as any other, in the directory that we named, and can be deleted as such.
 */
export async function adoptLeftover(
  { database }: { database: Database },
  input: AdoptLeftoverInput,
  caller: Caller,
): Promise<AdoptLeftoverResult> {
  const wrongId = refuseCheckpointId('savepointId', input.savepointId);
  if (wrongId) return wrongId;
  const found = await wholeBelow(database, input.savepointId, input.attempt); // outside the transaction, which no slow storage must hold up
  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'adoptLeftover', input };
  return answerOnce(database, request, findSavepoint, async (tx) => {
    const savepoint = await lockSavepointRow(tx, input.savepointId);
    if (!savepoint) return new NotFound('savepointId', 'savepoint', input.savepointId);
    if (savepoint.state === SavepointState.COMPLETED && found?.path === savepoint.path) return savepoint.id;
    const refusal = await refuse(tx, savepoint, input.attempt, found);
    if (refusal) return refusal;
    await seekAgain(tx, savepoint.id);
    await wakeWatchers(tx);
    await recordEvent(tx, {
      type: EventType.SAVEPOINT_RESULT_SOUGHT,
      deploymentId: savepoint.deploymentId,
      savepointId: savepoint.id,
      jobId: savepoint.jobId,
      clusterId: savepoint.clusterId,
      actor: caller.actor,
      message: `Savepoint ${savepoint.id}, given up as ${savepoint.failureCode}, is looked for once more: ${caller.actor} adopts what lies at ${found?.path}.`,
    });
    return savepoint.id;
  });
}

async function refuse(
  tx: Transaction,
  savepoint: Savepoint,
  attempt: number,
  found: Place | null,
): Promise<InvalidInput | AlreadyKnown | null> {
  const { id, state, failureCode, clusterId } = savepoint;
  const instead = 'Record it with importSavepoint instead; driftReport names its location.';
  if (state !== SavepointState.FAILED || failureCode === null || !mayStillBeFound.includes(failureCode))
    return new InvalidInput(
      'savepointId',
      `savepoint ${id} is ${state}${failureCode ? ` (${failureCode})` : ''}: only one that FAILED with ${mayStillBeFound.join(' or ')} may still become COMPLETED. ${instead}`,
    );
  if (attempt !== savepoint.attempt)
    return new InvalidInput(
      'attempt',
      `the savepoint stands for its last attempt, ${savepoint.attempt}, and takes no other's result. ${instead}`,
    );
  if (savepoint.inFlight)
    return new InvalidInput(
      'savepointId',
      `Flink may still be at savepoint ${id}: it becomes COMPLETED by itself when it is whole.`,
    );
  const cluster = clusterId === null ? null : await findCluster(tx, clusterId);
  if (!cluster || cluster.removedAt !== null)
    return new InvalidInput(
      'savepointId',
      `the cluster of savepoint ${id} was removed, and nobody looks for it any more. ${instead}`,
    );
  if (found === null)
    return new InvalidInput(
      'attempt',
      `no whole savepoint is seen below the directory of attempt ${attempt}: none lies there, or Stateward cannot read that storage. driftReport tells.`,
    );
  const kept = await keptAt(tx, [found]);
  const known = kept.has(placeKey(found)) ? await savepointAt(tx, [found], '') : null;
  return known && new AlreadyKnown(found.path, known);
}

/** The first whole savepoint below the directory of an attempt; null: none is seen. */
async function wholeBelow(database: Database, savepointId: string, number: number): Promise<Place | null> {
  const attempt = await findAttempt(database, savepointId, number);
  const sight = attempt && (await lookInto(database, attempt.storageId));
  if (!attempt || !sight) return null;
  const below = await seen(sight, (reader) => lookBelow(reader, attempt.directory));
  const whole = below?.parts.find((part) => part.whole);
  return whole ? { storageId: attempt.storageId, path: `${attempt.directory}/${whole.name}` } : null;
}
