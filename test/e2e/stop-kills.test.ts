import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { deploymentOn } from '../support/savepoint-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { acceptedStop, stopOf } from '../support/stop-scenario.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.js';

const STOP = /^POST \/jobs\/[0-9a-f]{32}\/stop /;
const CANCEL = /^PATCH \/jobs\/[0-9a-f]{32}\?mode=cancel /;

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
  await stateward.stop();
  await proxy.stop();
  await flink.stop();
});

async function startWorker(): Promise<WorkerProcess> {
  const worker = await startWorkerProcess(stateward.databaseUrl, stateward.services.config.dataFolder);
  workers.push(worker);
  return worker;
}

/** Accepts a stop, kills the worker at the call that is held, and lets another one finish, after what is done `between` them. */
async function killedAt(
  hold: (head: RegExp) => Promise<{ gone: Promise<unknown> }>,
  call: RegExp,
  more: object = {},
  between: (stopId: string) => Promise<unknown> = async () => undefined,
) {
  const worker = await startWorker();
  const { deploymentId, flinkJobId } = await deploymentOn(stateward, proxy);
  flink.job(flinkJobId).completeCheckpoint();
  const holding = hold(call);
  const { id } = await acceptedStop(stateward, deploymentId, more);
  const held = await holding;
  worker.signal('SIGKILL');
  await worker.ended;
  await held.gone;
  await between(id);
  await startWorker();
  return { stop: await stopOf(stateward, id, 40_000), flinkJobId };
}

describe('a worker that is killed', () => {
  it('between the note that a stop is sent and the call: the savepoint is made once', async () => {
    const { stop } = await killedAt(proxy.holdRequest, STOP);
    expect(stop).toMatchObject({ state: 'COMPLETED', outcome: 'STOPPED', savepoint: { attempts: [{ sends: 2 }] } });
    expect(flink.savepointsMade.map(({ location }) => location)).toEqual([stop.savepoint.location]);
  });

  it('after Flink took a stop and before its reply: it is not sent again', async () => {
    const { stop } = await killedAt(proxy.holdReply, STOP);
    expect(stop).toMatchObject({ state: 'COMPLETED', outcome: 'STOPPED', savepoint: { attempts: [{ sends: 1 }] } });
    expect(flink.savepointsMade).toHaveLength(1);
  });

  it('between the note that a cancel is sent and the call: the job is cancelled', async () => {
    const { stop, flinkJobId } = await killedAt(proxy.holdRequest, CANCEL, {
      mode: 'WITHOUT_SAVEPOINT',
    });
    expect(stop).toMatchObject({ state: 'COMPLETED', outcome: 'STOPPED' });
    expect(flink.job(flinkJobId).state).toBe('CANCELED');
  });

  it('between the note of a cancel by onFailure and the call: it is sent only if the checkpoint is still young enough', async () => {
    flink.savepointsFailWith('savepoint-poll-failed-unwritable', { afterMs: 0 });
    const onFailure = { action: 'CANCEL_IF_CHECKPOINT_YOUNGER_THAN', checkpointYoungerThanMs: 3_600_000 };
    const { stop, flinkJobId } = await killedAt(proxy.holdRequest, CANCEL, { onFailure }, (id) =>
      stateward.services.database.changed('update stop set cancel_if_younger_ms = 1 where id = $1', [id]),
    );
    expect(stop).toMatchObject({
      state: 'FAILED',
      outcome: 'STILL_RUNNING',
      failure: { code: 'SAVEPOINT_FAILED', message: expect.stringContaining('was not sent again') },
    });
    expect(flink.job(flinkJobId).state).toBe('RUNNING');
  });

  it('after Flink took a cancel and before its reply: the stop is complete', async () => {
    const { stop } = await killedAt(proxy.holdReply, CANCEL, { mode: 'WITHOUT_SAVEPOINT' });
    expect(stop).toMatchObject({ state: 'COMPLETED', outcome: 'STOPPED' });
  });
});
