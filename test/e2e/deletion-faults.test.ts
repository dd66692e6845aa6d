import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { wake } from '../../src/db/claims.js';
import { storageCalls } from '../../src/storage/storage-calls.js';
import {
  askToDelete,
  askToForget,
  askToRetry,
  completedSavepoint,
  deletionIn,
  deletionNow,
  disposalCalls,
  hideStorageOf,
  waitingDeletion,
} from '../support/deletion-scenario.js';
import type { Data } from '../support/graphql-client.js';
import { deploymentOn, eventsOf } from '../support/savepoint-scenario.js';
import type { Scenario } from '../support/scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

let stateward: Stateward;
let flink: FakeFlink;
let scenario: Scenario;
/** With a data file of 5 bytes beside its `_metadata`. */
let old: Data;
beforeAll(async () => void (stateward = await startStateward()));
afterAll(() => stateward.stop());
beforeEach(async () => {
  flink = await startFakeFlink();
  scenario = await deploymentOn(stateward, flink);
  old = await completedSavepoint(stateward, scenario.deploymentId);
  await completedSavepoint(stateward, scenario.deploymentId);
  writeFileSync(join(folder(), 'data'), 'state');
});
afterEach(() => flink.stop());

const folder = (): string => old.location.replace(/^file:/, '');
const del = () => askToDelete(stateward, old.id);
const retry = () => askToRetry(stateward, old.id);
const failed = () => deletionIn(stateward, old.id, 'DELETION_FAILED');
const gone = () => deletionIn(stateward, old.id, 'DELETED');
const changed = (text: string, values: unknown[]) => stateward.services.database.changed(text, values);

/** Until it is tried again. */
const pauseMs = ({ deletion }: Data) => Date.parse(deletion.nextTryAt) - Date.parse(deletion.failure.failedAt);

describe('a disposal that dies half-way', () => {
  it('leaves data that Flink does not find again: path and bytes are told, and it ends when they are removed', async () => {
    flink.knobs.disposals = 'DIE_HALF_WAY';
    await del();
    const told = await failed();
    expect(told).toMatchObject({
      proof: null,
      deletion: {
        state: 'FAILED',
        failure: { code: 'LEFTOVERS_POSSIBLE', rootCause: expect.stringContaining('is not empty') },
        leftPath: old.location,
        leftBytes: 5,
      },
    });
    expect(readdirSync(folder())).toEqual(['data']);
    const { deployment } = await stateward.ask(
      'query($id: ID!) { deployment(id: $id) { stateOverview { deletionsFailed deletingBytes } } }',
      {
        id: scenario.deploymentId,
      },
    );
    expect(deployment.stateOverview).toEqual({ deletionsFailed: 1, deletingBytes: old.sizeBytes });

    await changed(`update deletion set sent_at = sent_at - interval '1 min' where id = $1`, [old.id]);
    await retry();
    expect(await failed()).toMatchObject({ deletion: { failure: { code: 'LEFTOVERS_POSSIBLE' }, leftBytes: 5 } });
    expect(disposalCalls(flink)).toHaveLength(1); // without _metadata there is nothing to ask for

    rmSync(folder(), { recursive: true });
    await retry();
    expect(await gone()).toMatchObject({ proof: 'EMPTY', deletion: { leftPath: null, leftBytes: null, note: null } });
    expect(await eventsOf(stateward, old.id)).toEqual(
      expect.arrayContaining(['DELETION_FAILED', 'DELETION_TRIES_AGAIN', 'SAVEPOINT_DELETED']),
    );
  });

  it('and that nobody can look after is not taken for gone when Flink then finds nothing', async () => {
    await hideStorageOf(stateward, old.id);
    flink.knobs.disposals = 'DIE_HALF_WAY';
    await del();
    expect(await failed()).toMatchObject({ deletion: { failure: { code: 'DISPOSAL_FAILED' } } });
    await retry();
    expect(await failed()).toMatchObject({
      deletion: { failure: { code: 'LEFTOVERS_POSSIBLE' }, leftPath: old.location, leftBytes: old.sizeBytes },
    });
    expect(disposalCalls(flink)).toHaveLength(2);
    expect(await askToForget(stateward, old.id, 'removed by hand')).toMatchObject({
      state: 'DELETED',
      proof: 'NONE',
      deletion: { leftPath: old.location, leftBytes: old.sizeBytes },
    });
  });
});

