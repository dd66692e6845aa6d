import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { FakeFlink } from '../../demo/fake-flink/fake-flink.js';
import {
  completeCheckpoint,
  endRun,
  insertCompleted,
  insertImport,
  insertRun,
  statesOf,
} from '../support/deletion-rows.js';
import { askToDelete, deletionNow, disposalCalls, stepOfDeletion } from '../support/deletion-scenario.js';
import type { Data } from '../support/graphql-client.js';
import { eachOnOneCluster } from '../support/one-cluster.js';
import { createDeployment } from '../support/scenario.js';
import type { Stateward } from '../support/stateward.js';

let stateward: Stateward;
let flink: FakeFlink;
let clusterId: string;
let artifactId: string;
eachOnOneCluster((made) => ({ stateward, flink, clusterId, artifactId } = made));

const database = () => stateward.services.database;
const changed = (text: string, values: unknown[]) => database().changed(text, values);
const set = (jobId: string, columns: string, ...values: unknown[]) =>
  changed(`update job set ${columns} where id = $1`, [jobId, ...values]);

interface Run {
  deploymentId: string;
  jobId: string;
}
async function running(): Promise<Run> {
  const deploymentId = await createDeployment(stateward, clusterId, artifactId, randomUUID());
  return { deploymentId, jobId: await insertRun(stateward, deploymentId, clusterId) };
}

/** The run of a deployment that somebody else has started, after the one that it had. */
async function adoptedInto(deploymentId: string): Promise<string> {
  await changed(
    `update job set state = 'CANCELLED', end_read_at = now(), end_read_from = 'STATISTICS' where deployment_id = $1`,
    [deploymentId],
  );
  const jobId = await insertRun(stateward, deploymentId, clusterId);
  await set(jobId, `origin = 'ADOPTED', strategy = null`);
  return jobId;
}
const showSource = (jobId: string, location: string) =>
  set(
    jobId,
    'source_seen_at = now(), restored_at = now(), restored_checkpoint_id = 7, restored_location = $2',
    location,
  );
const withoutCheckpoint = (jobId: string) =>
  changed('update job_checkpoints set first_completed_id = null where job_id = $1', [jobId]);

async function locationOf(savepointId: string): Promise<string> {
  const row = await database().row<{ location: string }>('select location from savepoint where id = $1', [savepointId]);
  return row?.location ?? '';
}
const del = (id: string, more: object = {}) => askToDelete(stateward, id, more);
const kindsOf = (answer: Data) => answer.protections?.map(({ kind }: Data) => kind) ?? [];
const kinds = async (id: string) => kindsOf(await del(id, { force: true, lastState: true }));

/** A savepoint of a deployment, and a newer one. */
async function sourceOf(run: Run): Promise<string> {
  const source = await insertCompleted(stateward, run.jobId, 2);
  await insertCompleted(stateward, run.jobId, 1);
  return source;
}

/** A checkpoint that a run has left behind. */
async function leaveCheckpoint(jobId: string): Promise<string> {
  const location = `file:/checkpoints/${jobId.replaceAll('-', '')}/chk-9`;
  await changed(
    `insert into retained_checkpoint (job_id, deployment_id, flink_checkpoint_id, kind, triggered_at, location, source)
     select id, deployment_id, 9, 'CHECKPOINT', now(), $2, 'STATISTICS' from job where id = $1`,
    [jobId, location],
  );
  return location;
}

