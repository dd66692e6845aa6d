import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { sweepRetention } from '../../src/retention/sweep-retention.js';
import { insertCompleted, insertRun, type SavepointColumns, statesOf } from '../support/deletion-rows.js';
import { mutate } from '../support/mutate.js';
import { eachOnOneCluster } from '../support/one-cluster.js';
import { createDeployment } from '../support/scenario.js';
import type { Stateward } from '../support/stateward.js';

let stateward: Stateward;
let clusterId: string;
let artifactId: string;
eachOnOneCluster((made) => ({ stateward, clusterId, artifactId } = made));

const changed = (text: string, values: unknown[]) => stateward.services.database.changed(text, values);
const states = (ids: readonly string[]) => statesOf(stateward, ids);

interface Run {
  deploymentId: string;
  jobId: string;
}

/** Seen a moment ago, with a checkpoint of its own. */
async function running(): Promise<Run> {
  const deploymentId = await createDeployment(stateward, clusterId, artifactId, randomUUID());
  const jobId = await insertRun(stateward, deploymentId, clusterId);
  await changed('update deployment set observed_at = now() where id = $1', [deploymentId]);
  return { deploymentId, jobId };
}

/** The first one the oldest. */
async function savepointsOf({ jobId }: Run, count: number, more: SavepointColumns = {}): Promise<string[]> {
  const ids: string[] = [];
  for (let n = count; n > 0; n -= 1)
    ids.push(await insertCompleted(stateward, jobId, n, { origin: 'SCHEDULED', ...more }));
  return ids;
}

/** Gives the deployment a policy that keeps one savepoint, with a pass. */
async function keepOne({ deploymentId }: Run, more: object = {}): Promise<void> {
  const policy = { maxCount: 1, ...more };
  expect(await mutate(stateward, 'setRetentionPolicy', { deploymentId, policy })).toMatchObject({
    __typename: 'Deployment',
  });
  await sweepRetention(stateward.services.database, deploymentId);
}

it('a policy touches no savepoint of another deployment, nor one of theirs that was imported', async () => {
  const [a, b] = [await running(), await running()];
  const mine = await savepointsOf(a, 2);
  const theirs = await savepointsOf(b, 3);
  const [imported = ''] = await savepointsOf(b, 1, { origin: 'IMPORTED', deployment_id: a.deploymentId });
  await keepOne(a);
  expect(await states(mine)).toEqual(['DELETING', 'COMPLETED']);
  expect(await states([imported, ...theirs])).toEqual(Array(4).fill('COMPLETED'));
});

describe('cleaning', () => {
  it('waits after a start until a checkpoint of the run is complete, or the run has taken hold and makes none', async () => {
    const run = await running();
    const [old = ''] = await savepointsOf(run, 2);
    await changed('update job_checkpoints set first_completed_id = null where job_id = $1', [run.jobId]);
    await keepOne(run);
    expect(await states([old])).toEqual(['COMPLETED']);
    await changed('update job set took_hold_at = null, checkpoint_interval_ms = null where id = $1', [run.jobId]);
    await sweepRetention(stateward.services.database, run.deploymentId);
    expect(await states([old])).toEqual(['COMPLETED']);
    await changed('update job set took_hold_at = now() where id = $1', [run.jobId]);
    await sweepRetention(stateward.services.database, run.deploymentId);
    expect(await states([old])).toEqual(['DELETING']);
  });

  it('waits while nobody has looked at a live run for ten minutes, though its cluster answers', async () => {
    const run = await running();
    const [old = ''] = await savepointsOf(run, 2);
    await changed(`update deployment set observed_at = now() - interval '11 min' where id = $1`, [run.deploymentId]);
    await keepOne(run, { whileStopped: 'CLEAN' });
    expect(await states([old])).toEqual(['COMPLETED']);
    await changed('update deployment set observed_at = now() where id = $1', [run.deploymentId]);
    await sweepRetention(stateward.services.database, run.deploymentId);
    expect(await states([old])).toEqual(['DELETING']);
  });
});