describe('a storage that does not answer', () => {
  it('stops no deletion, neither there nor elsewhere: Flink is believed, and why nobody looked is told', async () => {
    const other = await startFakeFlink();
    try {
      const elsewhere = await deploymentOn(stateward, other);
      const there = await completedSavepoint(stateward, elsewhere.deploymentId);
      await completedSavepoint(stateward, elsewhere.deploymentId);
      const storage = await stateward.services.database.row<{ readRoot: string }>(
        'select t.read_root as "readRoot" from savepoint s join storage t on t.id = s.storage_id where s.id = $1',
        [old.id],
      );
      let answer = () => {};
      const hanging = storageCalls.call(
        storage?.readRoot ?? '',
        () => new Promise<void>((resolve) => (answer = resolve)),
      );
      hanging.catch(() => undefined); // seen below
      await del();
      await askToDelete(stateward, there.id);
      expect(await deletionIn(stateward, there.id, 'DELETED')).toMatchObject({ proof: 'EMPTY' });
      expect(disposalCalls(flink)).toEqual([]);
      expect(await deletionIn(stateward, old.id, 'DELETED', 40_000)).toMatchObject({ proof: 'FLINK_CONFIRMED' });
      await expect(hanging).rejects.toThrow('has not answered');
      answer();
      const event = await stateward.services.database.row<{ message: string }>(
        `select message from event where savepoint_id = $1 and type = 'SAVEPOINT_DELETED'`,
        [old.id],
      );
      expect(event?.message).toMatch(/has not answered for (1[5-9]|[2-9]\d) s/); // not while it was only slow
    } finally {
      await other.stop();
    }
  }, 60_000);
});

describe('a disposal that Flink says has worked', () => {
  it('is not believed while the data are seen to stay', async () => {
    flink.knobs.disposals = 'LEAVE_DATA';
    await del();
    const told = await failed();
    expect(told).toMatchObject({
      proof: null,
      deletion: { failure: { code: 'LEFTOVERS_POSSIBLE', rootCause: null }, leftPath: old.location },
    });
    expect(told.deletion.leftBytes).toBeGreaterThan(5);
    flink.knobs.disposals = 'AS_ASKED';
    await retry();
    expect(await gone()).toMatchObject({ proof: 'EMPTY' });
    expect(existsSync(folder())).toBe(false);
  });
});

describe('a disposal that fails', () => {
  /** So much of the pause until it is tried again. */
  const passes = async (ms: number) => {
    await changed(
      `update deletion set failed_at = failed_at - $2 * interval '1 ms', look_at = look_at - $2 * interval '1 ms' where id = $1`,
      [old.id, ms],
    );
    await wake(stateward.services.database, 'deletion', old.id);
  };

  it('is tried again by itself, after a minute and then ever more seldom, with the cause', async () => {
    flink.knobs.disposals = 'FAIL';
    await del();
    const first = await failed();
    expect(first).toMatchObject({
      deletion: { failure: { code: 'DISPOSAL_FAILED', rootCause: expect.stringContaining('to not be deleted') } },
    });
    expect(pauseMs(first)).toBe(60_000);
    await wake(stateward.services.database, 'deletion', old.id);
    await waitFor(
      async () => Date.parse((await deletionNow(stateward, old.id)).deletion.nextTryAt) > Date.now() + 1_000,
      { what: 'a wake-up before its time to change nothing' },
    );
    expect(disposalCalls(flink)).toHaveLength(1);
    await passes(60_000);
    const second = await waitFor(
      async () => {
        const now = await deletionNow(stateward, old.id);
        return now.state === 'DELETION_FAILED' && disposalCalls(flink).length === 2 && now;
      },
      { what: 'the second try to fail' },
    );
    expect(pauseMs(second)).toBe(120_000);
    flink.knobs.disposals = 'AS_ASKED';
    await passes(120_000);
    expect(await gone()).toMatchObject({
      proof: 'EMPTY',
      deletion: { failure: { code: 'DISPOSAL_FAILED' }, nextTryAt: null },
    });
    expect((await eventsOf(stateward, old.id)).slice(-5)).toEqual([
      'DELETION_FAILED',
      'DELETION_TRIES_AGAIN',
      'DELETION_FAILED',
      'DELETION_TRIES_AGAIN',
      'SAVEPOINT_DELETED',
    ]);
  });

  it('because Flink finds nothing, before anything was deleted, is not taken for done', async () => {
    await hideStorageOf(stateward, old.id);
    rmSync(folder(), { recursive: true });
    await del();
    for (const _ of [1, 2]) {
      expect(await failed()).toMatchObject({
        deletion: { failure: { code: 'NOT_FOUND' }, leftPath: old.location, leftBytes: null },
      });
      await retry();
      await waitFor(async () => disposalCalls(flink).length === 2, { what: 'the second try' });
    }
    await failed();
  });

  it('because Flink declines it is told with the answer', async () => {
    flink.failNext({ method: 'POST', path: /savepoint-disposal/ }, { fixture: 'disposal-refused-no-path' });
    await del();
    const told = await failed();
    expect(told).toMatchObject({
      deletion: { failure: { code: 'DISPOSAL_FAILED', rootCause: expect.stringContaining('savepoint-path') } },
    });
    expect(told.deletion.failure.message).toContain('HTTP 400');
    await retry();
    expect(await gone()).toMatchObject({ proof: 'EMPTY' });
  });
});

