import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { claimOne, ClaimLost, fencedWrite } from '../../src/db/claims.js';
import type { Transaction } from '../../src/db/database.js';
import { KeptClaims } from '../../src/db/kept-claims.js';
import { advanceDeletion } from '../../src/deletion/advance-deletion.js';
import { deletionAtWork } from '../../src/deletion/disposal.store.js';
import { endDeletion } from '../../src/deletion/end-deletion.js';
import { sweepRetention } from '../../src/retention/sweep-retention.js';
import { insertCompleted, insertImport, insertRun, statesOf } from '../support/deletion-rows.js';
import { askToDelete, askToForget, deletionNow, disposalCalls } from '../support/deletion-scenario.js';
import { eventTypes, mutate } from '../support/mutate.js';
import { createDeployment, registerCluster, uploadJob } from '../support/scenario.js';
import { askToStart } from '../support/start-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';

const ROUNDS = 100;
const PASSES = 40;

let stateward: Stateward;
let flink: FakeFlink;
let otherFlink: FakeFlink;
let clusterId: string;
let otherClusterId: string;
let artifactId: string;
beforeAll(async () => {
  stateward = await startStateward({ worker: false });
  flink = await startFakeFlink();
  clusterId = await registerCluster(stateward, flink.url, randomUUID());
  otherFlink = await startFakeFlink({ savepointRoot: flink.savepointRoot, folder: flink.folder });
  otherClusterId = await registerCluster(stateward, otherFlink.url, randomUUID());
  await changed(
    `update storage_root set storage_id = (select savepoint_storage_id from cluster where id = $1)
      where cluster_id = $2 and storage_id = (select savepoint_storage_id from cluster where id = $2)`,
    [clusterId, otherClusterId],
  );
  artifactId = await uploadJob(stateward);
});
afterAll(async () => {
  await stateward.stop();
  await otherFlink.stop();
  await flink.stop();
});

const changed = (text: string, values: unknown[]) => stateward.services.database.changed(text, values);

const stopped = () => createDeployment(stateward, clusterId, artifactId, randomUUID());

/** On another cluster that reaches the same storage, so that the row of a cluster does not keep the two apart. */
const elsewhere = () => createDeployment(stateward, otherClusterId, artifactId, randomUUID());

async function runOf(): Promise<{ jobId: string }> {
  return { jobId: await insertRun(stateward, await stopped(), clusterId) };
}

/** The start is taken back, as if it had never been. */
async function undoStart(jobId: string): Promise<void> {
  await changed(`update deployment set state = 'CANCELLED', current_job_id = null where current_job_id = $1`, [jobId]);
  await changed(`update job set state = 'FAILED', ended_at = now(), look_at = null where id = $1`, [jobId]);
}

/** In the first two rounds one after the other, so that each comes first once for certain; then together. */
const meeting = async <A, B>(round: number, first: () => Promise<A>, second: () => Promise<B>): Promise<[A, B]> =>
  round < 2 ? [await first(), await second()] : Promise.all([first(), second()]);

