import 'reflect-metadata'; // checkpointPage brings classes of the schema with it
import { parseArgs } from 'node:util';
import pg from 'pg';
import { StatewardClient } from '../demo/stateward-client.js';
import { checkpointPage } from '../src/checkpoint/checkpoint-page.js';
import type { Sql } from '../src/db/database.js';
import type { Keyset } from '../src/db/pages.js';
import { benchmark, type Open } from './benchmark.js';
import { judge, milliseconds, percentile, printTable, seconds, spread } from './figures.js';
import { loseDays, printLostDays, timed } from './history-days.js';
import { seedHistory, type SeededHistory } from './history-seed.js';
import { makeDatabase, makeFolder, openPostgres, startApi } from './servers.js';

/**
 * What a page of the history costs through GraphQL above the same statement alone, whether a page a million rows deep
 * costs more than the first, and what dropping a day costs against deleting it.
 */

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000000' },
    'deep-rows': { type: 'string', default: '2000000' },
    depth: { type: 'string', default: '1000000' },
    deployments: { type: 'string', default: '1000' },
    days: { type: 'string', default: '30' },
    samples: { type: 'string', default: '1000' },
    check: { type: 'boolean', default: false },
  },
});
const samples = Number(values.samples);
const PAGE = 50;
const WARM_UP = 100;

const QUERY = `query($id: ID!, $after: String, $filter: CheckpointFilterInput) { deployment(id: $id) { checkpoints(first: ${PAGE}, after: $after, filter: $filter) {
  edges { cursor node { id kind type state triggeredAt durationMs checkpointedBytes stateBytes location owner restorable { canBeRestored reason } } }
  pageInfo { hasNextPage endCursor } } } }`;

interface Asked {
  deploymentId: string;
  after: Keyset | null;
  filter?: { states: ['FAILED'] };
}
type Kind = 'first page' | 'deep page' | 'any page' | 'failed ones';

async function measure(open: Open): Promise<boolean> {
  const folder = makeFolder(open);
  const postgres = await openPostgres(open, folder);
  const databaseUrl = await makeDatabase(open, postgres.url, 'history');
  const began = performance.now();
  const history = await seedHistory(databaseUrl, {
    days: Number(values.days),
    rows: Number(values.rows),
    deepRows: Number(values['deep-rows']),
    deployments: Number(values.deployments),
  });
  console.log(
    `\n${history.rows} checkpoints in ${history.days.length} days, written in ${seconds(performance.now() - began)}`,
  );
  const api = new StatewardClient((await startApi(open, { folder, databaseUrl })).url);
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  open('the connection of the SQL alone', () => database.end());

  const pages = await choosePages(database, history);
  const rows: string[][] = [['', 'GraphQL p50', 'p99', 'max', 'SQL alone p50', 'p99', 'max']];
  const figures = {} as Record<Kind, { graphql: number[]; sql: number[] }>;
  for (const [kind, asked] of Object.entries(pages) as [Kind, Asked[]][]) {
    figures[kind] = await readPages(api, database, asked);
    rows.push([kind, ...spread(figures[kind].graphql), ...spread(figures[kind].sql)]);
  }
  printTable(`pages of ${PAGE}, ${samples} of each`, rows);

  const lost = await loseDays(open, databaseUrl, history.days);
  printLostDays(lost);
  const over = percentile(figures['any page'].graphql, 0.99) - percentile(figures['any page'].sql, 0.99);
  const deeper = percentile(figures['deep page'].graphql, 0.5) / percentile(figures['first page'].graphql, 0.5);
  const dropping = percentile(lost.dropMs, 0.5) / percentile(lost.freeMs, 0.5);
  const ratio = (value: number) => `${value.toFixed(2)}×`;
  const passed = judge([
    { what: 'p99 of a page above the SQL alone', value: over, atMost: 20, show: milliseconds },
    { what: `p50 of a page ${values.depth} rows deep, of the first`, value: deeper, atMost: 1.2, show: ratio },
    { what: 'dropping a day, of deleting its rows and their space', value: dropping, atMost: 1 / 5, show: ratio },
  ]);
  return passed || !values.check;
}

/** `any`: every other one at a random place of the long history, the rest first pages of other deployments. */
async function choosePages(database: pg.Client, { deep, others }: SeededHistory): Promise<Record<Kind, Asked[]>> {
  const { deploymentId } = deep;
  const placeAt = async (offset: number): Promise<Keyset> => {
    const { rows } = await database.query<Keyset>(
      `select to_char(triggered_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at, flink_checkpoint_id::text as id from checkpoint
        where deployment_id = $1 order by triggered_at desc, flink_checkpoint_id desc offset $2 limit 1`,
      [deploymentId, offset],
    );
    if (!rows[0]) throw new Error(`The long history has no ${offset} rows: give more --deep-rows.`);
    return rows[0];
  };
  const deepPlace = await placeAt(Number(values.depth));
  const places: Keyset[] = [];
  for (let index = 0; index < 20; index += 1)
    places.push(await placeAt(Math.floor((index / 20) * Number(values['deep-rows']))));
  const repeat = (make: (index: number) => Asked) =>
    Array.from({ length: samples + WARM_UP }, (_, index) => make(index));
  return {
    'first page': repeat(() => ({ deploymentId, after: null })),
    'deep page': repeat(() => ({ deploymentId, after: deepPlace })),
    'any page': repeat((index) =>
      index % 2 === 0
        ? { deploymentId, after: places[(index / 2) % places.length] ?? null }
        : { deploymentId: others[index % others.length]?.deploymentId ?? deploymentId, after: null },
    ),
    'failed ones': repeat(() => ({ deploymentId, after: null, filter: { states: ['FAILED'] } })),
  };
}

/** One after the other, the same page each time through GraphQL and by its statement alone. The first ones do not count. */
async function readPages(api: StatewardClient, database: pg.Client, asked: readonly Asked[]) {
  const figures: { graphql: number[]; sql: number[] } = { graphql: [], sql: [] };
  for (const [index, { deploymentId, after, filter }] of asked.entries()) {
    const cursor = after && Buffer.from(`${after.at}|${after.id}`).toString('base64url');
    const graphqlMs = await timed(async () => {
      const { deployment } = await api.ask<{ deployment: { checkpoints: { edges: object[] } } }>(QUERY, {
        id: deploymentId,
        after: cursor,
        filter,
      });
      if (deployment.checkpoints.edges.length !== PAGE) throw new Error('A page is not full: seed more rows.');
    });
    const statement = await statementOf(deploymentId, after, filter);
    const sqlMs = await timed(() => database.query({ name: `page ${statement.text.length}`, ...statement }));
    if (index < WARM_UP) continue;
    figures.graphql.push(graphqlMs);
    figures.sql.push(sqlMs);
  }
  return figures;
}

/** The very statement that the API sends for a page. */
async function statementOf(deploymentId: string, after: Keyset | null, filter: Asked['filter']) {
  let sent: { text: string; values: unknown[] } | undefined;
  const recording = {
    rows: async (text: string, given: unknown[]) => {
      sent = { text, values: given };
      return [];
    },
  } as unknown as Sql;
  await checkpointPage(recording, { first: PAGE, after }, deploymentId, (filter ?? {}) as object);
  if (!sent) throw new Error('A page sent no statement.');
  return sent;
}

await benchmark(measure);
