import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { Data } from '../support/graphql-client.js';
import { caught, type KillPoint, killPoints } from '../support/kill-points.js';
import { createSavepoint, endOfSavepoint } from '../support/scenario.js';
import { deploymentOn, eventsOf, savepointNow } from '../support/savepoint-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';
import { isAlive, startWorkerProcess, type WorkerProcess } from '../support/worker-process.js';

/** A killed worker's clusters and claims are free after 6 and 10 s. */
const TAKEN_OVER_WITHIN_MS = 15_000;

interface Cluster {
  flink: FakeFlink;
  proxy: TcpProxy;
}

let stateward: Stateward;
let clusters: Cluster[];
let workers: WorkerProcess[];

async function open(): Promise<void> {
  stateward = await startStateward({ worker: false });
  clusters = [];
  workers = [];
}

async function close(): Promise<void> {
  for (const worker of workers) worker.signal('SIGKILL');
  await Promise.all(workers.map(({ ended }) => ended));
  const left = workers.filter(({ pid }) => isAlive(pid)).map(({ pid }) => pid);
  await stateward.stop();
  for (const { flink, proxy } of clusters) {
    await proxy.stop();
    await flink.stop();
  }
  expect(left).toEqual([]);
}

async function newCluster(): Promise<Cluster> {
  const flink = await startFakeFlink();
  const cluster = { flink, proxy: await startTcpProxy(flink.url) };
  clusters.push(cluster);
  return cluster;
}

async function startWorker(): Promise<WorkerProcess> {
  const worker = await startWorkerProcess(stateward.databaseUrl, stateward.services.config.dataFolder);
  workers.push(worker);
  return worker;
}

async function kill(worker: WorkerProcess): Promise<void> {
  worker.signal('SIGKILL');
  await worker.ended;
}

/** Waits for the end of a savepoint with which another worker goes on: in time, made once, sent with one trigger id. */
async function expectTakenOver({ flink }: Cluster, id: string, killedAt: number): Promise<Data> {
  const ended = await endOfSavepoint(stateward, id, 30_000);
  const { savepoint } = await stateward.ask(`query($id: ID!) { savepoint(id: $id) { completedAt } }`, { id });
  expect(ended).toMatchObject({ state: 'COMPLETED', failure: null });
  expect(Date.parse(savepoint.completedAt) - killedAt).toBeLessThan(TAKEN_OVER_WITHIN_MS);
  expectMadeOnce(flink, ended);
  return ended;
}

function expectMadeOnce(flink: FakeFlink, ended: Data): void {
  expect(flink.savepointsMade.map(({ location }) => location)).toEqual([ended.location]);
  expect(ended.attempts).toHaveLength(1);
  expect(new Set(flink.triggersReceived())).toEqual(new Set([ended.attempts[0].triggerId]));
}

/** One worker, killed while it is at each point with a savepoint, each on a cluster of its own. */
describe('a worker that is killed', () => {
  interface AtPoint extends Cluster {
    id: string;
    /** The savepoint when the worker was there. */
    atPoint: Data;
    /** When it was dead. */
    left: { savepoint: Data; triggers: string[] };
  }
  const at = {} as Record<KillPoint, AtPoint>;
  let killedAt: number;
  beforeAll(async () => {
    await open();
    const worker = await startWorker();
    const points = Object.keys(killPoints) as KillPoint[];
    const places = await Promise.all(
      points.map(async (point) => {
        const cluster = await newCluster();
        return { point, cluster, deployment: await deploymentOn(stateward, cluster.proxy) };
      }),
    );
    const reached = await Promise.all(
      places.map(async (place) => ({
        ...place,
        ...(await killPoints[place.point](stateward, place.cluster.proxy, place.deployment)),
      })),
    );
    const seen = await Promise.all(reached.map(({ id }) => savepointNow(stateward, id)));
    const called = reached.filter(({ point }) => point !== 'between the note that it is sent and the call');
    await waitFor(() => called.every(({ cluster }) => cluster.flink.savepointsMade.length === 1), {
      what: 'Flink to make those that it was asked for',
    });
    killedAt = Date.now();
    await kill(worker);
    await Promise.all(reached.map(({ letGo }) => letGo()));
    for (const [nth, { point, cluster, id }] of reached.entries()) {
      const left = { savepoint: await savepointNow(stateward, id), triggers: cluster.flink.triggersReceived() };
      at[point] = { ...cluster, id, atPoint: seen[nth], left };
    }
    await startWorker();
  });
  afterAll(close);

  it('between the note that a savepoint is sent and the call: it is made once', async () => {
    const { id, atPoint, left, ...cluster } = at['between the note that it is sent and the call'];
    expect(atPoint.attempts).toMatchObject([{ number: 1, sends: 1 }]);
    expect(left.triggers).toEqual([]);
    const ended = await expectTakenOver(cluster, id, killedAt);
    expect(ended.attempts).toMatchObject([{ sends: 2 }]);
    expect(cluster.flink.triggersReceived()).toHaveLength(1);
  });

  it('after Flink took the call and before its reply: it is made once', async () => {
    const { id, atPoint, ...cluster } = at['after Flink took the call and before its reply'];
    expect(atPoint.attempts).toMatchObject([{ number: 1, sends: 1 }]);
    const ended = await expectTakenOver(cluster, id, killedAt);
    expect(ended.attempts).toMatchObject([{ sends: 1 }]);
    expect(cluster.flink.triggersReceived()).toHaveLength(1);
  });

  it('between the reply and the commit: it is made once', async () => {
    const { id, left, ...cluster } = at['between the reply and the commit'];
    expect(left.savepoint).toMatchObject({ state: 'IN_PROGRESS', attempts: [{ number: 1, sends: 1 }] });
    await expectTakenOver(cluster, id, killedAt);
    expect(cluster.flink.triggersReceived()).toHaveLength(1);
  });
});

