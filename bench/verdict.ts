import 'reflect-metadata'; // the stores bring classes of the schema with them
import { randomBytes, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { zipOf } from '../demo/fake-flink/zip-file.js';
import { advanceCheck } from '../src/check/advance-check.js';
import { CheckCalls } from '../src/check/check-calls.js';
import { CHECK_LIMITS } from '../src/check/check-deps.js';
import { insertCheck } from '../src/check/check.store.js';
import type { FlinkClients } from '../src/cluster/flink-clients.js';
import { Storage } from '../src/cluster/storage.entity.js';
import { claimOne } from '../src/db/claims.js';
import { Database } from '../src/db/database.js';
import { KeptClaims } from '../src/db/kept-claims.js';
import { runMigrations } from '../src/db/migrate.js';
import type { FlinkApi, PlannedOperator } from '../src/flink/flink.types.js';
import { Job } from '../src/job/job.entity.js';
import { SnapshotKind } from '../src/job/snapshot-kind.js';
import { createLogger } from '../src/logger.js';
import { LongCalls } from '../src/run/long-calls.js';
import { DataState } from '../src/savepoint/savepoint.enums.js';
import { benchmark, type Open } from './benchmark.js';
import { judge, milliseconds, percentile, printTable } from './figures.js';
import { madeMetadata, operatorOf } from './made-metadata.js';
import { makeDatabase, makeFolder, openPostgres } from './servers.js';

/** What a verdict on a program of very many operators costs beyond the plan itself: reading, judging, and writing down. */

const { values } = parseArgs({
  options: {
    operators: { type: 'string', default: '1000' },
    subtasks: { type: 'string', default: '4' },
    samples: { type: 'string', default: '15' },
    check: { type: 'boolean', default: false },
  },
});
const count = Number(values.operators);
const samples = Number(values.samples);
const VERDICT_MS = 300;

/** Half of them have another uid than in the state. */
const operators: PlannedOperator[] = Array.from({ length: count }, (_, index) => ({
  id: operatorOf(index % 2 === 0 ? index : count + index).id,
  name: operatorOf(index).uid,
  parallelism: Number(values.subtasks),
  inputs: index === 0 ? [] : [operatorOf(index - 1).id],
}));

/** Answers at once: the time of a plan is Flink's. */
const flink = {
  processMark: async () => 'mark',
  uploadJar: async () => ({ outcome: 'ACCEPTED', jarId: 'jar' }),
  planJar: async () => ({ outcome: 'ACCEPTED', operators }),
  deleteJar: async () => true,
} as unknown as FlinkApi;

async function measure(open: Open): Promise<boolean> {
  const folder = makeFolder(open);
  const postgres = await openPostgres(open, folder);
  const databaseUrl = await makeDatabase(open, postgres.url, 'verdict');
  await runMigrations(databaseUrl);
  const entities = [Storage, Job];
  const database = await Database.open({ url: databaseUrl, entities, connections: 4, applicationName: 'bench' });
  open('the connections', () => database.close());
  const workerId = randomUUID();
  const seeded = await seed(database, folder, workerId);
  const keptClaims = new KeptClaims(database, workerId, (error) => console.error(error));
  const deps = {
    database,
    flinkClients: { at: () => flink } as unknown as FlinkClients,
    checkCalls: new CheckCalls(new LongCalls(keptClaims, 4)),
    checkLimits: CHECK_LIMITS,
    config: { artifactFolder: folder, secrets: new Map<string, string>(), planJars: true },
    log: createLogger('warn', 'worker'),
  };

  const took: number[] = [];
  for (let sample = 0; sample <= samples; sample++) {
    const id = await newCheck(database, seeded);
    const claim = await claimOne(database, workerId, 'compatibility_check', id);
    if (!claim) throw new Error('The check could not be claimed');
    const began = performance.now();
    await advanceCheck(deps, claim);
    took.push(performance.now() - began);
    const row = await database.row<{ state: string; findings: number }>(
      `select state, jsonb_array_length(verdict->'findings') as findings from compatibility_check where id = $1`,
      [id],
    );
    if (row?.state !== 'COMPLETED' || row.findings < count / 2)
      throw new Error(`It has ended otherwise: ${JSON.stringify(row)}`);
  }
  const [cold = Number.NaN, ...warm] = took;
  printTable(`${count} operators, half of them without their state`, [
    ['', 'first time', `median of ${samples} more`, 'max of them'],
    [
      'read, judged and written down',
      ...[cold, percentile(warm, 0.5), percentile(warm, 1)].map((ms) => milliseconds(ms)),
    ],
  ]);
  const passed = judge([
    { what: 'a verdict, warm median', value: percentile(warm, 0.5), atMost: VERDICT_MS, show: milliseconds },
  ]);
  return passed || !values.check;
}

type Seeded = Record<'clusterId' | 'deploymentId' | 'artifactId' | 'storageId', string> & { location: string };

async function seed(database: Database, folder: string, workerId: string): Promise<Seeded> {
  const [clusterId = '', deploymentId = '', artifactId = '', storageId = ''] = Array.from({ length: 4 }, () =>
    randomUUID(),
  );
  const sha256 = randomBytes(32).toString('hex');
  await writeFile(join(folder, `${sha256}.jar`), zipOf({ 'bench/Job.class': 'uid' }));
  await mkdir(join(folder, 'savepoint'));
  const made = { operators: count, subtasks: Number(values.subtasks), files: 0 };
  await pipeline(Readable.from(madeMetadata(made)), createWriteStream(join(folder, 'savepoint', '_metadata')));
  await database.rows(
    `insert into cluster (id, name, url, state, flink_version, process_mark) values ($1, 'bench', 'http://bench.invalid', 'REACHABLE', '2.3.0', 'mark')`,
    [clusterId],
  );
  await database.rows(
    `insert into cluster_lease (cluster_id, owner, owned_until) values ($1, $2, now() + interval '1 h')`,
    [clusterId, workerId],
  );
  await database.rows(`insert into storage (id, name, read_root, read_state) values ($1, 'bench', $2, 'PROVEN')`, [
    storageId,
    folder,
  ]);
  await database.rows(`insert into artifact (id, name, sha256, size_bytes) values ($1, 'job.jar', $2, 3)`, [
    artifactId,
    sha256,
  ]);
  await database.rows(`insert into deployment (id, name, cluster_id) values ($1, 'bench', $2)`, [
    deploymentId,
    clusterId,
  ]);
  return { clusterId, deploymentId, artifactId, storageId, location: `file:${folder}/savepoint` };
}

async function newCheck(database: Database, { location, storageId, ...of }: Seeded): Promise<string> {
  const id = randomUUID();
  const place = { storageId, path: 'savepoint' };
  const settings = {
    artifactId: of.artifactId,
    entryClass: null,
    programArguments: [],
    parallelism: null,
    flinkConfiguration: {},
  };
  const point = {
    kind: SnapshotKind.SAVEPOINT,
    savepointId: null,
    jobId: null,
    flinkCheckpointId: 7,
    triggeredAt: null,
    location,
    storage: { id: storageId, path: place.path },
    clusterId: of.clusterId,
    locatedAt: null,
    bytes: null,
    drained: false,
    stopFailedAfter: false,
    ofStop: false,
    data: DataState.PRESENT,
    format: 'CANONICAL' as const,
    stateBackend: 'HASHMAP',
    flinkVersion: '2.3.0',
  };
  const check = { ...of, id, settings, allowNonRestoredState: false, fresh: true, point, location, place };
  await database.transaction((tx) => insertCheck(tx, { ...check, why: 'of the benchmark', actor: 'bench' }, 0));
  return id;
}

await benchmark(measure);
