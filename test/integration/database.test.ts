import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setImmediate as turn } from 'node:timers/promises';
import { type OpenDatabase, openTestDatabase } from '../support/rows.js';
import { waitFor } from '../support/wait-for.js';

let opened: OpenDatabase;
beforeAll(async () => {
  opened = await openTestDatabase();
});
afterAll(() => opened.close());

describe('a connection that breaks inside a transaction', () => {
  it('is told as a database in trouble, whether it breaks during a statement or between two', async () => {
    const { database } = opened;
    const between = database.transaction(async (tx) => {
      const own = await tx.row<{ pid: number }>('select pg_backend_pid() as pid');
      await database.row('select pg_terminate_backend($1)', [own?.pid]);
      await waitFor(async () => !(await database.row('select 1 from pg_stat_activity where pid = $1', [own?.pid])), {
        what: 'the session to be gone',
      });
      await turn();
      await tx.row('select 1');
    });
    await expect(between).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE', retryable: true });
    const during = database.transaction((tx) => tx.row('select pg_terminate_backend(pg_backend_pid())'));
    await expect(during).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE', retryable: true });
  });
});

describe('a process that freezes inside a transaction', () => {
  it('keeps its row locks no longer than a lease', async () => {
    const setting = await opened.database.row<{ ms: string }>(
      `select setting as ms from pg_settings where name = 'idle_in_transaction_session_timeout'`,
    );
    expect(Number(setting?.ms)).toBeLessThanOrEqual(10_000);
  });
});