describe('a disposal whose result is lost', () => {
  it.each(['LOSE_REPLY', 'GARBAGE'] as const)(
    'with its reply (%s) is looked for in the storage, and not asked for again',
    async (fault) => {
      flink.failNext({ method: 'POST', path: /savepoint-disposal/ }, fault);
      if (fault === 'GARBAGE') rmSync(folder(), { recursive: true }); // as if it had been done
      await del();
      expect(await gone()).toMatchObject({ proof: 'EMPTY' });
      expect(disposalCalls(flink).length).toBeLessThanOrEqual(1);
    },
  );

  it('before it was done is asked for again where the data are seen', async () => {
    flink.failNext({ method: 'POST', path: /savepoint-disposal/ }, 'DROP_BEFORE');
    await del();
    expect(await gone()).toMatchObject({ proof: 'EMPTY' });
    expect(flink.disposed).toEqual([old.location]);
  });

  it('each time is not asked for without an end: it fails, and is tried again more seldom', async () => {
    for (let lost = 0; lost < 4; lost += 1)
      flink.failNext({ method: 'POST', path: /savepoint-disposal/ }, 'DROP_BEFORE');
    await del();
    const told = await deletionIn(stateward, old.id, 'DELETION_FAILED', 40_000);
    expect(told).toMatchObject({ deletion: { failure: { code: 'DISPOSAL_FAILED' } } });
    expect(told.deletion.failure.message).toContain('no answer came back');
    await retry();
    expect(await gone()).toMatchObject({ proof: 'EMPTY' });
    expect(flink.disposed).toEqual([old.location]);
  }, 60_000);

  it('and that nobody can look after is asked for again; that nothing is found then proves nothing', async () => {
    await hideStorageOf(stateward, old.id);
    flink.failNext({ method: 'POST', path: /savepoint-disposal/ }, 'LOSE_REPLY');
    await del();
    expect(await failed()).toMatchObject({ deletion: { failure: { code: 'LEFTOVERS_POSSIBLE' } } });
    expect(disposalCalls(flink)).toHaveLength(2);
    expect(flink.disposed).toEqual([old.location]);
  });

  it('with the JobManager is asked of the next one', async () => {
    flink.knobs.disposalDurationMs = Infinity;
    await del();
    await waitFor(
      () =>
        stateward.services.database.row('select 1 from deletion where id = $1 and request_id is not null', [old.id]),
      {
        what: 'the disposal to be known',
      },
    );
    flink.knobs.disposalDurationMs = 0;
    await flink.restart();
    expect(await gone()).toMatchObject({ proof: 'EMPTY' });
    expect(disposalCalls(flink)).toHaveLength(2);
  });
});

describe('what has changed since a deletion was asked for', () => {
  /** Whether the cluster reaches the storage of its savepoints: without, a deletion waits. */
  const reach = async (reaches: boolean) => {
    await changed(
      `update storage_root set left_at = case when $2 then null else now() end
        where cluster_id = $1 and storage_id = (select savepoint_storage_id from cluster where id = $1)`,
      [scenario.clusterId, reaches],
    );
    await wake(stateward.services.database, 'deletion', old.id);
  };
  beforeEach(async () => {
    await reach(false);
    await del();
    await waitingDeletion(stateward, old.id);
  });

  it('a run that somebody else has started from it is let go on: nothing is deleted while it would go back there', async () => {
    await changed(`update job set restored_location = $2 where id = $1`, [scenario.jobId, old.location]);
    await reach(true);
    await waitFor(
      async () => (await deletionNow(stateward, old.id)).deletion.waitingFor?.includes('the end of its use'),
      {
        what: 'the deletion to wait for the run',
      },
    );
    expect(disposalCalls(flink)).toEqual([]);
    await changed(`update job set restored_location = null where id = $1`, [scenario.jobId]);
    await wake(stateward.services.database, 'deletion', old.id);
    expect(await gone()).toMatchObject({ proof: 'EMPTY' });
  });

  it.each<[string, string]>([
    ['another directory than was named', 'elsewhere/savepoint-abc-def'],
    ['the directory itself', ''],
    ['dots', '../../etc/savepoint-abc-def'],
    ['a checkpoint', 'elsewhere/chk-7'],
  ])('a path that leads to %s is checked right before the call, and nothing is sent', async (_, path) => {
    await changed('update savepoint set path = $2 where id = $1', [old.id, path]);
    await reach(true);
    expect(await failed()).toMatchObject({ deletion: { failure: { code: 'NOT_DELETABLE' } } });
    expect(disposalCalls(flink)).toEqual([]);
    expect(existsSync(folder())).toBe(true);
  });
});