describe('a worker that is frozen', () => {
  beforeEach(open);
  afterEach(close);

  it('just before its call changes nothing when it goes on, since another has done the work', async () => {
    const worker = await startWorker();
    const cluster = await newCluster();
    const { flink, proxy } = cluster;
    const { id, held } = await caught(stateward, proxy.holdRequest, await deploymentOn(stateward, proxy));
    expect((await savepointNow(stateward, id)).attempts).toMatchObject([{ number: 1, sends: 1 }]);
    await freeze(worker);
    const frozenAt = Date.now();
    await startWorker();
    const ended = await expectTakenOver(cluster, id, frozenAt);
    const row = () => stateward.services.database.row('select * from savepoint where id = $1', [id]);
    const before = await row();
    const events = await eventsOf(stateward, id);

    const { now } = (await stateward.services.database.row<{ now: Date }>('select now() as now')) ?? {};
    held.release(); // its call arrives at Flink after all
    worker.signal('SIGCONT');
    await waitFor(() => flink.triggersReceived().length === 2, { what: 'the late call' });
    await waitFor(
      () =>
        stateward.services.database.row(
          `select 1 from worker_process where pid = $1 and seen_at > $2::timestamptz + interval '2 s'`,
          [worker.pid, now],
        ),
      { what: 'the frozen worker to be at work again' },
    );
    expect(await row()).toEqual(before);
    expect(await eventsOf(stateward, id)).toEqual(events);
    expectMadeOnce(flink, ended);
  });
});

/** Stops a process at a moment when it holds no lock in the database: with one it would be waited for, not overtaken. */
async function freeze(worker: WorkerProcess): Promise<void> {
  await waitFor(
    async () => {
      worker.signal('SIGSTOP');
      const { open } =
        (await stateward.services.database.row<{ open: string }>(
          `select count(*) as open from pg_stat_activity
            where datname = current_database() and state <> 'idle' and pid <> pg_backend_pid() and application_name like 'stateward%'`,
        )) ?? {};
      if (open === '0') return true;
      worker.signal('SIGCONT');
      return false;
    },
    { what: 'the worker to be between two transactions' },
  );
}

describe('two workers', () => {
  beforeEach(open);
  afterEach(close);

  it('share the clusters, pass each other what is not theirs, and take over when one is killed', async () => {
    const pair = [await startWorker(), await startWorker()];
    const [{ flink, proxy }, { flink: other }] = [await newCluster(), await newCluster()];
    const scenarios = [await deploymentOn(stateward, proxy), await deploymentOn(stateward, other)];
    const owners = await waitFor(
      async () => {
        const rows = await ownership();
        return new Set(rows.map(({ pid }) => pid)).size === 2 && rows;
      },
      { what: 'each worker to own one cluster' },
    );
    expect(owners.map(({ pid }) => pid).sort()).toEqual(pair.map(({ pid }) => pid).sort());

    // Tasks land at either worker, whoever owns the cluster.
    for (let round = 0; round < 4; round += 1) {
      for (const { deploymentId } of scenarios) {
        const { id } = await createSavepoint(stateward, deploymentId);
        const ended = await endOfSavepoint(stateward, id);
        expect(ended).toMatchObject({ state: 'COMPLETED', attempts: [{ sends: 1 }] });
        const { ms } =
          (await stateward.services.database.row<{ ms: number }>(
            'select extract(epoch from completed_at - created_at)::float8 * 1000 as ms from savepoint where id = $1',
            [id],
          )) ?? {};
        expect(ms).toBeLessThan(2_000); // the row's own due time would find it only then
      }
    }
    expect(flink.savepointsMade).toHaveLength(4);
    expect(other.savepointsMade).toHaveLength(4);

    const [mine] = scenarios;
    const pid = owners.find(({ cluster_id: clusterId }) => clusterId === mine?.clusterId)?.pid;
    const owner = pair.find((worker) => worker.pid === pid);
    if (!mine || !owner) throw new Error('One of them owns the cluster');
    const killedAt = Date.now();
    await kill(owner);
    const { id } = await createSavepoint(stateward, mine.deploymentId);
    expect(await endOfSavepoint(stateward, id, 30_000)).toMatchObject({
      state: 'COMPLETED',
      attempts: [{ sends: 1 }],
    });
    expect(Date.now() - killedAt).toBeLessThan(TAKEN_OVER_WITHIN_MS);
    expect(flink.savepointsMade).toHaveLength(5);
    const [left] = new Set((await ownership()).map((row) => row.pid));
    expect(left).not.toBe(owner.pid);
  });

  const ownership = () =>
    stateward.services.database.rows<{ cluster_id: string; pid: number }>(
      `select l.cluster_id, w.pid from cluster_lease l join worker_process w on w.id = l.owner
        where l.owned_until > now() order by l.cluster_id`,
    );
});
