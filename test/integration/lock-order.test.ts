import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { type Claim, giveBack, type WatchedTable } from '../../src/db/claims.js';
import { EventType } from '../../src/event/event-types.js';
import { liveJobsOf } from '../../src/job/find-job.js';
import { JobState } from '../../src/job/job.entity.js';
import { touchJobs } from '../../src/job/job.store.js';
import { lookAtCluster } from '../../src/job/look-at-cluster.js';
import { commitMove } from '../../src/job/move-seen-job.js';
import { failStop } from '../../src/run/end-stop.js';
import { StopFailureCode, StopOutcome } from '../../src/run/stop.enums.js';
import { stopAtWork } from '../../src/run/stop.store.js';
import { insertJob, insertSavepointOf } from '../support/job-rows.js';
import { mutate } from '../support/mutate.js';
import { createDeployment, registerCluster, uploadJob } from '../support/scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

/**
 * The order of locks (docs/architecture.md), by meeting: another transaction holds the first of two rows, the use case runs into it,
 * and the other goes on to the second. A use case that keeps the order waits with nothing that comes later in its hands.
 */
let stateward: Stateward;
let flink: FakeFlink;
let other: pg.Client;
let clusterId: string;
let [low, high] = ['', ''];

beforeAll(async () => {
  stateward = await startStateward({ worker: false });
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  flink = await startFakeFlink();
  clusterId = await registerCluster(stateward, flink.url, randomUUID(), { savepointBudget: 1 });
  const artifactId = await uploadJob(stateward);
  const ids = [randomUUID(), randomUUID()].map((name) => createDeployment(stateward, clusterId, artifactId, name));
  [low = '', high = ''] = (await Promise.all(ids)).sort();
  other = new pg.Client({ connectionString: stateward.databaseUrl });
  await other.connect();
});
afterEach(async () => {
  await other.end();
  await flink.stop();
});

type Row = readonly [table: 'deployment' | 'job' | 'savepoint' | 'cluster', id: string];
const hold = ([table, id]: Row) => other.query(`select 1 from ${table} where id = $1 for no key update`, [id]);

const waitForLocks = (sessions: number) =>
  waitFor(
    async () => {
      const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      return (await other.query(waiting)).rows.length >= sessions;
    },
    { what: `${sessions} use cases to wait for a row` },
  );

/** Who is stuck with the use case is ended by PostgreSQL (40P01), since it looks for that sooner: that is what fails here. */
async function meet<T>(first: Row, then: Row, useCase: () => Promise<T>): Promise<T> {
  await other.query('begin');
  await other.query(`set local deadlock_timeout = '50ms'`);
  await hold(first);
  const done = useCase();
  done.catch(() => undefined);
  try {
    await waitForLocks(1);
    await hold(then);
  } finally {
    await other.query('rollback');
    await done.catch(() => undefined);
  }
  return done;
}

const run = (deploymentId: string, state = 'RUNNING') => insertJob(stateward, deploymentId, clusterId, state);
const waitingSavepoint = async (deploymentId: string) =>
  insertSavepointOf(stateward, deploymentId, clusterId, await run(deploymentId), 'PENDING');
const changed = (text: string, values: unknown[]) => stateward.services.database.changed(text, values);
const deps = () => ({ ...stateward.services, clusterLoad: { owned: 1 } });
const eventsOf = async (deploymentId: string) =>
  (
    await stateward.services.database.rows<{ type: string }>(
      `select type from event where deployment_id = $1 and type <> 'DEPLOYMENT_CREATED' order by number`,
      [deploymentId],
    )
  ).map(({ type }) => type);

async function claimed(table: WatchedTable, id: string): Promise<Claim> {
  await changed(`update ${table} set claim = 1, claimed_until = now() + interval '1 min' where id = $1`, [id]);
  return { table, id, claim: 1, wakes: 0, claimedAt: Date.now() };
}

const stop = (deploymentId: string, more: object) =>
  mutate(stateward, 'stopDeployment', { deploymentId, ...more }, '... on Stop { id }');

