import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { FakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { claimOne } from '../../src/db/claims.js';
import { revive } from '../../src/job/job.store.js';
import { advanceLeftBehind } from '../../src/left-behind/advance-left-behind.js';
import { deletionDeps, disposalCalls } from '../support/deletion-scenario.js';
import type { Data } from '../support/graphql-client.js';
import {
  disposalNow,
  disposePolicy,
  isThere,
  leaveBehind,
  proveStorages,
  runLater,
  stepOfDisposal,
  stepsOfDisposal,
  sweep,
} from '../support/left-behind-scenario.js';
import { mutate } from '../support/mutate.js';
import { eachOnOneCluster } from '../support/one-cluster.js';
import { createDeployment } from '../support/scenario.js';
import type { Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

let stateward: Stateward;
let flink: FakeFlink;
let clusterId: string;
let artifactId: string;
eachOnOneCluster((made) => ({ stateward, flink, clusterId, artifactId } = made));

let other: pg.Client;
beforeEach(async () => {
  other = new pg.Client({ connectionString: stateward.databaseUrl });
  await other.connect();
});
afterEach(() => other.end());

const changed = (text: string, values: unknown[]) => stateward.services.database.changed(text, values);
const newDeployment = async () => ({
  clusterId,
  deploymentId: await createDeployment(stateward, clusterId, artifactId, randomUUID()),
});

async function leftAndLater() {
  const where = await newDeployment();
  const left = await leaveBehind(stateward, flink, where);
  const later = await runLater(stateward, where);
  await proveStorages(stateward, clusterId);
  await disposePolicy(stateward, where.deploymentId);
  return { ...where, ...left, later };
}

const start = (deploymentId: string, how: object): Promise<Data> =>
  mutate(stateward, 'startDeployment', { deploymentId, start: how }, '... on Job { id }');

const waitForALock = () =>
  waitFor(
    async () => {
      const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      return (await other.query(waiting)).rows.length > 0;
    },
    { what: 'somebody to wait for a row' },
  );

/** Somebody has taken a checkpoint of the run, in a transaction that is not committed; what is done meanwhile waits, and then sees it. */
async function whileTaken(jobId: string, heir: string, location: string, meanwhile: () => Promise<unknown>) {
  await other.query('begin');
  await other.query('select 1 from job where id = $1 for no key update', [jobId]);
  await other.query('update job set start_location = $2, took_hold_at = null where id = $1', [heir, location]);
  const done = meanwhile();
  done.catch(() => undefined);
  await waitForALock();
  await other.query('commit');
  await done;
}

describe('of two at once', () => {
  it('a pass waits for a start from one of the checkpoints, and keeps them', async () => {
    const { deploymentId, jobId, locations } = await leftAndLater();
    const heir = await runLater(stateward, await newDeployment(), null);
    await whileTaken(jobId, heir, locations[0] ?? '', () => sweep(stateward, deploymentId));
    expect(await disposalNow(stateward, jobId)).toBeNull();
  });

  it('a disposal waits for whoever takes one right before Flink is asked, and keeps them after all', async () => {
    const { deploymentId, jobId, locations } = await leftAndLater();
    const heir = await runLater(stateward, await newDeployment(), null);
    await sweep(stateward, deploymentId);
    await stepOfDisposal(stateward, jobId); // chooses the cluster
    await whileTaken(jobId, heir, locations[0] ?? '', () => stepOfDisposal(stateward, jobId));
    await stepsOfDisposal(stateward, jobId);
    expect(await disposalNow(stateward, jobId)).toBeNull();
    expect(disposalCalls(flink)).toEqual([]);
    const { checkpoint } = await stateward.ask(
      'query($id: ID!) { checkpoint(id: $id) { restorable { canBeRestored } } }',
      {
        id: `${jobId}:1`,
      },
    );
    expect(checkpoint.restorable.canBeRestored).toBe(true);
  });

  it('a start waits for a pass, and is refused, by whatever it names the checkpoint', async () => {
    const { deploymentId, jobId, locations, flinkJobId } = await leftAndLater();
    const { deploymentId: free } = await newDeployment();
    await other.query('begin');
    await other.query('select 1 from job where id = $1 for no key update', [jobId]);
    const started = start(free, { strategy: 'FROM_CHECKPOINT', checkpointId: `${jobId}:2` });
    await waitForALock();
    await other.query('update job set checkpoints_going_at = now() where id = $1', [jobId]);
    await other.query('commit');
    expect(await started).toMatchObject({
      code: 'SNAPSHOT_NOT_RESTORABLE',
      message: expect.stringContaining('DISPOSE'),
    });
    await changed('update job set checkpoints_going_at = null where id = $1', [jobId]);

    await sweep(stateward, deploymentId);
    expect(await start(free, { strategy: 'FROM_LOCATION', location: locations[1] })).toMatchObject({
      code: 'SNAPSHOT_NOT_RESTORABLE',
      message: expect.stringContaining('DISPOSE'),
    });
    // Below another root that nobody has said to be the same place.
    await changed(
      `with made as (insert into storage (id, name) values ($1::uuid, $1::text) returning id)
       insert into storage_root (storage_id, cluster_id, uri) select id, $2, 's3://alias' from made`,
      [randomUUID(), clusterId],
    );
    expect(await start(free, { strategy: 'FROM_LOCATION', location: `s3://alias/${flinkJobId}/chk-2` })).toMatchObject({
      code: 'SNAPSHOT_NOT_RESTORABLE',
    });
    const imported = await mutate(
      stateward,
      'importSavepoint',
      { location: locations[0] },
      '... on InvalidInput { field }',
    );
    expect(imported).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'location',
      message: expect.stringContaining('DISPOSE'),
    });
    expect(await start(free, { strategy: 'NONE' })).toMatchObject({ __typename: 'Job' });
  });

  it('a start that was first keeps them, and the pass says so', async () => {
    const { deploymentId, jobId } = await leftAndLater();
    const { deploymentId: free } = await newDeployment();
    expect(await start(free, { strategy: 'FROM_CHECKPOINT', checkpointId: `${jobId}:2` })).toMatchObject({
      __typename: 'Job',
    });
    await sweep(stateward, deploymentId);
    expect(await disposalNow(stateward, jobId)).toBeNull();
  });
});

