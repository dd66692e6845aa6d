import type { Database, Transaction } from '../db/database.js';
import { failPoint } from '../fail-point.js';
import { type KeyedRequest, recall, remember } from '../db/idempotency.js';
import { IdempotencyKeyReused } from './user-error.js';

/**
 * The transaction of a mutation that makes or changes one object. `work` answers the object's id, or the refusal; an idempotency key makes
 * the same request within 24 h answer with the same object, a hundred at once included. Refusals are not remembered.
 */
export function answerOnce<T extends object, R extends object>(
  database: Database,
  request: KeyedRequest,
  load: (tx: Transaction, id: string) => Promise<T | null>,
  work: (tx: Transaction) => Promise<string | R>,
): Promise<T | R | IdempotencyKeyReused> {
  return database.transaction(async (tx) => {
    const remembered = await recall(tx, request);
    if (remembered.kind === 'REUSED') return new IdempotencyKeyReused(remembered.key);
    const answer = remembered.kind === 'SAME' ? remembered.objectId : await work(tx);
    if (typeof answer !== 'string') return answer;
    if (remembered.kind === 'NEW') await remember(tx, request, answer);
    const object = await load(tx, answer);
    failPoint('request.before-commit');
    if (!object) throw new Error(`${request.mutation}: object ${answer} has vanished`);
    return object;
  });
}