describe('deployments are locked in the order of their ids', () => {
  it('when a run moves, and the savepoint of another one may go on', async () => {
    const id = await run(low, 'RESTARTING');
    await waitingSavepoint(high);
    const job = (await liveJobsOf(stateward.services.database, clusterId)).find((one) => one.id === id);
    if (!job) throw new Error('the run is live');
    const event = { type: EventType.JOB_RUNNING_AGAIN, message: 'It runs again.' };
    await meet(['deployment', low], ['deployment', high], () =>
      commitMove(deps(), clusterId, job, JobState.RUNNING, { set: {}, event, cause: null, inFlink: 'RUNNING' }),
    );
    expect([await eventsOf(low), await eventsOf(high)]).toEqual([['JOB_RUNNING_AGAIN'], ['SAVEPOINT_IN_PROGRESS']]);
  });

  it('when a stop takes the place of a savepoint, and that of another one may go on', async () => {
    await run(high);
    await mutate(stateward, 'createSavepoint', { deploymentId: high });
    await waitingSavepoint(low);
    const more = { mode: 'WITHOUT_SAVEPOINT', whenSavepointRuns: 'ABORT', acceptStateLoss: true };
    const answer = await meet(['deployment', low], ['deployment', high], () => stop(high, more));
    expect(answer).toMatchObject({ __typename: 'Stop' });
    expect(await eventsOf(low)).toEqual(['SAVEPOINT_IN_PROGRESS']);
    expect((await eventsOf(high)).slice(-2)).toEqual(['STOP_REQUESTED', 'SAVEPOINT_FAILED']);
  });

  it('when a stop fails, the run goes on, and the savepoint of another one may too', async () => {
    await run(low);
    const { id } = await stop(low, { mode: 'WITH_SAVEPOINT' });
    await waitingSavepoint(high);
    const claim = await claimed('stop', id);
    const work = await stopAtWork(stateward.services.database, claim);
    if (!work) throw new Error('the claim is held');
    const failure = { code: StopFailureCode.SAVEPOINT_FAILED, message: 'It failed.', rootCause: null };
    await meet(['deployment', low], ['deployment', high], () =>
      failStop(deps(), work, claim, { ...failure, outcome: StopOutcome.STILL_RUNNING, jobState: JobState.RUNNING }),
    );
    expect([await eventsOf(low), await eventsOf(high)]).toEqual([
      ['STOP_REQUESTED', 'STOP_FAILED'],
      ['SAVEPOINT_IN_PROGRESS'],
    ]);
  });

  it('when a cluster is back as another process, and what waited for it goes on', async () => {
    await run(low);
    await waitingSavepoint(high);
    await changed(`update cluster set state = 'UNREACHABLE', process_mark = 'before' where id = $1`, [clusterId]);
    const claim = await claimed('cluster', clusterId);
    await meet(['deployment', low], ['deployment', high], () => lookAtCluster(deps(), claim));
    expect([await eventsOf(low), await eventsOf(high)]).toEqual([
      ['JOBMANAGER_CHANGED'],
      ['JOBMANAGER_CHANGED', 'SAVEPOINT_IN_PROGRESS'],
    ]);
  });

  it('when a cluster was replaced, and its runs and savepoints end', async () => {
    await run(low);
    await insertSavepointOf(stateward, high, clusterId, await run(high), 'IN_PROGRESS');
    const answer = await meet(['deployment', low], ['deployment', high], replaced);
    expect(answer).toMatchObject({ __typename: 'Cluster' });
    expect([await eventsOf(low), await eventsOf(high)]).toEqual([['JOB_FAILED'], ['SAVEPOINT_FAILED', 'JOB_FAILED']]);
  });
});

const replaced = () => {
  flink.changeRoots({ savepointRoot: `file://${flink.folder}/new` });
  return mutate(stateward, 'confirmCluster', { clusterId, identity: 'REPLACED' });
};