describe('a start from a savepoint and its deletion, both at once', () => {
  it(`${ROUNDS} times: one of them is declined each time, whoever came first`, async () => {
    const maker = await runOf();
    await insertCompleted(stateward, maker.jobId, 0); // the newest stays
    const starter = await elsewhere();
    const won = { start: 0, deletion: 0 };
    for (let round = 0; round < ROUNDS; round += 1) {
      const savepointId = await insertCompleted(stateward, maker.jobId, 1);
      const start = () => askToStart(stateward, starter, { strategy: 'FROM_SAVEPOINT', savepointId });
      const deletion = () => askToDelete(stateward, savepointId);
      const [started, deleted] =
        round % 2 === 0
          ? await meeting(round, start, deletion)
          : await meeting(round, deletion, start).then(([second, first]) => [first, second]);
      const [state] = await statesOf(stateward, [savepointId]);
      if (started.__typename === 'Job') {
        expect(deleted).toMatchObject({
          code: 'SAVEPOINT_PROTECTED',
          protections: [{ kind: 'START_UNDER_WAY', job: { id: started.id } }],
        });
        expect(state).toBe('COMPLETED');
        won.start += 1;
        await undoStart(started.id);
      } else {
        won.deletion += 1;
        expect(started).toMatchObject({ code: 'SNAPSHOT_NOT_RESTORABLE' });
        expect(deleted).toMatchObject({ __typename: 'Savepoint', state: 'DELETING' });
        expect(state).toBe('DELETING');
      }
    }
    expect(won.start + won.deletion).toBe(ROUNDS);
    expect(Math.min(won.start, won.deletion)).toBeGreaterThan(0);
  }, 60_000);

  it(`and a pass of a policy, both at once, ${PASSES} times: what a start has chosen stays, and what goes is not started from`, async () => {
    const maker = await runOf();
    await insertCompleted(stateward, maker.jobId, 0, { origin: 'SCHEDULED' }); // the newest stays
    const { deploymentId } = (await stateward.services.database.row<{ deploymentId: string }>(
      'select deployment_id as "deploymentId" from job where id = $1',
      [maker.jobId],
    )) ?? { deploymentId: '' };
    await changed('update deployment set observed_at = now() where id = $1', [deploymentId]);
    await mutate(stateward, 'setRetentionPolicy', { deploymentId, policy: { maxCount: 1 } });
    const starter = await elsewhere();
    /** So many round trips later, so that the two meet at ever other steps. */
    const passAfter = async (trips: number) => {
      for (let trip = 0; trip < trips; trip += 1) await stateward.services.database.row('select 1 as one');
      await sweepRetention(stateward.services.database, deploymentId);
    };
    const won = { start: 0, pass: 0 };
    for (let round = 0; round < PASSES; round += 1) {
      const savepointId = await insertCompleted(stateward, maker.jobId, 1, { origin: 'SCHEDULED' });
      const start = () => askToStart(stateward, starter, { strategy: 'FROM_SAVEPOINT', savepointId });
      const pass = () => passAfter(round % 6);
      const started = round % 2 === 0 ? (await meeting(round, start, pass))[0] : (await meeting(round, pass, start))[1];
      const [state] = await statesOf(stateward, [savepointId]);
      if (started.__typename === 'Job') {
        won.start += 1;
        expect(state).toBe('COMPLETED');
        await undoStart(started.id);
        await changed(`update savepoint set state = 'DELETED' where id = $1`, [savepointId]);
      } else {
        won.pass += 1;
        expect(started).toMatchObject({ code: 'SNAPSHOT_NOT_RESTORABLE' });
        expect(state).toBe('DELETING');
      }
    }
    expect(won.start + won.pass).toBe(PASSES);
    expect(Math.min(won.start, won.pass)).toBeGreaterThan(0);
  }, 60_000);

  it('a deletion that waits for a start sees it, and a start that waits for a deletion does too', async () => {
    const maker = await runOf();
    await insertCompleted(stateward, maker.jobId, 0);
    const user = await runOf();
    await changed('update job_checkpoints set first_completed_id = null where job_id = $1', [user.jobId]);
    const savepointId = await insertCompleted(stateward, maker.jobId, 1);
    const lock = 'select id from savepoint where id = $1 for no key update';
    let deleting: Promise<unknown> | undefined;
    await stateward.services.database.transaction(async (tx) => {
      await tx.rows(lock, [savepointId]); // as a start does
      deleting = askToDelete(stateward, savepointId, { force: true });
      await waitUntilBlocked();
      await tx.changed('update job set start_savepoint_id = $2 where id = $1', [user.jobId, savepointId]);
    });
    expect(await deleting).toMatchObject({
      code: 'SAVEPOINT_PROTECTED',
      protections: [{ kind: 'SOURCE_OF_LIVE_RUN' }],
    });

    for (const strategy of ['FROM_SAVEPOINT', 'FROM_LOCATION', 'FROM_CHECKPOINT']) {
      const other = await insertCompleted(stateward, maker.jobId, 1);
      const starter = await stopped();
      let starting: Promise<unknown> | undefined;
      await stateward.services.database.transaction(async (tx) => {
        await tx.rows(lock, [other]); // as a deletion does
        starting = askToStart(stateward, starter, await namedBy(strategy, other));
        await waitUntilBlocked();
        await tx.changed(`update savepoint set state = 'DELETING' where id = $1`, [other]);
      });
      expect(await starting).toMatchObject({ code: 'SNAPSHOT_NOT_RESTORABLE' });
    }
  });

  it('a run that is seen to have started from it, or a record of its place, between the choice of the cluster and the call lets it wait', async () => {
    const maker = await runOf();
    const user = await runOf();
    await changed('update job_checkpoints set first_completed_id = null where job_id = $1', [user.jobId]);
    const [used, recorded, free] = [
      await insertCompleted(stateward, maker.jobId, 2),
      await insertCompleted(stateward, maker.jobId, 2),
      await insertCompleted(stateward, maker.jobId, 2),
    ];
    await insertCompleted(stateward, maker.jobId, 0);
    await askToDelete(stateward, used);
    const before = disposalCalls(flink).length;
    await advanceIn(used, (tx) =>
      tx.changed('update job set restored_location = (select location from savepoint where id = $2) where id = $1', [
        user.jobId,
        used,
      ]),
    );
    expect(disposalCalls(flink)).toHaveLength(before);
    expect(await deletionNow(stateward, used)).toMatchObject({ state: 'DELETING', deletion: { state: 'WAITING' } });

    const imported = await insertImport(stateward, clusterId, { verified: true });
    await askToDelete(stateward, recorded);
    await advanceIn(recorded, (tx) =>
      tx.changed(`update savepoint i set location = s.location || '/' from savepoint s where i.id = $1 and s.id = $2`, [
        imported,
        recorded,
      ]),
    );
    expect(disposalCalls(flink)).toHaveLength(before);
    expect(await deletionNow(stateward, recorded)).toMatchObject({ state: 'DELETING', deletion: { state: 'WAITING' } });

    await askToDelete(stateward, free);
    await advanceIn(free, () => Promise.resolve());
    expect(disposalCalls(flink)).toHaveLength(before + 1);
    for (const strategy of ['FROM_SAVEPOINT', 'FROM_LOCATION', 'FROM_CHECKPOINT'])
      expect(await askToStart(stateward, await stopped(), await namedBy(strategy, free))).toMatchObject({
        code: 'SNAPSHOT_NOT_RESTORABLE',
      });
  });
});

