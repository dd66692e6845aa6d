import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { operatorIdOf } from '../../src/flink/operator-id.js';
import type { Data } from '../support/graphql-client.js';
import * as written from '../support/metadata-writer.js';
import { createSavepoint, endOfSavepoint, type Scenario } from '../support/scenario.js';
import { deploymentOn } from '../support/savepoint-scenario.js';
import { askToStart, jobIn, jobOf, runCalls } from '../support/start-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.js';

/** So many that looking for them one by one takes some seconds. */
const FILES = 20_000;

let stateward: Stateward;
let flink: FakeFlink;
let folder: string;
let workers: WorkerProcess[];
beforeEach(async () => {
  workers = [];
  folder = await mkdtemp(join(tmpdir(), 'stateward-look-kills-'));
  stateward = await startStateward({ worker: false });
  flink = await startFakeFlink({ folder });
});
afterEach(async () => {
  for (const worker of workers) worker.signal('SIGKILL');
  await Promise.all(workers.map(({ ended }) => ended));
  await stateward.stop();
  await flink.stop();
  await rm(folder, { recursive: true, force: true });
});

async function startWorker(): Promise<WorkerProcess> {
  const worker = await startWorkerProcess(stateward.databaseUrl, stateward.services.config.dataFolder);
  workers.push(worker);
  return worker;
}

/** As an incremental snapshot that points to files in a folder beside it. */
async function manyFiles({ location }: Data): Promise<void> {
  const shared = `${folder}/savepoints/shared`;
  await mkdir(shared, { recursive: true });
  const names = Array.from({ length: FILES }, (_, n) => `${shared}/${n}`);
  for (let from = 0; from < FILES; from += 500)
    await Promise.all(names.slice(from, from + 500).map((name) => writeFile(name, 'x')));
  const pairs = names.map((name) => written.pair(name, written.absolute(`file:${name}`, 1)));
  const keyed = written.incremental(11, written.none, pairs, []);
  const subtasks = [written.subtask(6, { index: 0, keyed })];
  const counter = written.operator(6, { id: operatorIdOf('counter'), name: 'counter', uid: 'counter', subtasks });
  await writeFile(join(location.replace(/^file:/, ''), '_metadata'), written.metadata(6, [counter]));
}

const looked = async (id: string): Promise<Data> =>
  (await stateward.ask(`query($id: ID!) { job(id: $id) { waitingFor stateLook { result why } } }`, { id })).job;

describe('a worker that is killed in the middle of the look at a state', () => {
  it('is followed by one that looks again and submits once', async () => {
    const first = await startWorker();
    const scenario: Scenario = await deploymentOn(stateward, flink);
    const savepoint = await endOfSavepoint(stateward, (await createSavepoint(stateward, scenario.deploymentId)).id);
    flink.job(scenario.flinkJobId).setState('CANCELED');
    await jobIn(stateward, scenario.jobId, 'CANCELLED');
    await manyFiles(savepoint);
    const before = runCalls(flink).length;

    const start = { strategy: 'FROM_SAVEPOINT', savepointId: savepoint.id };
    const { id } = await askToStart(stateward, scenario.deploymentId, start);
    await waitFor(async () => /\d+ of 20000$/.test((await looked(id)).waitingFor ?? ''), {
      what: 'the progress of the look to be told',
      timeoutMs: 20_000,
    });
    first.signal('SIGKILL');
    await first.ended;
    expect(runCalls(flink)).toHaveLength(before);
    await startWorker();

    expect(await jobOf(stateward, id, 50_000)).toMatchObject({ state: 'RUNNING' });
    expect((await looked(id)).stateLook).toEqual({ result: 'WHOLE', why: null });
    expect(runCalls(flink)).toHaveLength(before + 1);
  }, 120_000);
});
