import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { recoverDeletion } from '../../src/deletion/advance-deletion.js';
import { insertCompleted, insertRun } from '../support/deletion-rows.js';
import {
  askToDelete,
  askToForget,
  claimDeletion,
  deletionDeps,
  deletionNow,
  disposalCalls,
  stepOfDeletion,
} from '../support/deletion-scenario.js';
import { createDeployment, registerCluster, uploadJob } from '../support/scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';

let stateward: Stateward;
let flink: FakeFlink;
let clusterId: string;
/** It is being deleted, and Stateward cannot see what is left of it. */
let id: string;
beforeAll(async () => {
  stateward = await startStateward({ worker: false });
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  flink = await startFakeFlink();
  clusterId = await registerCluster(stateward, flink.url, randomUUID());
  const deploymentId = await createDeployment(stateward, clusterId, await uploadJob(stateward), randomUUID());
  const jobId = await insertRun(stateward, deploymentId, clusterId);
  id = await insertCompleted(stateward, jobId, 1);
  await insertCompleted(stateward, jobId, 0); // the newest stays
  await askToDelete(stateward, id);
});
afterEach(() => flink.stop());

const DISPOSAL = { method: 'POST', path: /savepoint-disposal/ };
const changed = (text: string, values: unknown[]) => stateward.services.database.changed(text, values);
const step = () => stepOfDeletion(stateward, id, clusterId);
const forget = () => askToForget(stateward, id);
const stateNow = async () => (await deletionNow(stateward, id)).deletion.state;

/** How long after it was asked Flink counts as being at it. */
async function countsForMs(): Promise<number | null> {
  const row = await stateward.services.database.row<{ ms: number | null }>(
    'select (extract(epoch from untold_until - sent_at) * 1000)::float8 as ms from deletion where id = $1',
    [id],
  );
  return row?.ms ?? null;
}
const timeIsOver = () => changed('update deletion set untold_until = now() where id = $1', [id]);

/** From its choice to the call, whose reply is lost, and on to WAITING. */
async function loseReply(): Promise<void> {
  flink.failNext(DISPOSAL, 'LOSE_REPLY');
  const before = disposalCalls(flink).length;
  while (disposalCalls(flink).length === before) await step();
  expect(await stateNow()).toBe('DISPOSING');
  await step();
}

describe('a deletion whose disposal Flink has taken, and whose reply was lost', () => {
  beforeEach(() => {
    flink.knobs.disposalDurationMs = Infinity; // Flink is at it, whatever anybody knows
  });

  it.each([
    [120_000, 120_000],
    [0, 300_000],
  ])('is not given up for as long as its Flink keeps results (%i ms: %i ms)', async (keepsMs, countsMs) => {
    await changed('update cluster set async_store_duration_ms = $2 where id = $1', [clusterId, keepsMs]);
    await loseReply();
    expect(await stateNow()).toBe('WAITING');
    expect(await countsForMs()).toBe(countsMs);
    const declined = await forget();
    expect(declined).toMatchObject({ code: 'DISPOSAL_UNDER_WAY', savepointId: id, askedAt: expect.any(String) });
    const until = new Date(Date.parse(declined.askedAt) + countsMs).toISOString();
    expect(declined.message).toContain(`was not told, so the place counts as in use until ${until}`);
    expect(declined.message).toMatch(new RegExp(`files at file:.*${id}`));
    expect(await deletionNow(stateward, id)).toMatchObject({ state: 'DELETING', proof: null });
    await timeIsOver();
    expect(await forget()).toMatchObject({ state: 'DELETED', proof: 'NONE' });
  });

  it('is not given up either while it waits for another cluster', async () => {
    await loseReply();
    await changed('update storage_root set left_at = now() where cluster_id = $1', [clusterId]);
    await step();
    expect((await deletionNow(stateward, id)).deletion.waitingFor).toContain('a cluster that reaches the storage');
    expect(await forget()).toMatchObject({ code: 'DISPOSAL_UNDER_WAY' });
    await timeIsOver();
    expect(await forget()).toMatchObject({ state: 'DELETED' });
  });

  it('is not given up either when it has failed, since none came back; how many there were is told', async () => {
    for (const lost of [1, 2, 3, 4]) {
      await loseReply();
      expect(await stateNow()).toBe(lost < 4 ? 'WAITING' : 'FAILED');
    }
    const { failure } = (await deletionNow(stateward, id)).deletion;
    expect(failure).toMatchObject({ code: 'DISPOSAL_FAILED' });
    expect(failure.message).toContain('no answer came back, 4 times in a row');
    expect(await forget()).toMatchObject({ code: 'DISPOSAL_UNDER_WAY' });
    await timeIsOver();
    expect(await forget()).toMatchObject({ state: 'DELETED' });
  });

  it('is not given up when a later one has told its end: the first may still be at it', async () => {
    await loseReply();
    flink.knobs.disposalDurationMs = 0;
    while ((await stateNow()) !== 'FAILED') await step();
    expect(disposalCalls(flink)).toHaveLength(2);
    expect(await forget()).toMatchObject({ code: 'DISPOSAL_UNDER_WAY' });
    await timeIsOver();
    expect(await forget()).toMatchObject({ state: 'DELETED' });
  });

  it('is not given up either when Stateward could not go on with it', async () => {
    while ((await stateNow()) === 'WAITING') await step();
    await changed('update deletion set failures = 19 where id = $1', [id]);
    const claim = await claimDeletion(stateward, id, clusterId);
    await recoverDeletion(deletionDeps(stateward), claim, new Error('a bug'));
    expect(await stateNow()).toBe('FAILED');
    expect(await forget()).toMatchObject({ code: 'DISPOSAL_UNDER_WAY' });
  });

  it('has not failed by one that was lost after other troubles', async () => {
    for (let trouble = 0; trouble < 5; trouble += 1) {
      flink.failNext({ method: 'GET', path: /jobmanager\/config/ }, 'DROP_BEFORE');
      await step();
    }
    await loseReply();
    expect(await stateNow()).toBe('WAITING');
  });
});

describe('a disposal that a proxy has answered in place of Flink', () => {
  it('may have been taken: the deletion is not given up', async () => {
    flink.failNext(DISPOSAL, { status: 504, body: { errors: ['upstream request timeout'] } });
    while ((await stateNow()) === 'WAITING') await step();
    expect(await forget()).toMatchObject({ code: 'DISPOSAL_UNDER_WAY' });
    expect(await stateNow()).toBe('FAILED');
  });

  it('with a refusal of Flink is over: the deletion is given up at once', async () => {
    flink.failNext(DISPOSAL, { fixture: 'disposal-refused-no-path' });
    while ((await stateNow()) === 'WAITING') await step();
    expect(await stateNow()).toBe('FAILED');
    expect(await countsForMs()).toBeNull();
    expect(await forget()).toMatchObject({ state: 'DELETED' });
  });
});