/** From now on that worker owns the cluster. */
const lookAfter = (workerId: string) =>
  changed(`update cluster_lease set owner = $2, owned_until = now() + interval '1 min' where cluster_id = $1`, [
    clusterId,
    workerId,
  ]);

/** The input of a start that names a savepoint, one way or another. */
async function namedBy(strategy: string, savepointId: string): Promise<object> {
  if (strategy === 'FROM_SAVEPOINT') return { strategy, savepointId };
  const row = await stateward.services.database.row<{ location: string; jobId: string }>(
    'select location, job_id as "jobId" from savepoint where id = $1',
    [savepointId],
  );
  if (strategy === 'FROM_LOCATION') return { strategy, location: `${row?.location}/` };
  await changed(
    `insert into checkpoint (job_id, deployment_id, flink_checkpoint_id, triggered_at, kind, state, checkpointed_bytes, state_bytes,
                             subtasks, acknowledged_subtasks, location, savepoint_id)
     select job_id, deployment_id, $2, now(), 'SAVEPOINT', 'COMPLETED', 1, 1, 1, 1, location, id from savepoint where id = $1`,
    [savepointId, (flinkId += 1)],
  );
  return { strategy, checkpointId: `${row?.jobId}:${flinkId}` };
}
let flinkId = 100;

/** One step of a deletion, which finds the row of its savepoint locked when it is about to write down that it asks Flink. */
async function advanceIn(savepointId: string, meanwhile: (tx: Transaction) => Promise<unknown>): Promise<void> {
  const { database, flinkClients } = stateward.services;
  await changed('update deletion set cluster_id = $2 where id = $1', [savepointId, clusterId]);
  const workerId = randomUUID();
  await lookAfter(workerId);
  const claim = await claimOne(database, workerId, 'deletion', savepointId);
  if (!claim) throw new Error('nobody else has it');
  const keptClaims = new KeptClaims(database, workerId, (error) => {
    throw error;
  });
  let step: Promise<void> | undefined;
  await database.transaction(async (tx) => {
    await tx.rows('select id from savepoint where id = $1 for no key update', [savepointId]);
    step = advanceDeletion({ database, flinkClients, keptClaims }, claim);
    await waitUntilBlocked();
    await meanwhile(tx);
  });
  await step;
}

