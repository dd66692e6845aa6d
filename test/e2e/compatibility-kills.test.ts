import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { askToCheck, checkOf, giveState, planCalls } from '../support/check-scenario.js';
import { createSavepoint, endOfSavepoint } from '../support/scenario.js';
import { deploymentOn } from '../support/savepoint-scenario.js';
import { jarRemoved } from '../support/start-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.js';

let stateward: Stateward;
let flink: FakeFlink;
let proxy: TcpProxy;
let workers: WorkerProcess[];
let deploymentId: string;

beforeEach(async () => {
  workers = [];
  stateward = await startStateward({ worker: false });
  flink = await startFakeFlink();
  proxy = await startTcpProxy(flink.url);
  await newWorker();
  ({ deploymentId } = await deploymentOn(stateward, proxy));
  const { id } = await createSavepoint(stateward, deploymentId);
  const { location } = await endOfSavepoint(stateward, id);
  await giveState(location, ['counter']);
}, 60_000);
afterEach(async () => {
  for (const worker of workers) worker.signal('SIGKILL');
  await Promise.all(workers.map(({ ended }) => ended));
  await stateward.stop();
  await proxy.stop();
  await flink.stop();
}, 60_000);

async function newWorker(): Promise<void> {
  workers.push(await startWorkerProcess(stateward.databaseUrl, stateward.services.config.dataFolder));
}

/** And another one takes its place. */
async function killWorker(): Promise<void> {
  const worker = workers.at(-1);
  worker?.signal('SIGKILL');
  await worker?.ended;
  await newWorker();
}

it('a check whose worker is killed while main() runs is carried on by the next: main() runs again, and no jar is left', async () => {
  flink.knobs.mainDurationMs = 60_000;
  const { id } = await askToCheck(stateward, { deploymentId });
  await waitFor(() => planCalls(flink).length === 1, { what: 'the plan call' });
  flink.knobs.mainDurationMs = 0;
  await killWorker();
  const check = await checkOf(stateward, id, 40_000);
  expect(check).toMatchObject({ state: 'COMPLETED', verdict: { mapping: 'FULLY_COMPATIBLE', notChecked: [] } });
  expect(planCalls(flink)).toHaveLength(2);
  await jarRemoved(flink);
}, 60_000);

it('a jar whose upload was not answered before the worker was killed is found by its name and removed', async () => {
  const holding = proxy.holdReply(/^POST \/jars\/upload /);
  const { id } = await askToCheck(stateward, { deploymentId });
  await holding;
  await waitFor(() => flink.jarIds.length === 1, { what: 'the jar to lie on the cluster' });
  const [left = ''] = flink.jarIds;
  expect(left).toMatch(new RegExp(`_stateward-check-${id}\\.jar$`));
  await killWorker();
  expect(await checkOf(stateward, id, 40_000)).toMatchObject({ state: 'COMPLETED' });
  await jarRemoved(flink);
}, 60_000);
