import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { renameSync, rmSync } from 'node:fs';
import type { FakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { judgeLeftBehind } from '../../src/left-behind/judge-left-behind.js';
import { lookAtLeft } from '../../src/left-behind/look-at-left.js';
import { disposalCalls } from '../support/deletion-scenario.js';
import {
  AFTER_MS,
  checkpointRootOf,
  disposalNow,
  disposePolicy,
  isThere,
  leaveBehind,
  onDisk,
  proveStorages,
  runLater,
  stepsOfDisposal,
  sweep,
  writeCheckpoint,
} from '../support/left-behind-scenario.js';
import { eachOnOneCluster } from '../support/one-cluster.js';
import { createDeployment } from '../support/scenario.js';
import type { Stateward } from '../support/stateward.js';

let stateward: Stateward;
let flink: FakeFlink;
let clusterId: string;
let artifactId: string;
eachOnOneCluster((made) => ({ stateward, flink, clusterId, artifactId } = made));

const db = () => stateward.services.database;
const changed = (text: string, values: unknown[]) => db().changed(text, values);
const newDeployment = async () => ({
  clusterId,
  deploymentId: await createDeployment(stateward, clusterId, artifactId, randomUUID()),
});

/** One that has left two checkpoints and may go, but for what others have of it. */
async function leftAndLater() {
  const where = await newDeployment();
  const left = await leaveBehind(stateward, flink, where);
  const later = await runLater(stateward, where);
  await proveStorages(stateward, clusterId);
  await disposePolicy(stateward, where.deploymentId);
  return { ...where, ...left, later, shared: `${checkpointRootOf(flink)}/${left.flinkJobId}/shared/common` };
}
type Left = Awaited<ReturnType<typeof leftAndLater>>;

/** Through a pass and the steps of a disposal: nothing was asked for, and the file of others is there. */
async function staysWhole({ deploymentId, jobId, shared }: Left) {
  await sweep(stateward, deploymentId);
  await stepsOfDisposal(stateward, jobId);
  expect([await disposalNow(stateward, jobId), disposalCalls(flink), isThere(shared)]).toEqual([null, [], true]);
}

async function goes({ deploymentId, jobId, shared }: Left) {
  await sweep(stateward, deploymentId);
  await stepsOfDisposal(stateward, jobId);
  expect([(await disposalNow(stateward, jobId))?.state, isThere(shared)]).toEqual(['DONE', false]);
}

async function whyKept({ deploymentId, jobId }: Left) {
  const looks = await lookAtLeft(db(), { deploymentId }, { afterMs: AFTER_MS, withinMs: 10_000 });
  const judged = await judgeLeftBehind(db(), { deploymentId }, looks, { afterMs: AFTER_MS });
  const one = judged.find((run) => run.jobId === jobId);
  return { whys: one?.kept.map(({ why }) => why), message: one?.kept[0]?.message, dueSince: one?.dueSince };
}

/** A live run that somebody else has started; its newest checkpoint is chk-9. */
async function liveAdopted(uses: readonly string[], restoredFrom: string | null = null) {
  const jobId = await runLater(stateward, await newDeployment());
  const folder = `${checkpointRootOf(flink)}/${jobId.replaceAll('-', '')}`;
  const newest = `${folder}/chk-9`;
  writeCheckpoint(newest, 9, uses);
  await changed(
    `update job set origin = 'ADOPTED', source_seen_at = now(), restored_at = now(), restored_checkpoint_id = 8, restored_location = $2 where id = $1`,
    [jobId, restoredFrom ?? `${folder}/chk-8`],
  );
  await changed('update job_checkpoints set last_completed_id = 9, last_completed_location = $2 where job_id = $1', [
    jobId,
    newest,
  ]);
  return { jobId, newest, folder };
}

/** A checkpoint that somebody has copied: what it shares with others lies where it lay. */
function copied(uses: readonly string[]): string {
  const copy = `${checkpointRootOf(flink)}/copies/chk-2`;
  writeCheckpoint(copy, 2, uses);
  return copy;
}

describe('what an ended run has left behind, whose files others use', () => {
  it('stays while a live adopted run uses them that has recovered since, and goes when its newest checkpoint does not any more', async () => {
    const left = await leftAndLater();
    const { newest } = await liveAdopted([left.shared]);
    await staysWhole(left);
    expect(await whyKept(left)).toMatchObject({ whys: ['SHARED_FILES'], dueSince: null });
    writeCheckpoint(newest, 9, []);
    await goes(left);
  });

  it('stays while nobody can read the newest checkpoint of a live adopted run, on a cluster with a storage in common alone', async () => {
    const left = await leftAndLater();
    const adopted = await liveAdopted([]);
    rmSync(onDisk(adopted.folder), { recursive: true });
    await staysWhole(left);
    expect(await whyKept(left)).toMatchObject({
      whys: ['SHARED_FILES'],
      message: expect.stringContaining('could not be read'),
      dueSince: expect.any(Number),
    });
    await changed('update job_checkpoints set last_completed_location = null where job_id = $1', [adopted.jobId]);
    expect((await whyKept(left)).message).toContain('Flink has not told where checkpoint 9 lies');
    const elsewhere = randomUUID();
    const storage = randomUUID();
    await changed(
      `insert into cluster (id, name, url, state) values ($1::uuid, $1::text, 'http://' || $1::text, 'REACHABLE')`,
      [elsewhere],
    );
    await changed('update job set cluster_id = $2 where id = $1', [adopted.jobId, elsewhere]);
    expect(await whyKept(left)).toMatchObject({ whys: ['SHARED_FILES'] }); // nothing is known of what it reaches
    await changed('insert into storage (id, name, read_state) values ($1::uuid, $1::text, $2)', [storage, 'NONE']);
    await changed('insert into storage_root (storage_id, cluster_id, uri, since) values ($1, $2, $3, now())', [
      storage,
      elsewhere,
      `s3://${storage}/c`,
    ]);
    await goes(left);
  });

  it('is looked at again in 15 s while it has been due for less than an hour, and is gone then', async () => {
    const where = await newDeployment();
    const left = await leaveBehind(stateward, flink, where);
    await runLater(stateward, where, 24.5);
    await proveStorages(stateward, clusterId, 'NONE');
    await disposePolicy(stateward, where.deploymentId);
    const nextInMs = async () => {
      await sweep(stateward, where.deploymentId);
      const row = await db().row<{ ms: number }>(
        `select (extract(epoch from sweep_at - swept_at) * 1000)::float8 as ms from retention_policy where deployment_id = $1`,
        [where.deploymentId],
      );
      return row?.ms;
    };
    expect(await nextInMs()).toBe(15_000);
    await proveStorages(stateward, clusterId);
    expect(await nextInMs()).toBe(15_000); // it begins, and may be kept after all
    expect(await disposalNow(stateward, left.jobId)).toMatchObject({ state: 'WAITING' });
    expect(await nextInMs()).toBe(600_000);
  });

  it('is read of what a live adopted run has now, where Flink has removed the checkpoint that is recorded', async () => {
    const left = await leftAndLater();
    const { newest, folder } = await liveAdopted([left.shared]);
    renameSync(onDisk(newest), onDisk(`${folder}/chk-10`));
    expect(await whyKept(left)).toMatchObject({
      whys: ['SHARED_FILES'],
      message: expect.stringContaining('uses files'),
    });
    rmSync(onDisk(`${folder}/chk-10`), { recursive: true });
    writeCheckpoint(`${folder}/chk-11`, 11, [`${folder}/shared/a`]);
    await goes(left);
  });

  it('stays while an adopted run has left one that uses them, which was started from a job that nobody recorded', async () => {
    const left = await leftAndLater();
    const where = await newDeployment();
    const columns = {
      origin: 'ADOPTED',
      source_seen_at: new Date(),
      restored_at: new Date(),
      restored_location: `${checkpointRootOf(flink)}/${'a'.repeat(32)}/chk-3`,
    };
    const adopted = await leaveBehind(stateward, flink, where, { alsoUses: [left.shared], columns });
    await staysWhole(left);
    // One that has ended a moment ago: what it has left is not recorded yet.
    await changed('delete from retained_checkpoint where job_id = $1', [adopted.jobId]);
    await changed('update job set end_read_at = null, end_read_from = null where id = $1', [adopted.jobId]);
    await changed(
      `insert into job_checkpoints (job_id, deployment_id, looked_at, first_completed_id, last_completed_id, last_completed_location) values ($1, $2, now(), 1, 2, $3)`,
      [adopted.jobId, where.deploymentId, adopted.locations[1]],
    );
    await staysWhole(left);
  });

  it('stays while an adopted run without a checkpoint of its own goes back to one that uses them', async () => {
    const left = await leftAndLater();
    const ours = await leaveBehind(stateward, flink, await newDeployment(), { alsoUses: [left.shared] });
    const adopted = await liveAdopted([], ours.locations[0]);
    await changed(
      'update job_checkpoints set last_completed_id = null, last_completed_location = null, first_completed_id = null where job_id = $1',
      [adopted.jobId],
    );
    await staysWhole(left);
    const copy = copied([left.shared]);
    await changed('update job set restored_location = $2 where id = $1', [adopted.jobId, copy]);
    await staysWhole(left);
  });

  it('stays while a run that was started from a copy may go back to it, or be started from it again', async () => {
    const left = await leftAndLater();
    const { deploymentId } = await newDeployment();
    const run = await runLater(stateward, { clusterId, deploymentId }, null);
    await changed(`update job set start_location = $2, strategy = 'FROM_LOCATION' where id = $1`, [
      run,
      copied([left.shared]),
    ]);
    await staysWhole(left);
    expect((await whyKept(left)).message).toMatch(
      /^What run 1 of deployment ".*" was started from uses files of theirs/,
    );
    await changed(
      `update job set state = 'CANCELLED', ended_at = now(), end_read_at = now(), end_read_from = 'STATISTICS' where id = $1`,
      [run],
    );
    await changed(`update deployment set state = 'CANCELLED' where id = $1`, [deploymentId]);
    await staysWhole(left);
    await runLater(stateward, { clusterId, deploymentId });
    expect((await whyKept(left)).whys).toEqual([]);
    await changed(`update job set failure_code = 'DECLARED_LOST' where id = $1`, [run]);
    await staysWhole(left);
  });

  it('does not stay for a copy that a run was started from which has checkpoints of its own by now', async () => {
    const left = await leftAndLater();
    const run = await runLater(stateward, await newDeployment());
    await changed('update job set start_location = $2 where id = $1', [run, copied([left.shared])]);
    await goes(left);
  });

  it.each(['DECLARED_LOST', 'CLUSTER_REPLACED', 'SUBMISSION_LOST'])(
    'stays where a run that was started from it was given up (%s) before its first checkpoint',
    async (code) => {
      const left = await leftAndLater();
      const where = await newDeployment();
      const heir = await leaveBehind(stateward, flink, where, {
        ids: [],
        columns: { start_location: left.locations[1], state: 'FAILED', failure_code: code },
      });
      await runLater(stateward, where);
      await staysWhole(left);
      expect(await whyKept(left)).toMatchObject({ whys: ['SOURCE_OF_LIVE_RUN'] });
      await changed(
        `insert into job_checkpoints (job_id, deployment_id, looked_at, first_completed_id) values ($1, $2, now(), 1)`,
        [heir.jobId, where.deploymentId],
      );
      await goes(left);
    },
  );

  it('stays while a savepoint of ours uses them that is not self-contained, or an import by the name of a savepoint', async () => {
    const left = await leftAndLater();
    const location = `${checkpointRootOf(flink)}/ours/savepoint-abc-def`;
    writeCheckpoint(location, 3, [left.shared]);
    const root = await db().row<{ id: string }>(
      `select storage_id as id from storage_root where cluster_id = $1 and uri like '%checkpoints%'`,
      [clusterId],
    );
    const id = randomUUID();
    await changed(
      `insert into savepoint (id, deployment_id, cluster_id, origin, state, kind, format, storage_id, path, location, completed_at, details, actor)
       values ($1, $2, $3, 'MANUAL', 'COMPLETED', 'SAVEPOINT', 'NATIVE', $4, 'ours/savepoint-abc-def', $5, now(), 'NEVER_REPORTED', 'test')`,
      [id, left.deploymentId, clusterId, root?.id, location],
    );
    const contents = (selfContained: boolean | null) =>
      changed(
        `insert into snapshot_contents (id, savepoint_id, source, self_contained, contents) values (gen_random_uuid(), $1, 'METADATA', $2, '{}')
         on conflict (savepoint_id) do update set self_contained = $2`,
        [id, selfContained],
      );
    expect((await whyKept(left)).whys).toEqual([]);
    await contents(true);
    expect((await whyKept(left)).whys).toEqual([]);
    await contents(false);
    await staysWhole(left);
    rmSync(onDisk(location), { recursive: true });
    await changed('delete from snapshot_reach where snapshot = $1', [id]);
    expect((await whyKept(left)).message).toContain('could not be read');
    await changed(`update savepoint set origin = 'IMPORTED' where id = $1`, [id]);
    expect((await whyKept(left)).message).toContain('could not be read');
    await contents(true);
    expect((await whyKept(left)).whys).toEqual([]);
  });
});
