import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { recoverCheck } from '../../src/check/advance-check.js';
import type { AdvanceCheckDeps } from '../../src/check/check-deps.js';
import { checkAtWork } from '../../src/check/check.store.js';
import { forgetOldChecks } from '../../src/check/forget-old-checks.js';
import { claimOne } from '../../src/db/claims.js';
import { insertRun } from '../support/history-rows.js';
import { insertCluster, type OpenDatabase, openTestDatabase } from '../support/rows.js';

let open: OpenDatabase;
beforeAll(async () => {
  open = await openTestDatabase();
});
afterAll(() => open.close());

async function insertCheck(clusterId: string, endedDaysAgo: number | null, point: object = {}): Promise<string> {
  const id = randomUUID();
  await open.database.changed(
    `with jar as (insert into artifact (id, name, sha256, size_bytes) values ($1, 'job.jar', $5, 1) returning id)
     insert into compatibility_check (id, cluster_id, artifact_id, program_arguments, flink_configuration, allow_non_restored_state, fresh,
                                      state, point, location, why, actor, ended_at, look_at)
     select $1, $2, id, '{}', '{}', false, false, $3, $6, 'file:/x', 'named', 'test', now() - $4 * interval '1 day', case when $4::float8 is null then now() end
       from jar`,
    [
      id,
      clusterId,
      endedDaysAgo === null ? 'PENDING' : 'COMPLETED',
      endedDaysAgo,
      id.replaceAll('-', '').repeat(2),
      JSON.stringify(point),
    ],
  );
  return id;
}

it('checks are dropped 30 days after their end; one whose cluster was removed has failed', async () => {
  const { database } = open;
  const clusterId = await insertCluster(database);
  const removed = await insertCluster(database);
  await database.changed(`update cluster set removed_at = now(), removed_by = 'test' where id = $1`, [removed]);
  const kept = await insertCheck(clusterId, 29);
  const waiting = await insertCheck(clusterId, null);
  const orphaned = await insertCheck(removed, null);
  await insertCheck(clusterId, 31);
  await forgetOldChecks(database);
  const rows = await database.rows<{ id: string; state: string; code: string | null; due: boolean }>(
    `select id, state, failure_code as code, look_at is not null as due from compatibility_check`,
  );
  expect(new Map(rows.map(({ id, ...row }) => [id, row]))).toEqual(
    new Map([
      [kept, { state: 'COMPLETED', code: null, due: false }],
      [waiting, { state: 'PENDING', code: null, due: true }],
      [orphaned, { state: 'FAILED', code: 'CLUSTER_NOT_AVAILABLE', due: false }],
    ]),
  );
});

it('a check that fails by our own fault is looked at again, and given up after twenty times', async () => {
  const { database } = open;
  const clusterId = await insertCluster(database);
  const worker = randomUUID();
  await database.changed(
    `update cluster_lease set owner = $2, owned_until = now() + interval '1 min' where cluster_id = $1`,
    [clusterId, worker],
  );
  const id = await insertCheck(clusterId, null);
  const deps = { database } as AdvanceCheckDeps;
  const failsAgain = async () => {
    await database.changed('update compatibility_check set look_at = now() where id = $1 and look_at is not null', [
      id,
    ]);
    const claim = await claimOne(database, worker, 'compatibility_check', id);
    if (!claim) throw new Error('It could not be claimed');
    await recoverCheck(deps, claim, new Error('a bug of ours'));
    return database.row<{ state: string; code: string | null; message: string | null; waiting: string | null }>(
      `select state, failure_code as code, failure_message as message, waiting_for as waiting from compatibility_check where id = $1`,
      [id],
    );
  };
  expect(await failsAgain()).toMatchObject({ state: 'PENDING', code: null, waiting: 'another try: a bug of ours' });
  await database.changed('update compatibility_check set failures = 19 where id = $1', [id]);
  expect(await failsAgain()).toMatchObject({
    state: 'FAILED',
    code: 'NOT_FOLLOWED',
    message: expect.stringContaining('a bug of ours'),
    waiting: null,
  });
});

it.each([
  ['is live', 'RUNNING', -60_000, true],
  ['has ended since the check was accepted', 'CANCELLED', 60_000, true],
  ['had ended before', 'CANCELLED', -60_000, false],
])('a check knows that the run that made its state %s', async (_, state, sinceMs, makerLived) => {
  const { database } = open;
  const { clusterId, jobId } = await insertRun(database, {
    state,
    state_since: new Date(Date.now() + sinceMs),
    ...(state === 'CANCELLED' && { ended_at: new Date() }),
  });
  const worker = randomUUID();
  await database.changed(
    `update cluster_lease set owner = $2, owned_until = now() + interval '1 min' where cluster_id = $1`,
    [clusterId, worker],
  );
  const claim = await claimOne(database, worker, 'compatibility_check', await insertCheck(clusterId, null, { jobId }));
  if (!claim) throw new Error('It could not be claimed');
  expect(await checkAtWork(database, claim)).toMatchObject({ makerLived });
});
