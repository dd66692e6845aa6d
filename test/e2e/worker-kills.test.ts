import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { Data } from '../support/graphql-client.js';
import { createSavepoint, endOfSavepoint, type Scenario } from '../support/scenario.js';
import { deploymentOn, eventsOf, savepointNow } from '../support/savepoint-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { type Held, startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';
import { isAlive, startWorkerProcess, type WorkerProcess } from '../support/worker-process.js';

/** A killed worker's clusters and claims are free after 6 and 10 s. */
const TAKEN_OVER_WITHIN_MS = 15_000;
const TRIGGER = /^POST \/jobs\/[0-9a-f]{32}\/savepoints /;

let stateward: Stateward;
let flink: FakeFlink;
let proxy: TcpProxy;
let workers: WorkerProcess[];
beforeEach(async () => {
  flink = await startFakeFlink();
  proxy = await startTcpProxy(flink.url);
  stateward = await startStateward({ worker: false });
  workers = [];
});
afterEach(async () => {
  for (const worker of workers) worker.signal('SIGKILL');
  await Promise.all(workers.map(({ ended }) => ended));
  const left = workers.filter(({ pid }) => isAlive(pid)).map(({ pid }) => pid);
  await stateward.stop();
  await proxy.stop();
  await flink.stop();
  expect(left).toEqual([]);
});

async function startWorker(): Promise<WorkerProcess> {
  const worker = await startWorkerProcess(stateward.databaseUrl, stateward.services.config.dataFolder);
  workers.push(worker);
  return worker;
}

async function kill(worker: WorkerProcess): Promise<void> {
  worker.signal('SIGKILL');
  await worker.ended;
}

/** Starts another worker and waits for the end of the savepoint: in time, made once, sent with one trigger id. */
async function expectTakenOver(id: string, killedAt: number): Promise<Data> {
  await startWorker();
  const ended = await endOfSavepoint(stateward, id, 30_000);
  const { savepoint } = await stateward.ask(`query($id: ID!) { savepoint(id: $id) { completedAt } }`, { id });
  expect(ended).toMatchObject({ state: 'COMPLETED', failure: null });
  expect(Date.parse(savepoint.completedAt) - killedAt).toBeLessThan(TAKEN_OVER_WITHIN_MS);
  expectMadeOnce(ended);
  return ended;
}

function expectMadeOnce(ended: Data): void {
  expect(flink.savepointsMade.map(({ location }) => location)).toEqual([ended.location]);
  expect(ended.attempts).toHaveLength(1);
  expect(new Set(flink.triggersReceived())).toEqual(new Set([ended.attempts[0].triggerId]));
}

/** A savepoint whose trigger call is caught by the proxy. */
async function caught(hold: (head: RegExp) => Promise<Held>, { deploymentId }: Scenario) {
  const holding = hold(TRIGGER);
  const { id } = await createSavepoint(stateward, deploymentId);
  const held = await holding;
  expect((await savepointNow(stateward, id)).attempts).toMatchObject([{ number: 1, sends: 1 }]);
  return { id: id as string, held };
}

describe('a worker that is killed', () => {
  it('between the note that a savepoint is sent and the call: it is made once', async () => {
    const worker = await startWorker();
    const { id, held } = await caught(proxy.holdRequest, await deploymentOn(stateward, proxy));
    const killedAt = Date.now();
    await kill(worker);
    await held.gone;
    expect(flink.triggersReceived()).toEqual([]);
    const ended = await expectTakenOver(id, killedAt);
    expect(ended.attempts).toMatchObject([{ sends: 2 }]);
    expect(flink.triggersReceived()).toHaveLength(1);
  });

  it('after Flink took the call and before its reply: it is made once', async () => {
    const worker = await startWorker();
    const { id } = await caught(proxy.holdReply, await deploymentOn(stateward, proxy));
    await waitFor(() => flink.savepointsMade.length === 1, { what: 'Flink to make it' });
    const killedAt = Date.now();
    await kill(worker);
    const ended = await expectTakenOver(id, killedAt);
    expect(ended.attempts).toMatchObject([{ sends: 1 }]);
    expect(flink.triggersReceived()).toHaveLength(1);
  });

  it('between the reply and the commit: it is made once', async () => {
    const worker = await startWorker();
    const { id, held } = await caught(proxy.holdReply, await deploymentOn(stateward, proxy));
    const locker = new pg.Client({ connectionString: stateward.databaseUrl });
    await locker.connect();
    let killedAt: number;
    try {
      await locker.query('begin');
      await locker.query('select from savepoint where id = $1 for update', [id]);
      held.release();
      await waitFor(
        () =>
          stateward.services.database.row(
            `select 1 from pg_stat_activity where datname = current_database() and application_name = 'stateward worker'
               and wait_event_type = 'Lock' and query like 'update savepoint%'`,
          ),
        { what: 'the worker to wait with its write' },
      );
      killedAt = Date.now();
      await kill(worker);
      await locker.query('rollback');
    } finally {
      await locker.end();
    }
    expect(await savepointNow(stateward, id)).toMatchObject({ state: 'IN_PROGRESS' });
    await expectTakenOver(id, killedAt);
    expect(flink.triggersReceived()).toHaveLength(1);
  });
});

describe('a worker that is frozen', () => {
  it('just before its call changes nothing when it goes on, since another has done the work', async () => {
    const worker = await startWorker();
    const { id, held } = await caught(proxy.holdRequest, await deploymentOn(stateward, proxy));
    await freeze(worker);
    const ended = await expectTakenOver(id, Date.now());
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
    expectMadeOnce(ended);
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
  it('share the clusters, pass each other what is not theirs, and take over when one is killed', async () => {
    const pair = [await startWorker(), await startWorker()];
    const other = await startFakeFlink();
    try {
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
    } finally {
      await other.stop();
    }
  });

  const ownership = () =>
    stateward.services.database.rows<{ cluster_id: string; pid: number }>(
      `select l.cluster_id, w.pid from cluster_lease l join worker_process w on w.id = l.owner
        where l.owned_until > now() order by l.cluster_id`,
    );
});
