import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import pg from 'pg';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { askToDelete, completedSavepoint, deletionIn, disposalCalls } from '../support/deletion-scenario.js';
import type { Data } from '../support/graphql-client.js';
import { deploymentOn, eventsOf } from '../support/savepoint-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';
import { isAlive, startWorkerProcess, type WorkerProcess } from '../support/worker-process.js';

const DISPOSAL = /^POST \/savepoint-disposal /;

let stateward: Stateward;
let flink: FakeFlink;
let proxy: TcpProxy;
let workers: WorkerProcess[];
let worker: WorkerProcess;
let old: Data;
beforeEach(async () => {
  stateward = await startStateward({ worker: false });
  flink = await startFakeFlink();
  proxy = await startTcpProxy(flink.url);
  workers = [];
  worker = await newWorker();
  const { deploymentId } = await deploymentOn(stateward, proxy);
  old = await completedSavepoint(stateward, deploymentId);
  await completedSavepoint(stateward, deploymentId);
});
afterEach(async () => {
  for (const one of workers) one.signal('SIGKILL');
  await Promise.all(workers.map(({ ended }) => ended));
  const left = workers.filter(({ pid }) => isAlive(pid)).map(({ pid }) => pid);
  await stateward.stop();
  await proxy.stop();
  await flink.stop();
  expect(left).toEqual([]);
});

async function newWorker(): Promise<WorkerProcess> {
  const started = await startWorkerProcess(stateward.databaseUrl, stateward.services.config.dataFolder);
  workers.push(started);
  return started;
}

async function kill(): Promise<void> {
  worker.signal('SIGKILL');
  await worker.ended;
}

/** One savepoint is gone, once, and that is proven and told once; the other is untouched. */
async function expectGoneOnce(): Promise<void> {
  expect(await deletionIn(stateward, old.id, 'DELETED', 30_000)).toMatchObject({
    proof: 'EMPTY',
    deletion: { note: null },
  });
  expect(flink.disposed).toEqual([old.location]);
  expect(existsSync(old.location.replace(/^file:/, ''))).toBe(false);
  const told = (await eventsOf(stateward, old.id)).filter((type) => /^DELETION|DELETED$/.test(type));
  expect(told).toEqual(['DELETION_REQUESTED', 'SAVEPOINT_DELETED']);
  expect(flink.savepointsMade.filter(({ location }) => existsSync(location.replace(/^file:/, '')))).toHaveLength(1);
}

describe('a worker that is killed while it deletes a savepoint', () => {
  it('between the note that a disposal is sent and the call: it is sent by the next one', async () => {
    const holding = proxy.holdRequest(DISPOSAL);
    await askToDelete(stateward, old.id);
    const held = await holding;
    await kill();
    await held.gone;
    expect(disposalCalls(flink)).toEqual([]);
    await newWorker();
    await expectGoneOnce();
    expect(disposalCalls(flink)).toHaveLength(1);
  });

  it('after Flink took the call and before its reply: what it did is seen, and it is not asked again', async () => {
    const holding = proxy.holdReply(DISPOSAL);
    await askToDelete(stateward, old.id);
    const held = await holding;
    await waitFor(() => flink.disposed.length === 1, { what: 'Flink to have done it' });
    await kill();
    await held.gone;
    await newWorker();
    await expectGoneOnce();
    expect(disposalCalls(flink)).toHaveLength(1);
  });

  it('between the reply and the commit: what it did is seen, and it is not asked again', async () => {
    const holding = proxy.holdReply(DISPOSAL);
    await askToDelete(stateward, old.id);
    const held = await holding;
    const locker = new pg.Client({ connectionString: stateward.databaseUrl });
    await locker.connect();
    try {
      await locker.query('begin');
      await locker.query('select from deletion where id = $1 for update', [old.id]);
      held.release();
      await waitFor(
        () =>
          stateward.services.database.row(
            `select 1 from pg_stat_activity where datname = current_database() and application_name = 'stateward worker'
               and wait_event_type = 'Lock' and query like 'update deletion%'`,
          ),
        { what: 'the worker to wait with its write' },
      );
      await kill();
    } finally {
      await locker.end(); // which rolls back
    }
    await newWorker();
    await expectGoneOnce();
    expect(disposalCalls(flink)).toHaveLength(1);
  });
});

describe('a worker that is frozen while it deletes a savepoint', () => {
  it('changes nothing when it goes on, since another has done the work', async () => {
    const holding = proxy.holdReply(DISPOSAL);
    await askToDelete(stateward, old.id);
    const held = await holding;
    await waitFor(() => flink.disposed.length === 1, { what: 'Flink to have done it' });
    await waitFor(
      async () => {
        worker.signal('SIGSTOP');
        const row = await stateward.services.database.row<{ open: number }>(
          `select count(*)::int as open from pg_stat_activity
            where datname = current_database() and state <> 'idle' and pid <> pg_backend_pid() and application_name like 'stateward%'`,
        );
        if (row?.open === 0) return true;
        worker.signal('SIGCONT');
        return false;
      },
      { what: 'the worker to be between two transactions' }, // with a lock in its hands it would be waited for, not overtaken
    );
    await newWorker();
    await expectGoneOnce();
    const rows = () =>
      stateward.services.database.rows(
        `select to_jsonb(s) as savepoint, to_jsonb(d) as deletion from savepoint s join deletion d on d.id = s.id where s.id = $1`,
        [old.id],
      );
    const before = await rows();
    const frozen = await stateward.services.database.row<{ now: Date }>('select now() as now');
    held.release();
    worker.signal('SIGCONT');
    await waitFor(
      () =>
        stateward.services.database.row(
          `select 1 from worker_process where pid = $1 and seen_at > $2::timestamptz + interval '2 s'`,
          [worker.pid, frozen?.now],
        ),
      { what: 'the frozen worker to be at work again' },
    );
    expect(await rows()).toEqual(before);
    await expectGoneOnce();
  });
});
