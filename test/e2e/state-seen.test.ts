import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { Data } from '../support/graphql-client.js';
import { createSavepoint, endOfSavepoint } from '../support/scenario.js';
import { deploymentOn } from '../support/savepoint-scenario.js';
import { askToStart, jobIn, jobOf } from '../support/start-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

/** Looks come every 2 s where Flink caches its statistics for less. */
const configuration = { 'web.refresh-interval': '100 ms' };

let stateward: Stateward;
let flink: FakeFlink;
let folder: string;
beforeAll(async () => {
  stateward = await startStateward();
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stateward-seen-'));
  flink = await startFakeFlink({ folder, configuration });
});
afterEach(async () => {
  await flink.stop();
  await rm(folder, { recursive: true, force: true });
});

const settings = [
  { key: 'execution.checkpointing.interval', value: '1 s' },
  { key: 'execution.checkpointing.externalized-checkpoint-retention', value: 'RETAIN_ON_CANCELLATION' },
];

async function stateOf(deploymentId: string): Promise<Data> {
  const { deployment } = await stateward.ask(
    `query($id: ID!) { deployment(id: $id) {
       stateOverview { lastCompletedCheckpoint { id } lastFailedCheckpoint { id failureMessage } lastCompletedSavepoint { id }
         newestRestorableState { kind ageMs savepoint { id } checkpoint { id } } lookAgeMs leftBehindBytes savepointBytes failedInARow }
       checkpoints(first: 50, filter: { withOwnSavepoints: true }) { gaps { id } edges { node { id kind state owner savepoint { id } restorable { obstacle } } } }
       leftBehind { count totalBytes checkpoints { edges { node { id restorable { canBeRestored } } } } } } }`,
    { id: deploymentId },
  );
  return deployment;
}
const checkpointsOf = ({ checkpoints }: Data): Data[] => checkpoints.edges.map((edge: Data) => edge.node);

const untilState = (deploymentId: string, what: string, holds: (state: Data) => unknown): Promise<Data> =>
  waitFor(
    async () => {
      const state = await stateOf(deploymentId);
      return holds(state) ? state : false;
    },
    { what, timeoutMs: 30_000 },
  );

