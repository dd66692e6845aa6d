import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { endRun, insertCompleted, insertImport, insertRun } from '../support/deletion-rows.js';
import { askToDelete } from '../support/deletion-scenario.js';
import { eachOnOneCluster } from '../support/one-cluster.js';
import { createDeployment } from '../support/scenario.js';
import type { Stateward } from '../support/stateward.js';

let stateward: Stateward;
let clusterId: string;
let artifactId: string;
eachOnOneCluster((made) => ({ stateward, clusterId, artifactId } = made));

const changed = (text: string, values: unknown[]) => stateward.services.database.changed(text, values);

interface Run {
  deploymentId: string;
  jobId: string;
}
async function running(): Promise<Run> {
  const deploymentId = await createDeployment(stateward, clusterId, artifactId, randomUUID());
  return { deploymentId, jobId: await insertRun(stateward, deploymentId, clusterId) };
}
/** The first one the oldest. */
async function savepointsOf({ jobId }: Run, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = count; n > 0; n -= 1) ids.push(await insertCompleted(stateward, jobId, n));
  return ids;
}
const del = (id: string, more: object = {}) => askToDelete(stateward, id, more);

/** A run of another deployment that has not completed a checkpoint since it was started from somewhere. */
async function runFrom(set: string, values: unknown[]): Promise<Run> {
  const run = await running();
  await changed(`update job set ${set} where id = $1`, [run.jobId, ...values]);
  await changed('update job_checkpoints set first_completed_id = null where job_id = $1', [run.jobId]);
  return run;
}

describe('the last state of a deployment', () => {
  it('is deleted only where that is said in so many words, beside force', async () => {
    const [only = ''] = await savepointsOf(await running(), 1);
    expect(await del(only, { force: true })).toMatchObject({ code: 'LAST_STATE' });
    expect(await del(only, { lastState: true })).toMatchObject({ code: 'SAVEPOINT_PROTECTED' });
    expect(await del(only, { force: true, lastState: true })).toMatchObject({ state: 'DELETING' });
  });

  it('is not one while another savepoint, or a checkpoint that a run left behind, can be restored from', async () => {
    const run = await running();
    const [old = '', newest = ''] = await savepointsOf(run, 2);
    await changed('update savepoint set drained = true where id = $1', [old]);
    expect(await del(newest, { force: true })).toMatchObject({ code: 'LAST_STATE' });
    await changed(`update savepoint set drained = false, data = 'MISSING' where id = $1`, [old]);
    expect(await del(newest, { force: true })).toMatchObject({ code: 'LAST_STATE' });
    const ended = await insertRun(
      stateward,
      await createDeployment(stateward, clusterId, artifactId, randomUUID()),
      clusterId,
    );
    await endRun(stateward, ended);
    await changed(
      `insert into retained_checkpoint (job_id, deployment_id, flink_checkpoint_id, kind, triggered_at, location, source)
       values ($1, $2, 7, 'CHECKPOINT', now(), 'file:/cp/chk-7', 'STATISTICS')`,
      [ended, run.deploymentId],
    );
    expect(await del(newest, { force: true })).toMatchObject({ state: 'DELETING' });
  });

  it('is one of another deployment, too, that is stopped and would fall back to it', async () => {
    const [source = ''] = await savepointsOf(await running(), 2);
    const other = await runFrom(
      'start_savepoint_id = $2, start_location = (select location from savepoint where id = $2)',
      [source],
    );
    await endRun(stateward, other.jobId);
    const declined = await del(source, { force: true });
    expect(declined).toMatchObject({ code: 'LAST_STATE' });
    const { deployment } = await stateward.ask('query($id: ID!) { deployment(id: $id) { name } }', {
      id: other.deploymentId,
    });
    expect(declined.message).toContain(deployment.name);
    const before = await insertRun(stateward, other.deploymentId, clusterId);
    await changed('update job set run = 0 where id = $1', [before]);
    const kept = await insertCompleted(stateward, before, 9, { drained: true });
    await endRun(stateward, before);
    expect(await del(source, { force: true })).toMatchObject({ code: 'LAST_STATE' });
    await changed('update savepoint set drained = false where id = $1', [kept]);
    expect(await del(source, { force: true })).toMatchObject({ state: 'DELETING' });
  });

  it('is one while all else that Flink has told of is known to be DAMAGED or MISSING', async () => {
    const run = await running();
    const [only = ''] = await savepointsOf(run, 1);
    const damaged = await insertImport(stateward, clusterId, { deploymentId: run.deploymentId, verified: true });
    await changed(`update savepoint set data = 'DAMAGED' where id = $1`, [damaged]);
    const seenByFlink = (flinkId: number, location: string) =>
      changed(
        `insert into checkpoint (job_id, deployment_id, flink_checkpoint_id, triggered_at, kind, state, checkpointed_bytes, state_bytes,
                                 subtasks, acknowledged_subtasks, location)
         values ($1, $2, $3, now(), 'SAVEPOINT', 'COMPLETED', 1, 1, 1, 1, coalesce((select location from savepoint where id::text = $4), $4))`,
        [run.jobId, run.deploymentId, flinkId, location],
      );
    await seenByFlink(5, damaged);
    expect(await del(only, { force: true })).toMatchObject({ code: 'LAST_STATE' });
    await seenByFlink(6, 'file:/elsewhere/savepoint-abc-def');
    await changed(
      `insert into retained_checkpoint (job_id, deployment_id, flink_checkpoint_id, kind, triggered_at, location, source, data)
       values ($1, $2, 6, 'SAVEPOINT', now(), 'file:/elsewhere/savepoint-abc-def', 'STATISTICS', 'MISSING')`,
      [run.jobId, run.deploymentId],
    );
    expect(await del(only, { force: true })).toMatchObject({ code: 'LAST_STATE' });
    await changed(`update retained_checkpoint set data = 'PRESENT' where job_id = $1`, [run.jobId]);
    expect(await del(only, { force: true })).toMatchObject({ state: 'DELETING' });
  });

  it('is also one that no rule protects: a drained savepoint can be restored from, too', async () => {
    const [only = ''] = await savepointsOf(await running(), 1);
    await changed('update savepoint set drained = true where id = $1', [only]);
    expect(await del(only)).toMatchObject({ code: 'LAST_STATE' });
    expect(await del(only, { lastState: true })).toMatchObject({ state: 'DELETING' });
  });
});
