import { copyFile, readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { driftPage, kindsOf } from '../support/drift-scenario.js';
import type { Data } from '../support/graphql-client.js';
import { mutate } from '../support/mutate.js';
import { createSavepoint, endOfSavepoint } from '../support/scenario.js';
import {
  acknowledged,
  deploymentOn,
  eventsOf,
  hurryTo,
  savepointIn,
  secondLookAt,
} from '../support/savepoint-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';

const LONG_AGO = new Date('2026-01-01T00:00:00Z');

let stateward: Stateward;
let flink: FakeFlink;
beforeAll(async () => {
  stateward = await startStateward();
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  flink = await startFakeFlink();
});
afterEach(() => flink.stop());

const drift = async (): Promise<Data[]> =>
  (await driftPage({ stateward, storageId: null }, 'first: 20, kinds: [LEFTOVER]')).edges.map(({ node }: Data) => node);

it('a savepoint that shows up days after it was lost is adopted from the report, and can then be deleted with its data', async () => {
  const { deploymentId } = await deploymentOn(stateward, flink);
  const proof = await createSavepoint(stateward, deploymentId); // proves that the storage is read here
  const proven = await endOfSavepoint(stateward, proof.id);
  expect(proven).toMatchObject({ state: 'COMPLETED', data: 'PRESENT' });
  flink.knobs.savepointDurationMs = Infinity;
  const { id } = await createSavepoint(stateward, deploymentId);
  await acknowledged(stateward, id);
  await flink.restart({ keepJobs: true });
  await secondLookAt(stateward, id);
  expect(await hurryTo(stateward, id, 'FAILED')).toMatchObject({ failure: { code: 'RESULT_LOST' } });
  const { database } = stateward.services;
  await database.changed(
    `update savepoint set look_at = null, claim = claim + 1, claimed_until = null, state_since = now() - interval '3 days' where id = $1`,
    [id],
  );
  await database.changed(`update savepoint_attempt set ended_at = now() - interval '3 days' where savepoint_id = $1`, [
    id,
  ]);

  const attempt = join(flink.folder, 'savepoints', deploymentId, id, '1');
  const [half = ''] = await readdir(attempt);
  await copyFile(join(proven.location.replace(/^file:/, ''), '_metadata'), join(attempt, half, '_metadata'));
  for (const file of await readdir(join(attempt, half))) await utimes(join(attempt, half, file), LONG_AGO, LONG_AGO);
  const entry = (await drift()).find(({ savepoint }) => savepoint.id === id);
  expect(kindsOf(entry.remedies)).toContain('ADOPT_LATE');
  expect(await mutate(stateward, 'adoptLeftover', { savepointId: id, attempt: entry.attempt })).toMatchObject({
    __typename: 'Savepoint',
  });
  const adopted = await savepointIn(stateward, id, 'COMPLETED');
  expect(adopted.location).toContain(`/${deploymentId}/${id}/1/${half}`);
  expect(await eventsOf(stateward, id)).toEqual(
    expect.arrayContaining(['SAVEPOINT_FAILED', 'SAVEPOINT_FOUND_LATE', 'SAVEPOINT_COMPLETED']),
  );
  expect(await mutate(stateward, 'adoptLeftover', { savepointId: id, attempt: 1 })).toMatchObject({
    __typename: 'Savepoint',
  });
  expect((await drift()).filter(({ savepoint }) => savepoint.id === id)).toEqual([]);

  const deleted = await mutate(stateward, 'deleteSavepoint', { savepointId: id, force: true });
  expect(deleted).toMatchObject({ __typename: 'Savepoint' });
  await savepointIn(stateward, id, 'DELETED', 20_000);
  expect(await readdir(attempt)).toEqual([]);
});