describe('two requests at once', () => {
  it('for the last two savepoints of a deployment: one of them stays', async () => {
    for (let round = 0; round < 10; round += 1) {
      const run = await runOf();
      const ids = [await insertCompleted(stateward, run.jobId, 2), await insertCompleted(stateward, run.jobId, 1)];
      const answers = await Promise.all(ids.map((id) => askToDelete(stateward, id, { force: true })));
      expect(answers.map(({ code }) => code ?? 'DELETING').sort()).toEqual(['DELETING', 'LAST_STATE']);
      expect((await statesOf(stateward, ids)).sort()).toEqual(['COMPLETED', 'DELETING']);
    }
  });

  it('to pin one and to delete it: either it is pinned and stays, or it goes and is not pinned', async () => {
    const run = await runOf();
    await insertCompleted(stateward, run.jobId, 0);
    for (let round = 0; round < 20; round += 1) {
      const id = await insertCompleted(stateward, run.jobId, 1);
      const pin = () =>
        mutate(stateward, 'updateSavepoint', { savepointId: id, pinned: true }, '... on Savepoint { pinned }');
      const [deleted, pinned] = await Promise.all([askToDelete(stateward, id), pin()]);
      expect([deleted.code ?? deleted.state, pinned.code ?? pinned.pinned]).toEqual(
        deleted.code ? ['SAVEPOINT_PROTECTED', true] : ['DELETING', 'BEING_DELETED'],
      );
    }
  });
});

describe('the claim of a deletion', () => {
  it('is had by one worker at a time; what a late one writes is refused, and so is what comes after it was forgotten', async () => {
    const run = await runOf();
    await insertCompleted(stateward, run.jobId, 0);
    const id = await insertCompleted(stateward, run.jobId, 1);
    await askToDelete(stateward, id);
    await changed('update deletion set cluster_id = null where id = $1', [id]); // then any worker may have it
    const { database } = stateward.services;
    const late = await claimOne(database, randomUUID(), 'deletion', id);
    if (!late) throw new Error('nobody else has it');
    expect(await claimOne(database, randomUUID(), 'deletion', id)).toBeNull();
    const lateWork = await deletionAtWork(database, late);
    await changed(`update deletion set claimed_until = now() - interval '1 ms' where id = $1`, [id]);
    const next = await claimOne(database, randomUUID(), 'deletion', id);
    if (!next || !lateWork) throw new Error('its lease is over');
    await expect(endDeletion(database, lateWork, late, 'EMPTY')).rejects.toBeInstanceOf(ClaimLost);
    expect(await deletionAtWork(database, late)).toBeNull();
    expect(await statesOf(stateward, [id])).toEqual(['DELETING']);

    await askToForget(stateward, id);
    await expect(fencedWrite(database, next, ['WAITING'], {}, 'REST')).rejects.toBeInstanceOf(ClaimLost);
    expect(await eventTypes(stateward, 'savepoint_id', id)).toEqual(['DELETION_REQUESTED', 'DELETION_FORGOTTEN']);
  });

  it('of a cluster that is looked after by another worker is left to that one', async () => {
    const run = await runOf();
    await insertCompleted(stateward, run.jobId, 0);
    const id = await insertCompleted(stateward, run.jobId, 1);
    await askToDelete(stateward, id);
    const [owner, other] = [randomUUID(), randomUUID()];
    await lookAfter(owner);
    const { database } = stateward.services;
    expect(await claimOne(database, other, 'deletion', id)).toBeNull();
    expect(await claimOne(database, owner, 'deletion', id)).not.toBeNull();
  });
});

/** Some session of this database waits for a lock. */
async function waitUntilBlocked(): Promise<void> {
  for (;;) {
    const row = await stateward.services.database.row<{ blocked: number }>(
      `select count(*)::int as blocked from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if ((row?.blocked ?? 0) > 0) return;
  }
}