describe('the state of a job that lives, ends and is started again', () => {
  it('is seen whole: what was made and failed, what was left behind, and what came of it', async () => {
    const { deploymentId, jobId, flinkJobId } = await deploymentOn(stateward, flink, {
      deployment: { flinkConfiguration: settings },
    });
    const followed: Data[] = [];
    const following = stateward.subscribe(
      `subscription($id: ID!) { deploymentState(deploymentId: $id) { deployment { state } overview { lastCompletedCheckpoint { id } } } }`,
      { id: deploymentId },
      (data) => {
        followed.push(data);
        return data.deploymentState.deployment.state === 'CANCELLED';
      },
    );
    const job = flink.job(flinkJobId);
    job.completeCheckpoint();
    job.failCheckpoint('Checkpoint expired before completing.');
    const { id: savepointId } = await createSavepoint(stateward, deploymentId);
    expect(await endOfSavepoint(stateward, savepointId)).toMatchObject({ state: 'COMPLETED' });
    job.completeCheckpoint();

    const running = await untilState(
      deploymentId,
      'all of it to be seen',
      (state) => checkpointsOf(state).length === 4,
    );
    expect(checkpointsOf(running)).toMatchObject([
      { id: `${jobId}:4`, kind: 'CHECKPOINT', owner: 'FLINK', restorable: { obstacle: 'CHECKPOINT_OF_LIVE_JOB' } },
      {
        id: `${jobId}:3`,
        kind: 'SAVEPOINT',
        owner: 'STATEWARD',
        savepoint: { id: savepointId },
        restorable: { obstacle: null },
      },
      { id: `${jobId}:2`, kind: 'CHECKPOINT', state: 'FAILED', restorable: { obstacle: 'SNAPSHOT_FAILED' } },
      { id: `${jobId}:1`, kind: 'CHECKPOINT', state: 'COMPLETED' },
    ]);
    expect(running.checkpoints.gaps).toEqual([]);
    expect(running.stateOverview).toMatchObject({
      lastCompletedCheckpoint: { id: `${jobId}:4` },
      lastFailedCheckpoint: { id: `${jobId}:2`, failureMessage: 'Checkpoint expired before completing.' },
      lastCompletedSavepoint: { id: savepointId },
      newestRestorableState: { kind: 'SAVEPOINT', savepoint: { id: savepointId }, ageMs: expect.any(Number) },
      failedInARow: 0,
      leftBehindBytes: 0,
    });

    job.setState('CANCELED'); // as a person in Flink's own console would
    await jobIn(stateward, jobId, 'CANCELLED');
    const stopped = await untilState(deploymentId, 'what it left behind', (state) => state.leftBehind.count === 1);
    expect(stopped.leftBehind.checkpoints.edges).toEqual([
      { node: { id: `${jobId}:4`, restorable: { canBeRestored: true } } },
    ]);
    expect(stopped.stateOverview.newestRestorableState).toMatchObject({
      kind: 'CHECKPOINT',
      checkpoint: { id: `${jobId}:4` },
    });
    expect(checkpointsOf(stopped)[0]).toMatchObject({
      id: `${jobId}:4`,
      owner: 'NOBODY',
      restorable: { obstacle: null },
    });
    await following;
    const shown = followed.map(({ deploymentState }) => deploymentState.overview.lastCompletedCheckpoint?.id ?? null);
    expect(shown.at(-1)).toBe(`${jobId}:4`);

    const next = await askToStart(stateward, deploymentId, { strategy: 'LATEST_STATE' });
    expect(next).toMatchObject({ __typename: 'Job' });
    expect(await jobOf(stateward, next.id, 20_000)).toMatchObject({ state: 'RUNNING' });
    const { job: started } = await stateward.ask(
      `query($id: ID!) { job(id: $id) { startedFrom { kind why takenAt savepoint { id } takenByJob { id successors { edges { node { id } } } }
         checkpoint { id startedJobs { edges { node { id } } } } } } }`,
      { id: next.id },
    );
    const successors = { edges: [{ node: { id: next.id } }] };
    expect(started.startedFrom).toMatchObject({
      kind: 'CHECKPOINT',
      why: expect.any(String),
      takenAt: expect.any(String),
      savepoint: null,
      takenByJob: { id: jobId, successors },
      checkpoint: { id: `${jobId}:4`, startedJobs: successors },
    });
  });
});

describe('savepoints in the history of a job', () => {
  it('are ours while they are made and when they have failed, and nobody else’s are', async () => {
    flink.knobs.savepointDurationMs = 600_000;
    const { deploymentId, jobId, flinkJobId } = await deploymentOn(stateward, flink);
    const { id } = await createSavepoint(stateward, deploymentId);
    const making = await untilState(deploymentId, 'it to be seen', (state) => checkpointsOf(state).length === 1);
    expect(checkpointsOf(making)).toMatchObject([
      {
        id: `${jobId}:1`,
        state: 'IN_PROGRESS',
        owner: 'STATEWARD',
        savepoint: { id },
        restorable: { obstacle: 'NOT_COMPLETED' },
      },
    ]);
    flink.job(flinkJobId).setState('CANCELED');
    await jobIn(stateward, jobId, 'CANCELLED');
    const failed = await untilState(deploymentId, 'its end', (state) => checkpointsOf(state)[0]?.state === 'FAILED');
    expect(checkpointsOf(failed)).toMatchObject([
      { owner: 'STATEWARD', savepoint: { id }, restorable: { obstacle: 'SNAPSHOT_FAILED' } },
    ]);
    const { deployment } = await stateward.ask(
      'query($id: ID!) { deployment(id: $id) { checkpoints(first: 5) { edges { node { id } } } } }',
      { id: deploymentId },
    );
    expect(deployment.checkpoints.edges).toEqual([]);
  });

  it('are somebody else’s when nobody here asked for one', async () => {
    flink.knobs.savepointDurationMs = 600_000;
    const { deploymentId, flinkJobId } = await deploymentOn(stateward, flink);
    const reply = await fetch(`${flink.url}/jobs/${flinkJobId}/savepoints`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ 'cancel-job': false, 'target-directory': `file://${folder}/theirs` }),
    });
    expect(reply.status).toBe(202);
    const seen = await untilState(deploymentId, 'it to be seen', (state) => checkpointsOf(state).length === 1);
    expect(checkpointsOf(seen)).toMatchObject([{ state: 'IN_PROGRESS', owner: 'OTHER', savepoint: null }]);
  });
});
