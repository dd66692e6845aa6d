import { createHash } from 'node:crypto';
import type { Transaction } from './database.js';

/** Who asks, and under which request id it can be found in the log. */
export interface Caller {
  actor: string;
  requestId: string;
}

export interface KeyedRequest {
  caller: Caller;
  idempotencyKey: string | null | undefined;
  mutation: string;
  input: object;
}

export type Remembered = { kind: 'NEW' } | { kind: 'SAME'; objectId: string } | { kind: 'REUSED'; key: string };

const hashOf = ({ mutation, input }: KeyedRequest) =>
  createHash('sha256')
    .update(JSON.stringify([mutation, input]))
    .digest('hex');

/**
 * Whether a request with this key was answered within 24 h. Call first in the transaction: requests with the same key
 * then wait for each other, so that a hundred at once make one object. Refusals are not remembered.
 */
export async function recall(tx: Transaction, request: KeyedRequest): Promise<Remembered> {
  const { idempotencyKey: key, caller } = request;
  if (!key) return { kind: 'NEW' };
  await tx.rows('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`${caller.actor}\n${key}`]);
  const known = await tx.row<{ input_hash: string; object_id: string; fresh: boolean }>(
    `select input_hash, object_id, created_at > now() - interval '24 hours' as fresh from idempotency_key where actor = $1 and key = $2`,
    [caller.actor, key],
  );
  if (!known?.fresh) return { kind: 'NEW' };
  return known.input_hash === hashOf(request) ? { kind: 'SAME', objectId: known.object_id } : { kind: 'REUSED', key };
}

/** Remembers the object that answered the request, in the transaction that made it. */
export async function remember(tx: Transaction, request: KeyedRequest, objectId: string): Promise<void> {
  const { idempotencyKey: key, caller } = request;
  if (!key) return;
  await tx.rows(
    `insert into idempotency_key (actor, key, input_hash, object_id) values ($1, $2, $3, $4)
     on conflict (actor, key) do update set input_hash = excluded.input_hash, object_id = excluded.object_id, created_at = now()`,
    [caller.actor, key, hashOf(request), objectId],
  );
}

/** What answered with one of these objects answers from now on with the one that stands in their place. */
export const answerWith = (tx: Transaction, objectId: string, inPlaceOf: readonly string[]) =>
  tx.changed('update idempotency_key set object_id = $1 where object_id = any($2)', [objectId, inPlaceOf]);

/** Drops what is older than 24 h. */
export async function forgetOldKeys(sql: Pick<Transaction, 'changed'>): Promise<number> {
  return sql.changed(`delete from idempotency_key where created_at < now() - interval '24 hours'`);
}