describe('what a run was restored from that somebody else has started', () => {
  it('is kept as long as that run lives, since the claim mode is not known', async () => {
    const source = await sourceOf(await running());
    const other = await running();
    const adopted = await adoptedInto(other.deploymentId);
    await showSource(adopted, await locationOf(source));
    const declined = await del(source, { force: true });
    expect(kindsOf(declined)).toEqual(['SOURCE_OF_LIVE_RUN']);
    expect(declined.message).toMatch(/CLAIM or LEGACY.*It can be when run 2 of deployment "[^"]*" has ended\./);
    await set(adopted, `origin = 'STARTED'`); // NO_CLAIM
    expect(await del(source)).toMatchObject({ state: 'DELETING' });
  });

  it('may be any savepoint of its deployment until Flink has shown it, or the run has a checkpoint', async () => {
    const run = await running();
    const source = await sourceOf(run);
    const elsewhere = await sourceOf(await running());
    const adopted = await adoptedInto(run.deploymentId);
    await withoutCheckpoint(adopted);
    const declined = await del(source, { force: true });
    expect(kindsOf(declined)).toEqual(['SOURCE_OF_LIVE_RUN']);
    expect(declined.message).toContain('Flink has not shown yet from what: it may be this one');
    expect(await del(elsewhere)).toMatchObject({ state: 'DELETING' });
    await set(adopted, 'took_hold_at = null');
    expect(await kinds(source)).toEqual(['SOURCE_OF_LIVE_RUN']);
    await completeCheckpoint(stateward, adopted);
    expect(await del(source)).toMatchObject({ state: 'DELETING' });
  });

  it('is nothing when Flink has shown nothing for long enough', async () => {
    const run = await running();
    const source = await sourceOf(run);
    const adopted = await adoptedInto(run.deploymentId);
    await withoutCheckpoint(adopted);
    await set(adopted, 'source_seen_at = now()');
    expect(await del(source)).toMatchObject({ state: 'DELETING' });
  });

  it('is what LATEST_STATE falls back to when the run has left nothing', async () => {
    const source = await sourceOf(await running());
    const other = await running();
    const adopted = await adoptedInto(other.deploymentId);
    const spelled = (await locationOf(source)).replace('file:/', 'file:///').concat('/_metadata');
    await showSource(adopted, spelled);
    await endRun(stateward, adopted);
    const { restorePlan } = await stateward.ask(
      `query($id: ID!) { restorePlan(deploymentId: $id, start: { strategy: LATEST_STATE }) { __typename ... on RestorePlan { state { savepoint { id } } } ... on UserError { code message } } }`,
      { id: other.deploymentId },
    );
    expect(restorePlan).toMatchObject({ state: { savepoint: { id: source } } });
    const declined = await del(source);
    expect(declined.protections).toMatchObject([{ kind: 'LATEST_STATE', deployment: { id: other.deploymentId } }]);
    expect(await del(source, { force: true, lastState: true })).toMatchObject({ state: 'DELETING' });
  });

  it('may have files in the checkpoint that it left, which LATEST_STATE and a run from it go on from', async () => {
    const run = await running();
    const source = await sourceOf(run);
    const other = await running();
    const adopted = await adoptedInto(other.deploymentId);
    await showSource(adopted, await locationOf(source));
    const left = await leaveCheckpoint(adopted);
    await endRun(stateward, adopted);
    expect(kindsOf(await del(source))).toEqual(['LATEST_STATE']);

    const next = await insertRun(stateward, other.deploymentId, clusterId);
    await set(next, 'start_job_id = $2, start_checkpoint_id = 9, start_location = $3', adopted, left);
    await withoutCheckpoint(next);
    expect(await kinds(source)).toEqual(['SOURCE_OF_LIVE_RUN']);
    await completeCheckpoint(stateward, next); // a full one: NO_CLAIM
    expect(await del(source)).toMatchObject({ state: 'DELETING' });
  });

  it('may have files in the checkpoints of runs that others went on with, one after the other', async () => {
    const source = await sourceOf(await running());
    const { deploymentId } = await running();
    let restoredFrom = await locationOf(source);
    for (let n = 0; n < 3; n += 1) {
      const adopted = await adoptedInto(deploymentId);
      await showSource(adopted, restoredFrom);
      restoredFrom = await leaveCheckpoint(adopted);
    }
    expect(await kinds(source)).toEqual(['SOURCE_OF_LIVE_RUN']);
    await adoptedInto(deploymentId).then((last) => set(last, 'source_seen_at = now()')); // from nothing
    expect(await del(source)).toMatchObject({ state: 'DELETING' });
  });
});