describe('deployments are locked last', () => {
  it('behind the runs of a cluster that was replaced', async () => {
    const jobId = await run(low);
    await insertSavepointOf(stateward, low, clusterId, jobId, 'IN_PROGRESS');
    const answer = await meet(['job', jobId], ['deployment', low], replaced);
    expect(answer).toMatchObject({ __typename: 'Cluster' });
  });

  it.each([
    ['that it names', { strategy: 'FROM_SAVEPOINT' }],
    ['that it chooses', { strategy: 'LATEST_SAVEPOINT' }],
  ])('behind the savepoint of a start %s', async (_which, start) => {
    const savepointId = await completedSavepoint(low);
    const named = start.strategy === 'FROM_SAVEPOINT' ? { ...start, savepointId } : start;
    const answer = await meet(['savepoint', savepointId], ['deployment', low], () =>
      mutate(stateward, 'startDeployment', { deploymentId: low, start: named }, '... on Job { id }'),
    );
    expect(answer).toMatchObject({ __typename: 'Job' });
  });
});

describe('several of one kind are locked in the order of their ids', () => {
  /** The one with the higher id comes first, in its table and in the list. */
  async function inProgress(): Promise<[high: string, low: string]> {
    const [first = '', second = ''] = [randomUUID(), randomUUID()].sort();
    for (const [id, deploymentId] of [
      [second, high],
      [first, low],
    ] as const) {
      const jobId = await run(deploymentId);
      await changed(
        `insert into savepoint (id, deployment_id, job_id, cluster_id, origin, state, format, actor, claim, claimed_until)
         values ($1, $2, $3, $4, 'MANUAL', 'IN_PROGRESS', 'CANONICAL', 'test', 1, now() + interval '1 min')`,
        [id, deploymentId, jobId, clusterId],
      );
    }
    return [second, first];
  }

  it('savepoints, when a worker gives back what it follows', async () => {
    const [second, first] = await inProgress();
    const claims = [second, first].map((id) => ({ table: 'savepoint' as const, id, claim: 1, wakes: 0, claimedAt: 0 }));
    await meet(['savepoint', first], ['savepoint', second], () =>
      giveBack(stateward.services.database, 'savepoint', claims),
    );
  });

  it('savepoints, when their storages are merged', async () => {
    const there = await startFakeFlink();
    try {
      const otherClusterId = await registerCluster(stateward, there.url, randomUUID());
      const [second, first] = await inProgress();
      for (const [path, id] of [second, first].entries())
        await changed(
          `update savepoint s set state = 'COMPLETED', storage_id = c.savepoint_storage_id, path = $2 from cluster c
            where c.id = s.cluster_id and s.id = $1`,
          [id, String(path)],
        );
      const [into, keep] = await Promise.all([clusterId, otherClusterId].map(storageOf));
      const answer = await meet(['savepoint', first], ['savepoint', second], () =>
        mutate(stateward, 'mergeStorages', { keep, into: [into] }, '... on Storage { id }'),
      );
      expect(answer).toMatchObject({ __typename: 'Storage', id: keep });
    } finally {
      await there.stop();
    }
  });

  it('runs, when a look writes that they are as they were', async () => {
    const jobs = [await run(low), await run(high)].sort().reverse();
    const [second = '', first = ''] = jobs;
    await changed('update job set parallelism = 1 where id = $1', [second]);
    await changed('update job set parallelism = 1 where id = $1', [first]);
    const seen = jobs.map((id) => ({ id, waitingFor: null }));
    await meet(['job', first], ['job', second], () =>
      touchJobs(stateward.services.database, seen, { processMark: null, flinkVersion: null }),
    );
  });
});

const storageOf = async (id: string) =>
  (
    await stateward.services.database.row<{ id: string }>(
      'select savepoint_storage_id as id from cluster where id = $1',
      [id],
    )
  )?.id;