describe('between the decision and the end', () => {
  it('a run that comes back keeps what it has left, and is not disposed of when it ends again', async () => {
    const { deploymentId, jobId, later } = await leftAndLater();
    await sweep(stateward, deploymentId);
    await changed(`update job set state = 'CANCELLED' where id = $1`, [later]);
    await stateward.services.database.transaction((tx) => revive(tx, jobId));
    await stepOfDisposal(stateward, jobId);
    expect(await disposalNow(stateward, jobId)).toBeNull();
    expect(disposalCalls(flink)).toEqual([]);
    const row = await stateward.services.database.row('select checkpoints_going_at from job where id = $1', [jobId]);
    expect(row).toEqual({ checkpoints_going_at: null });
  });

  it('an adopted run that may have been restored from one keeps them, if nothing was asked for yet', async () => {
    const { deploymentId, jobId } = await leftAndLater();
    await sweep(stateward, deploymentId);
    const adopted = await runLater(stateward, await newDeployment());
    await changed(`update job set origin = 'ADOPTED' where id = $1`, [adopted]);
    await stepsOfDisposal(stateward, jobId);
    await changed('update job set source_seen_at = now() where id = $1', [adopted]); // it would keep those of all other tests
    expect(await disposalNow(stateward, jobId)).toBeNull();
    expect(disposalCalls(flink)).toEqual([]);
  });

  it('a storage that is not proven any more keeps them, if nothing was asked for yet', async () => {
    const { deploymentId, jobId, locations } = await leftAndLater();
    await sweep(stateward, deploymentId);
    await proveStorages(stateward, clusterId, 'MISMATCH');
    await stepsOfDisposal(stateward, jobId);
    expect(await disposalNow(stateward, jobId)).toBeNull();
    expect(locations.map(isThere)).toEqual([true, true]);
  });

  it('once the first is gone the others follow, by the word of Flink where the storage cannot be read any more', async () => {
    const { deploymentId, jobId, locations } = await leftAndLater();
    await sweep(stateward, deploymentId);
    await waitFor(
      async () => {
        await stepOfDisposal(stateward, jobId);
        return disposalCalls(flink).length === 1;
      },
      { what: 'the first one to be asked for' },
    );
    await proveStorages(stateward, clusterId, 'NONE');
    await stepsOfDisposal(stateward, jobId);
    expect(await disposalNow(stateward, jobId)).toMatchObject({ state: 'DONE', proof: 'FLINK_CONFIRMED' });
    expect(locations.map(isThere)).toEqual([false, false]);
  });

  it('once the first is gone the others wait for a run that somebody has started from one all the same', async () => {
    const { deploymentId, jobId, locations } = await leftAndLater();
    await sweep(stateward, deploymentId);
    await waitFor(
      async () => {
        await stepOfDisposal(stateward, jobId);
        return disposalCalls(flink).length === 1;
      },
      { what: 'the first one to be asked for' },
    );
    const heir = await runLater(stateward, await newDeployment(), null);
    await changed('update job set start_location = $2 where id = $1', [heir, locations[1]]);
    await stepsOfDisposal(stateward, jobId);
    expect(await disposalNow(stateward, jobId)).toMatchObject({
      state: 'WAITING',
      waiting_for: expect.stringContaining('end of its use'),
    });
    expect(disposalCalls(flink)).toHaveLength(1);
    await changed(`update job set state = 'CANCELLED' where id = $1`, [heir]);
    await stepsOfDisposal(stateward, jobId);
    expect(await disposalNow(stateward, jobId)).toMatchObject({ state: 'DONE' });
  });

  it('a reply that was lost is looked for in the storage, and asked for again where the checkpoint is still there', async () => {
    const { deploymentId, jobId, locations } = await leftAndLater();
    await sweep(stateward, deploymentId);
    await stepOfDisposal(stateward, jobId);
    // Written down, and the process died before the call.
    await changed(
      `update left_behind set state = 'DISPOSING', begun = true, checkpoint_id = 1, location = $2, sent_at = now(), disposals = 1 where id = $1`,
      [jobId, locations[0]],
    );
    await stepsOfDisposal(stateward, jobId);
    expect(await disposalNow(stateward, jobId)).toMatchObject({ state: 'DONE', disposals: 3, proof: 'EMPTY' });
  });

  it('a worker that was overtaken asks for nothing and writes nothing', async () => {
    const { deploymentId, jobId } = await leftAndLater();
    await sweep(stateward, deploymentId);
    const { database, config } = stateward.services;
    const workerId = randomUUID();
    await changed(`update cluster_lease set owner = $1, owned_until = now() + interval '1 min'`, [workerId]);
    const claim = await claimOne(database, workerId, 'left_behind', jobId);
    await changed('update left_behind set claim = claim + 1 where id = $1', [jobId]);
    if (!claim) throw new Error('somebody else has it');
    await advanceLeftBehind({ ...deletionDeps(stateward), config }, claim);
    expect(disposalCalls(flink)).toEqual([]);
    expect(await disposalNow(stateward, jobId)).toMatchObject({ state: 'WAITING', begun: false });
  });
});