describe('a checkpoint of an adopted run that another deployment goes on from', () => {
  /** Restored from a savepoint; it has left a checkpoint, and its deployment has gone. */
  async function leftByAdopted(): Promise<{ source: string; adopted: string; left: string }> {
    const source = await sourceOf(await running());
    const { deploymentId } = await running();
    const adopted = await adoptedInto(deploymentId);
    await showSource(adopted, await locationOf(source));
    const { flinkJobId } = (await database().row<{ flinkJobId: string }>(
      'select flink_job_id as "flinkJobId" from job where id = $1',
      [adopted],
    )) ?? { flinkJobId: '' };
    await endRun(stateward, adopted);
    await changed('update deployment set archived_at = now() where id = $1', [deploymentId]);
    return { source, adopted, left: `file:/checkpoints/${flinkJobId}/chk-9` };
  }

  it('may use files of what the first was restored from, as long as a run lives that others started from it', async () => {
    const { source, left } = await leftByAdopted();
    const next = await adoptedInto((await running()).deploymentId);
    await showSource(next, `${left}/_metadata`);
    expect(await kinds(source)).toEqual(['SOURCE_OF_LIVE_RUN']);
    await set(next, `restored_location = 'file:/checkpoints/' || repeat('0', 32) || '/chk-9'`);
    expect(await del(source)).toMatchObject({ state: 'DELETING' });
  });

  it('may do so from one to the next', async () => {
    const { source, left } = await leftByAdopted();
    const second = await adoptedInto((await running()).deploymentId);
    await showSource(second, left);
    await endRun(stateward, second);
    const third = await adoptedInto((await running()).deploymentId);
    await set(
      third,
      `source_seen_at = now(), restored_at = now(), restored_checkpoint_id = 9,
       restored_location = 'file:/checkpoints/' || (select flink_job_id from job where id = $2) || '/chk-9'`,
      second,
    );
    expect(await kinds(source)).toEqual(['SOURCE_OF_LIVE_RUN']);
  });

  it('is what LATEST_STATE falls back to of a stopped one that has left nothing itself', async () => {
    const { source, adopted, left } = await leftByAdopted();
    const other = await running();
    await set(other.jobId, 'start_job_id = $2, start_checkpoint_id = 9, start_location = $3', adopted, left);
    await withoutCheckpoint(other.jobId);
    await endRun(stateward, other.jobId);
    const declined = await del(source);
    expect(declined.protections).toMatchObject([{ kind: 'LATEST_STATE', deployment: { id: other.deploymentId } }]);
  });
});

describe('a savepoint that is proven gone', () => {
  it('is not what LATEST_STATE falls back to, though Flink showed it as restored', async () => {
    const source = await sourceOf(await running());
    const { deploymentId } = await running();
    const adopted = await adoptedInto(deploymentId);
    await showSource(adopted, await locationOf(source));
    await endRun(stateward, adopted);
    const planned = async () =>
      (
        await stateward.ask(
          `query($id: ID!) { restorePlan(deploymentId: $id, start: { strategy: LATEST_STATE }) { __typename ... on UserError { code } } }`,
          { id: deploymentId },
        )
      ).restorePlan;
    expect(await planned()).toEqual({ __typename: 'RestorePlan' });
    await changed(`update savepoint set state = 'DELETED', proof = 'EMPTY', deleted_at = now() where id = $1`, [
      source,
    ]);
    expect(await planned()).toMatchObject({ code: 'NO_RESTORABLE_STATE' });
  });
});

describe('a run whose configuration was not read', () => {
  it('is not said to make no checkpoints', async () => {
    const source = await sourceOf(await running());
    const { jobId } = await running();
    await withoutCheckpoint(jobId);
    await set(jobId, 'start_savepoint_id = $2, checkpoint_interval_ms = null, started_at = null', source);
    expect((await del(source)).message).toContain('whether that run makes checkpoints is not known yet');
    await set(jobId, 'started_at = now()');
    expect((await del(source)).message).toContain('makes no checkpoints by itself');
  });
});

