import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { Data } from '../support/graphql-client.js';
import { deploymentOn } from '../support/savepoint-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { acceptedStop, stopOf } from '../support/stop-scenario.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.js';

const STOP = /^POST \/jobs\/[0-9a-f]{32}\/stop /;
const CANCEL = /^PATCH \/jobs\/[0-9a-f]{32}\?mode=cancel /;

interface Point {
  hold: 'holdRequest' | 'holdReply';
  call: RegExp;
  more?: object;
  prepare?: (flink: FakeFlink) => void;
}

interface Killed {
  flink: FakeFlink;
  flinkJobId: string;
  stopId: string;
}

let stateward: Stateward;
let clusters: { flink: FakeFlink; proxy: TcpProxy }[];
let workers: WorkerProcess[];

async function open(): Promise<void> {
  clusters = [];
  workers = [];
  stateward = await startStateward({ worker: false });
}

async function close(): Promise<void> {
  for (const worker of workers) worker.signal('SIGKILL');
  await Promise.all(workers.map(({ ended }) => ended));
  await stateward.stop();
  for (const { flink, proxy } of clusters) {
    await proxy.stop();
    await flink.stop();
  }
}

async function startWorker(): Promise<WorkerProcess> {
  const worker = await startWorkerProcess(stateward.databaseUrl, stateward.services.config.dataFolder);
  workers.push(worker);
  return worker;
}

/**
 * Accepts a stop for each point, on clusters of their own, and kills the worker when all of their calls are held, which is before the
 * first of them is given up (5 s): they must be reached in about the same time. Another worker is started after what is done `between`.
 */
async function killedAt<P extends string>(
  points: Record<P, Point>,
  between: (killed: Record<P, Killed>) => Promise<unknown> = async () => undefined,
): Promise<Record<P, Killed>> {
  const worker = await startWorker();
  const reached = await Promise.all(
    (Object.entries(points) as [P, Point][]).map(async ([name, { hold, call, more, prepare }]) => {
      const flink = await startFakeFlink();
      const proxy = await startTcpProxy(flink.url);
      clusters.push({ flink, proxy });
      const { deploymentId, flinkJobId } = await deploymentOn(stateward, proxy);
      prepare?.(flink);
      flink.job(flinkJobId).completeCheckpoint();
      const holding = proxy[hold](call);
      const { id } = await acceptedStop(stateward, deploymentId, more);
      return { name, held: await holding, killed: { flink, flinkJobId, stopId: id as string } };
    }),
  );
  worker.signal('SIGKILL');
  await worker.ended;
  await Promise.all(reached.map(({ held }) => held.gone));
  const killed = Object.fromEntries(reached.map((one) => [one.name, one.killed])) as Record<P, Killed>;
  await between(killed);
  await startWorker();
  return killed;
}

const endOf = ({ stopId }: Killed): Promise<Data> => stopOf(stateward, stopId, 40_000);

describe('a worker that is killed', () => {
  const withoutSavepoint = { mode: 'WITHOUT_SAVEPOINT' };
  let killed: Awaited<ReturnType<typeof killAll>>;
  const killAll = () =>
    killedAt({
      beforeStop: { hold: 'holdRequest', call: STOP },
      afterStop: { hold: 'holdReply', call: STOP },
      beforeCancel: { hold: 'holdRequest', call: CANCEL, more: withoutSavepoint },
      afterCancel: { hold: 'holdReply', call: CANCEL, more: withoutSavepoint },
    });
  beforeAll(async () => {
    await open();
    killed = await killAll();
  });
  afterAll(close);

  it('between the note that a stop is sent and the call: the savepoint is made once', async () => {
    const stop = await endOf(killed.beforeStop);
    expect(stop).toMatchObject({ state: 'COMPLETED', outcome: 'STOPPED', savepoint: { attempts: [{ sends: 2 }] } });
    const made = killed.beforeStop.flink.savepointsMade;
    expect(made.map(({ location }) => location)).toEqual([stop.savepoint.location]);
  });

  it('after Flink took a stop and before its reply: it is not sent again', async () => {
    const stop = await endOf(killed.afterStop);
    expect(stop).toMatchObject({ state: 'COMPLETED', outcome: 'STOPPED', savepoint: { attempts: [{ sends: 1 }] } });
    expect(killed.afterStop.flink.savepointsMade).toHaveLength(1);
  });

  it('between the note that a cancel is sent and the call: the job is cancelled', async () => {
    const { flink, flinkJobId } = killed.beforeCancel;
    expect(await endOf(killed.beforeCancel)).toMatchObject({ state: 'COMPLETED', outcome: 'STOPPED' });
    expect(flink.job(flinkJobId).state).toBe('CANCELED');
  });

  it('after Flink took a cancel and before its reply: the stop is complete', async () => {
    expect(await endOf(killed.afterCancel)).toMatchObject({ state: 'COMPLETED', outcome: 'STOPPED' });
  });
});

describe('a worker that is killed in a cancel by onFailure', () => {
  beforeAll(open);
  afterAll(close);

  it('between the note and the call: it is sent only if the checkpoint is still young enough', async () => {
    const onFailure = { action: 'CANCEL_IF_CHECKPOINT_YOUNGER_THAN', checkpointYoungerThanMs: 3_600_000 };
    const fails = (flink: FakeFlink) => flink.savepointsFailWith('savepoint-poll-failed-unwritable', { afterMs: 0 });
    const { cancel } = await killedAt(
      { cancel: { hold: 'holdRequest', call: CANCEL, more: { onFailure }, prepare: fails } },
      ({ cancel: { stopId } }) =>
        stateward.services.database.changed('update stop set cancel_if_younger_ms = 1 where id = $1', [stopId]),
    );
    expect(await endOf(cancel)).toMatchObject({
      state: 'FAILED',
      outcome: 'STILL_RUNNING',
      failure: { code: 'SAVEPOINT_FAILED', message: expect.stringContaining('was not sent again') },
    });
    expect(cancel.flink.job(cancel.flinkJobId).state).toBe('RUNNING');
  });
});
