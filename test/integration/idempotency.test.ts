import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { forgetOldKeys, type KeyedRequest, recall, remember } from '../../src/db/idempotency.js';
import { type OpenDatabase, openTestDatabase } from '../support/rows.js';

let opened: OpenDatabase;
beforeAll(async () => {
  opened = await openTestDatabase();
});
afterAll(() => opened.close());

const requestOf = (more: Partial<KeyedRequest> & { actor?: string } = {}): KeyedRequest => ({
  caller: { actor: more.actor ?? 'anna', requestId: 'r' },
  idempotencyKey: 'idempotencyKey' in more ? more.idempotencyKey : randomUUID(),
  mutation: more.mutation ?? 'createSavepoint',
  input: more.input ?? { deploymentId: 'd' },
});

/** Answers with the object of an earlier request, or makes one; what a mutation does. */
const answer = (request: KeyedRequest): Promise<string> =>
  opened.database.transaction(async (tx) => {
    const remembered = await recall(tx, request);
    if (remembered.kind === 'SAME') return remembered.objectId;
    if (remembered.kind === 'REUSED') return `reused ${remembered.key}`;
    const id = randomUUID();
    await remember(tx, request, id);
    return id;
  });

const age = (request: KeyedRequest, by: string) =>
  opened.database.changed('update idempotency_key set created_at = created_at - $2::interval where key = $1', [
    request.idempotencyKey,
    by,
  ]);

describe('an idempotency key', () => {
  it('answers the same request with the same object, however many come at once', async () => {
    const request = requestOf();
    const answers = await Promise.all(Array.from({ length: 100 }, () => answer(request)));
    expect(new Set(answers).size).toBe(1);
  });

  it('is refused for other input and for another mutation', async () => {
    const request = requestOf();
    await answer(request);
    const { idempotencyKey } = request;
    expect(await answer(requestOf({ idempotencyKey, input: { deploymentId: 'e' } }))).toBe(`reused ${idempotencyKey}`);
    expect(await answer(requestOf({ idempotencyKey, mutation: 'startDeployment' }))).toBe(`reused ${idempotencyKey}`);
  });

  it('of one caller is not that of another', async () => {
    const request = requestOf();
    const made = await answer(request);
    const other = await answer(requestOf({ idempotencyKey: request.idempotencyKey, actor: 'bert' }));
    expect(other).not.toBe(made);
    expect(await answer(request)).toBe(made);
  });

  it('counts for 24 hours, and is as new after that', async () => {
    const request = requestOf();
    const made = await answer(request);
    await age(request, '23 hours 59 minutes');
    expect(await answer(request)).toBe(made);
    await age(request, '2 minutes');
    const next = await answer(requestOf({ idempotencyKey: request.idempotencyKey, input: { deploymentId: 'other' } }));
    expect(next).not.toBe(made);
    expect(next).not.toContain('reused');
  });

  it('is not remembered when the request was rolled back', async () => {
    const request = requestOf();
    const failing = opened.database.transaction(async (tx) => {
      await recall(tx, request);
      await remember(tx, request, randomUUID());
      throw new Error('something else failed');
    });
    await expect(failing).rejects.toThrow('something else failed');
    const { kind } = await opened.database.transaction((tx) => recall(tx, request));
    expect(kind).toBe('NEW');
  });

  it('may be left out, and then every request is a new one', async () => {
    const request = requestOf({ idempotencyKey: null });
    expect(await answer(request)).not.toBe(await answer(request));
  });

  it('is dropped when it is too old to count', async () => {
    const [old, young] = [requestOf(), requestOf()];
    await answer(old);
    const kept = await answer(young);
    await age(old, '25 hours');
    expect(await forgetOldKeys(opened.database)).toBeGreaterThanOrEqual(1);
    expect(await opened.database.rows('select 1 from idempotency_key where key = $1', [old.idempotencyKey])).toEqual(
      [],
    );
    expect(await answer(young)).toBe(kept);
  });
});
