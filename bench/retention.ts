import 'reflect-metadata'; // the stores bring classes of the schema with them
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { Database } from '../src/db/database.js';
import { runMigrations } from '../src/db/migrate.js';
import { protectionsOf } from '../src/deletion/protection.js';
import { readProtectionFacts } from '../src/deletion/protection-facts.js';
import { judgeSavepoints } from '../src/retention/judge-savepoints.js';
import { chooseRetention, type RetentionPolicy } from '../src/retention/retention-choice.js';
import { benchmark, type Open } from './benchmark.js';
import { judge, milliseconds, percentile, printTable } from './figures.js';
import { timed } from './history-days.js';
import { makeDatabase, makeFolder, openPostgres } from './servers.js';

/** What it takes to choose what a retention policy deletes of a deployment with very many savepoints. */

const { values } = parseArgs({
  options: {
    savepoints: { type: 'string', default: '100000' },
    samples: { type: 'string', default: '15' },
    check: { type: 'boolean', default: false },
  },
});
const count = Number(values.savepoints);
const samples = Number(values.samples);

const WARM_MS = 200;
const HOUR_MS = 3_600_000;
/** Both rules say something, and half of them stays. */
const policy: RetentionPolicy = {
  maxCount: Math.round(count / 2),
  maxAgeMs: count * HOUR_MS * 0.75,
  includeStop: true,
  whileStopped: 'CLEAN',
};

async function measure(open: Open): Promise<boolean> {
  const folder = makeFolder(open);
  const postgres = await openPostgres(open, folder);
  const databaseUrl = await makeDatabase(open, postgres.url, 'retention');
  const deploymentId = await seed(databaseUrl);
  const database = await Database.open({ url: databaseUrl, entities: [], connections: 2, applicationName: 'bench' });
  open('the connections', () => database.close());

  const facts = await readProtectionFacts(database, { deploymentId });
  if (facts.savepoints.length !== count) throw new Error(`Only ${facts.savepoints.length} savepoints were read`);
  const now = Date.now();
  const deployment = { stopped: false, unseen: false, firstCheckpointSinceStart: true };
  const { savepoints } = facts;
  const choice: number[] = [];
  const choose = async () => {
    const chosen = chooseRetention({ policy, savepoints, protections: protectionsOf(facts, now), now, deployment });
    what = `${chosen.delete.length} go, ${chosen.keep.length} stay`;
  };
  let what = '';
  for (let sample = 0; sample <= samples; sample++) choice.push(await timed(choose));
  const whole: number[] = [];
  for (let sample = 0; sample <= samples; sample++)
    whole.push(await timed(() => judgeSavepoints(database, deploymentId, policy)));

  const line = (name: string, [cold = Number.NaN, ...warm]: number[]) => [
    name,
    milliseconds(cold),
    milliseconds(percentile(warm, 0.5)),
    milliseconds(percentile(warm, 1)),
  ];
  printTable(`${count} savepoints of one deployment: ${what}`, [
    ['', 'first time', `median of ${samples} more`, 'max of them'],
    line('what protects them, and the choice', choice),
    line('read, chosen and named by a token', whole),
  ]);
  const passed = judge([
    { what: 'the choice, warm median', value: percentile(choice.slice(1), 0.5), atMost: WARM_MS, show: milliseconds },
  ]);
  return passed || !values.check;
}

/** One an hour, made by one run that goes on: two in a hundred by stops, one in a hundred pinned, held, or without its data. */
async function seed(databaseUrl: string): Promise<string> {
  await runMigrations(databaseUrl);
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  const [clusterId, deploymentId, jobId] = [randomUUID(), randomUUID(), randomUUID()];
  try {
    await database.query(
      `insert into cluster (id, name, url, state) values ($1, 'bench', 'http://bench.invalid', 'REACHABLE')`,
      [clusterId],
    );
    await database.query(
      `with made as (
         insert into deployment (id, name, cluster_id, runs, state, observed_at, current_job_id)
         values ($1, 'bench', $3, 1, 'RUNNING', now(), $2) returning id)
       insert into job (id, deployment_id, cluster_id, run, flink_job_id, state, strategy, actor, started_at, took_hold_at, observed_at)
       select $2, id, $3, 1, replace($2::text, '-', ''), 'RUNNING', 'NONE', 'bench', now(), now(), now() from made`,
      [deploymentId, jobId, clusterId],
    );
    await database.query(
      `insert into savepoint (id, deployment_id, job_id, cluster_id, origin, state, format, actor, data, location, triggered_at, completed_at,
                              size_bytes, duration_ms, details, flink_checkpoint_id, created_at, pinned, held_until, hold_reason)
       select gen_random_uuid(), $1, $2, $3, case when n % 50 = 1 then 'STOP' else 'SCHEDULED' end, 'COMPLETED', 'CANONICAL', 'bench',
              case when n % 100 = 5 then 'MISSING' else 'PRESENT' end, 's3://bench/savepoint-' || n, at.made, at.made, 900000000, 2000, 'REPORTED',
              $4::integer - n, at.made, n % 100 = 2, case when n % 100 = 3 then now() + interval '1 day' end, case when n % 100 = 3 then 'audit' end
         from generate_series(1, $4::integer) n
        cross join lateral (select now() - n * interval '1 hour' as made) at`,
      [deploymentId, jobId, clusterId, count],
    );
    await database.query('vacuum (analyze) savepoint');
    return deploymentId;
  } finally {
    await database.end();
  }
}

await benchmark(measure);
