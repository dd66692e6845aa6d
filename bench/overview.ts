import { parseArgs } from 'node:util';
import pg from 'pg';
import { StatewardClient } from '../demo/stateward-client.js';
import { benchmark, type Open } from './benchmark.js';
import { judge, milliseconds, percentile, printTable, seconds, spread } from './figures.js';
import { seedHistory, type SeededRun } from './history-seed.js';
import { makeDatabase, makeFolder, openPostgres, startApi } from './servers.js';

/** What the overview of a deployment costs whose history is full: weeks of checkpoints, years of savepoints, many runs. */

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '2000000' },
    'deep-rows': { type: 'string', default: '260000' },
    deployments: { type: 'string', default: '200' },
    days: { type: 'string', default: '30' },
    savepoints: { type: 'string', default: '50000' },
    runs: { type: 'string', default: '500' },
    samples: { type: 'string', default: '2000' },
    check: { type: 'boolean', default: false },
  },
});
const samples = Number(values.samples);
const WARM_UP = 100;

const CHECKPOINT =
  'id triggeredAt endedAt durationMs checkpointedBytes stateBytes location failureMessage restorable { canBeRestored reason }';
const QUERY = `query($id: ID!) { deployment(id: $id) { name state stateOverview {
  lastCompletedCheckpoint { ${CHECKPOINT} } lastFailedCheckpoint { ${CHECKPOINT} } failedInARow failedWithoutEntry
  lastCompletedSavepoint { id completedAt durationMs sizeBytes } lastFailedSavepoint { id failure { code message failedAt } }
  newestRestorableState { kind location triggeredAt ageMs ageUnknown savepoint { id } checkpoint { id } }
  storedBytes savepointBytes leftBehindBytes ofUnknownSize lastLookAt lookAgeMs clockOffsetMs } } }`;

async function measure(open: Open): Promise<boolean> {
  const folder = makeFolder(open);
  const postgres = await openPostgres(open, folder);
  const databaseUrl = await makeDatabase(open, postgres.url, 'overview');
  const began = performance.now();
  const { deep, others, rows } = await seedHistory(databaseUrl, {
    days: Number(values.days),
    rows: Number(values.rows),
    deepRows: Number(values['deep-rows']),
    deployments: Number(values.deployments),
  });
  await fill(databaseUrl, deep);
  console.log(
    `\n${rows} checkpoints, and of one deployment ${values.savepoints} savepoints and ${values.runs} ended runs, written in ${seconds(performance.now() - began)}`,
  );
  const api = new StatewardClient((await startApi(open, { folder, databaseUrl })).url);
  const figures = { full: await ask(api, [deep]), others: await ask(api, others) };
  printTable(`the overview of a deployment, ${samples} times`, [
    ['', 'p50', 'p99', 'max'],
    ['with a full history', ...spread(figures.full)],
    ['of others, in turn', ...spread(figures.others)],
  ]);
  const p99 = percentile(figures.full, 0.99);
  const passed = judge([
    { what: 'p99 of an overview with a full history', value: p99, atMost: 30, show: milliseconds },
  ]);
  return passed || !values.check;
}

/** Ended runs that each left a checkpoint behind, and savepoints of which one in fifty failed and most are deleted. */
async function fill(databaseUrl: string, { deploymentId, jobId }: SeededRun): Promise<void> {
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  try {
    await database.query(
      `insert into job (id, deployment_id, cluster_id, run, flink_job_id, state, strategy, actor, ended_at, end_read_at, end_read_from)
       select gen_random_uuid(), $1, d.cluster_id, -n, replace(gen_random_uuid()::text, '-', ''), 'CANCELLED', 'NONE', 'bench', now(), now(), 'STATISTICS'
         from generate_series(1, $2::integer) n join deployment d on d.id = $1`,
      [deploymentId, Number(values.runs)],
    );
    await database.query(
      `insert into retained_checkpoint (job_id, flink_checkpoint_id, deployment_id, kind, triggered_at, ended_at, state_bytes, checkpointed_bytes, location, source)
       select id, 90, deployment_id, 'CHECKPOINT', now() - interval '40 days' + run * interval '1 day', now(), 900000000, 4000000, 's3://bucket/chk-90', 'STATISTICS'
         from job where deployment_id = $1 and state = 'CANCELLED'`,
      [deploymentId],
    );
    await database.query(
      `insert into job_checkpoints (job_id, deployment_id, looked_at, told_completed, recorded_completed, told_failed, recorded_failed,
              last_completed_id, last_completed_triggered_at, last_completed_at, last_completed_duration_ms, last_completed_bytes,
              last_completed_state_bytes, last_completed_location, last_failed_id, last_failed_triggered_at, last_failed_at, last_failed_message)
       select id, deployment_id, now(), 90, 90, 3, 3, 90, now(), now(), 800, 4000000, 900000000, 's3://bucket/chk-90', 70, now(), now(), 'expired'
         from job where deployment_id = $1 or id = $2`,
      [deploymentId, jobId],
    );
    await database.query(
      `insert into savepoint (id, deployment_id, job_id, cluster_id, origin, state, format, actor, data, location, triggered_at, completed_at,
              size_bytes, duration_ms, details, failed_at, failure_code, failure_message, created_at)
       select gen_random_uuid(), $1, $2, d.cluster_id, 'SCHEDULED', k.state, 'CANONICAL', 'bench', 'PRESENT', 's3://bucket/savepoint-' || n,
              at.made, case when k.state <> 'FAILED' then at.made end, case when k.state <> 'FAILED' then 900000000 end, 2000,
              case when k.state <> 'FAILED' then 'REPORTED' end, case when k.state = 'FAILED' then at.made end,
              case when k.state = 'FAILED' then 'EXPIRED' end, case when k.state = 'FAILED' then 'It took too long.' end, at.made
         from generate_series(1, $3::integer) n join deployment d on d.id = $1
        cross join lateral (select now() - n * interval '10 min' as made) at
        cross join lateral (select case when n % 50 = 7 then 'FAILED' when n > 5000 then 'DELETED' else 'COMPLETED' end as state) k`,
      [deploymentId, jobId, Number(values.savepoints)],
    );
    await database.query('vacuum (analyze) savepoint');
    await database.query('analyze');
  } finally {
    await database.end();
  }
}

/** One after the other. The first ones do not count. */
async function ask(api: StatewardClient, runs: readonly SeededRun[]): Promise<number[]> {
  const taken: number[] = [];
  for (let index = 0; index < samples + WARM_UP; index += 1) {
    const began = performance.now();
    await api.ask(QUERY, { id: runs[index % runs.length]?.deploymentId });
    if (index >= WARM_UP) taken.push(performance.now() - began);
  }
  return taken;
}

await benchmark(measure);