/** Of a run that has ended, in the storage of its cluster. */
async function completedSavepoint(deploymentId: string): Promise<string> {
  const jobId = await run(deploymentId, 'CANCELLED');
  const id = await insertSavepointOf(stateward, deploymentId, clusterId, jobId, 'COMPLETED');
  await changed(
    `update savepoint s set storage_id = c.savepoint_storage_id, path = 'a/savepoint-1', location = c.savepoint_root || '/a/savepoint-1',
            data = 'PRESENT', details = 'NEVER_REPORTED', triggered_at = now(), completed_at = now()
       from cluster c where s.id = $1 and c.id = s.cluster_id`,
    [id],
  );
  await changed(
    `update job set started_at = now(), took_hold_at = now(), ended_at = now(), end_read_at = now() where id = $1`,
    [jobId],
  );
  await changed('update deployment set runs = 1 where id = $1', [deploymentId]);
  return id;
}

describe('what is decided about a deployment', () => {
  it('is decided where it stands when its turn comes, though it was moved while it waited', async () => {
    const there = await startFakeFlink();
    try {
      const otherClusterId = await registerCluster(stateward, there.url, randomUUID());
      await other.query('begin');
      await hold(['cluster', clusterId]);
      const answer = mutate(
        stateward,
        'startDeployment',
        { deploymentId: low, start: { strategy: 'NONE' } },
        '... on Job { cluster { id } }',
      );
      await waitForLocks(1);
      await other.query('update deployment set cluster_id = $2 where id = $1', [low, otherClusterId]);
      await other.query('update cluster set failures = failures where id = $1', [clusterId]);
      await other.query('commit');
      expect(await answer).toMatchObject({ __typename: 'Job', cluster: { id: otherClusterId } });
    } finally {
      await there.stop();
    }
  });

  it.each([
    ['deleteSavepoint', (savepointId: string) => ({ savepointId })],
    ['deleteSavepoints', (id: string) => ({ filter: { ids: [id] }, dryRun: false })],
    ['updateSavepoint', (savepointId: string) => ({ savepointId, pinned: true })],
    ['recheckSavepoint', (savepointId: string) => ({ savepointId })],
  ])('waits in %s for the cluster where it stands by then', async (mutation, inputOf) => {
    const savepointId = await completedSavepoint(low);
    const there = await startFakeFlink();
    const decider = new pg.Client({ connectionString: stateward.databaseUrl });
    await decider.connect();
    try {
      const otherClusterId = await registerCluster(stateward, there.url, randomUUID());
      await other.query('begin');
      await hold(['cluster', clusterId]);
      const answer = mutate(stateward, mutation, inputOf(savepointId));
      await waitForLocks(1);
      await other.query('update deployment set cluster_id = $2 where id = $1', [low, otherClusterId]);
      await decider.query('begin');
      await decider.query('select 1 from cluster where id = $1 for no key update', [otherClusterId]);
      await other.query('commit');
      await waitForLocks(1);
      await decider.query('update savepoint set pinned = pinned where id = $1', [savepointId]); // the row is not locked yet
      await decider.query('commit');
      expect((await answer).__typename).toBeDefined();
    } finally {
      await decider.query('rollback');
      await decider.end();
      await there.stop();
    }
  });

  it('is not decided by a definition that is being changed', async () => {
    await other.query('begin');
    await hold(['cluster', clusterId]);
    const update = mutate(stateward, 'updateDeployment', { deploymentId: low, parallelism: 3 });
    await waitForLocks(1);
    const start = mutate(
      stateward,
      'startDeployment',
      { deploymentId: low, start: { strategy: 'NONE' } },
      '... on Job { parallelism }',
    );
    await waitForLocks(2);
    await other.query('commit');
    expect(await update).toMatchObject({ __typename: 'Deployment' });
    expect(await start).toMatchObject({ __typename: 'Job' });
    const told = await eventsOf(low);
    const { parallelism } = (await start) as { parallelism: number | null };
    expect([told, parallelism]).toEqual(
      told[0] === 'DEPLOYMENT_UPDATED'
        ? [['DEPLOYMENT_UPDATED', 'START_REQUESTED'], 3]
        : [['START_REQUESTED', 'DEPLOYMENT_UPDATED'], null],
    );
  });
});