describe('two records of one place', () => {
  /** An import into a storage whose root is the folder of the deployment of a savepoint. */
  async function importBeside(savepointId: string): Promise<string> {
    const id = await insertImport(stateward, clusterId, { verified: true });
    const inner = randomUUID();
    await changed('insert into storage (id, name) values ($1::uuid, $1::text)', [inner]);
    await changed(
      `insert into storage_root (storage_id, cluster_id, uri)
       select $2, $3, r.uri || '/' || s.deployment_id from savepoint s join storage_root r on r.storage_id = s.storage_id and r.cluster_id = $3
        where s.id = $1`,
      [savepointId, inner, clusterId],
    );
    await changed(
      `update savepoint i set storage_id = $3, location = s.location || '/', path = substr(s.path, length(s.deployment_id::text) + 2)
         from savepoint s where i.id = $1 and s.id = $2`,
      [id, savepointId, inner],
    );
    return id;
  }

  it('keep the data of each other; the record of the import may end, and then the other one goes', async () => {
    const source = await sourceOf(await running());
    const imported = await importBeside(source);
    await changed('update savepoint set pinned = true where id = $1', [imported]);
    const declined = await del(source, { force: true });
    expect(kindsOf(declined)).toEqual(['SHARED_DATA']);
    expect(declined.message).toContain(
      `those of savepoint ${imported} too, which is recorded at the same place and is pinned`,
    );
    await changed('update savepoint set pinned = false where id = $1', [imported]);
    expect(kindsOf(await del(imported, { alsoData: true, force: true }))).toEqual(['SHARED_DATA']);
    expect(await del(imported)).toMatchObject({ state: 'DELETED' });
    expect(await statesOf(stateward, [source])).toEqual(['COMPLETED']);
    expect(await del(source)).toMatchObject({ state: 'DELETING' });
  });

  it('keep the data of each other where one was recorded while the other waits for its deletion', async () => {
    const source = await sourceOf(await running());
    const step = () => stepOfDeletion(stateward, source, clusterId);
    expect(await del(source)).toMatchObject({ state: 'DELETING' });
    const imported = await importBeside(source);
    await changed('update savepoint set pinned = true where id = $1', [imported]);
    for (let look = 0; look < 3; look += 1) await step();
    const { state, deletion } = await deletionNow(stateward, source);
    expect([state, deletion.state]).toEqual(['DELETING', 'WAITING']);
    expect(deletion.waitingFor).toContain(`those of savepoint ${imported} too, which is recorded at the same place`);
    expect(deletion.waitingFor).toContain(
      `and is pinned; that ends when the record of savepoint ${imported} has ended`,
    );
    expect(disposalCalls(flink)).toEqual([]);
    await changed('update savepoint set pinned = false where id = $1', [imported]);
    expect(await del(imported)).toMatchObject({ state: 'DELETED' });
    while ((await deletionNow(stateward, source)).deletion.state === 'WAITING') await step();
    expect(disposalCalls(flink)).toHaveLength(1);
  });

  it('are both what LATEST_STATE would use, whichever of them the run was started from', async () => {
    const source = await sourceOf(await running());
    const imported = await importBeside(source);
    const other = await running();
    await set(other.jobId, 'start_savepoint_id = $2, start_location = $3', imported, await locationOf(imported));
    await endRun(stateward, other.jobId);
    expect(kindsOf(await del(source))).toEqual(['LATEST_STATE', 'SHARED_DATA']);
    expect(kindsOf(await del(imported))).toEqual(['LATEST_STATE']);
  });

  it('are none where a copy lies elsewhere', async () => {
    const source = await sourceOf(await running());
    const copy = await insertImport(stateward, clusterId, { verified: true });
    await changed(
      `update savepoint i set path = 'copies/' || s.path, location = replace(s.location, s.path, 'copies/' || s.path) from savepoint s where i.id = $1 and s.id = $2`,
      [copy, source],
    );
    expect(await del(source)).toMatchObject({ state: 'DELETING' });
  });

  it('protect a place that a run was started from before it was imported', async () => {
    const imported = await insertImport(stateward, clusterId, { verified: true });
    const other = await running();
    await set(other.jobId, 'start_location = $2', await locationOf(imported));
    await endRun(stateward, other.jobId);
    expect(kindsOf(await del(imported))).toEqual(['LATEST_STATE']);
  });
});
