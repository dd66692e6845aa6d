import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { createSchema } from '../../src/api/schema.js';
import { createApi } from '../../src/api/server.js';
import { deploymentOn } from '../support/savepoint-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.js';

/** One a second: how long it is watched is what is tested, so that this test takes as long. */
const WATCHED_FOR = 60;

let stateward: Stateward;
let flink: FakeFlink;
let worker: WorkerProcess | undefined;
let noting: NodeJS.Timeout | undefined;
beforeEach(async () => {
  stateward = await startStateward({ worker: false });
  flink = await startFakeFlink({ configuration: { 'web.checkpoints.history': '10' }, statisticsCacheMs: 3_000 });
});
afterEach(async () => {
  clearInterval(noting);
  worker?.signal('SIGKILL');
  await worker?.ended;
  await stateward.stop();
  await flink.stop();
});

const startWorker = () => startWorkerProcess(stateward.databaseUrl, stateward.services.config.dataFolder);

/** Another API process comes and goes. */
async function restartApi(): Promise<void> {
  const api = await createApi(stateward.services, await createSchema(stateward.services));
  await api.listen();
  await api.close();
}

const countRecorded = async (jobId: string) =>
  (
    await stateward.services.database.row<{ count: number }>(
      `select count(*)::int as count from checkpoint where job_id = $1 and state = 'COMPLETED'`,
      [jobId],
    )
  )?.count ?? 0;

describe('a job with a checkpoint every second, whose cluster remembers ten', () => {
  it('is recorded without a hole that is not shown, though worker and API are restarted twice', async () => {
    worker = await startWorker();
    flink.knobs.takesCheckpoints = true;
    const { jobId, flinkJobId } = await deploymentOn(stateward, flink, {
      deployment: { flinkConfiguration: [{ key: 'execution.checkpointing.interval', value: '1 s' }] },
    });
    // The fake forgets what has left its list, as Flink does.
    const made = new Map<number, number>();
    const note = () => {
      for (const { id, status, triggeredAt } of flink.job(flinkJobId).snapshots)
        if (status === 'COMPLETED') made.set(id, triggeredAt);
      return Math.max(0, ...made.keys());
    };
    noting = setInterval(note, 500);
    for (const end of ['SIGKILL', 'SIGTERM'] as const) {
      const before = await countRecorded(jobId);
      await waitFor(async () => (await countRecorded(jobId)) > before + 8, {
        what: 'eight more checkpoints',
        timeoutMs: 40_000,
      });
      worker.signal(end);
      await worker.ended;
      await restartApi();
      worker = await startWorker();
    }
    const newest = await waitFor(() => note() >= WATCHED_FOR && note(), {
      what: 'a minute to have passed',
      timeoutMs: 90_000,
    });
    clearInterval(noting);
    const { database } = stateward.services;
    await waitFor(
      () => database.row('select 1 from checkpoint where job_id = $1 and flink_checkpoint_id >= $2', [jobId, newest]),
      { what: `checkpoint ${newest} to be recorded`, timeoutMs: 20_000 },
    );
    const rows = await database.rows<{ id: number }>(
      `select flink_checkpoint_id::int as id from checkpoint where job_id = $1`,
      [jobId],
    );
    const gaps = await database.rows<{ from_at: Date; to_at: Date; missing: number | null }>(
      'select * from checkpoint_gap where job_id = $1',
      [jobId],
    );
    const ids = rows.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const unrecorded = [...made].filter(([id]) => id <= newest && !ids.includes(id));
    const hidden = unrecorded.filter(
      ([, triggeredAt]) =>
        !gaps.some(({ from_at, to_at }) => from_at.getTime() <= triggeredAt && triggeredAt <= to_at.getTime()),
    );
    expect(hidden.map(([id]) => id)).toEqual([]);
    expect(gaps.reduce((sum, { missing }) => sum + (missing ?? 0), 0)).toBe(unrecorded.length);
  }, 150_000);
});
