import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { StatewardClient } from '../demo/stateward-client.js';
import type { FakeFleet } from './fake-fleet.js';
import { forEachAtOnce, type SeededDeployment } from './seed-deployments.js';
import type { CostWatch, Sample } from './watch-costs.js';

export interface Run {
  clusters: number;
  jobs: number;
  savepointMs: number;
  atOnce: number;
  giveUpMs: number;
  deployments: readonly SeededDeployment[];
  databaseUrl: string;
  apiUrl: string;
  fleet: FakeFleet;
  costs: CostWatch;
  /** Memory of the worker before it knew a cluster. */
  idleBytes: number;
}

export interface Asked {
  began: Sample;
  /** When the last mutation was answered. */
  answered: Sample;
  mutationMs: number[];
}

export interface Ended {
  /** When the fake clusters had all their triggers; null: never. */
  triggered: Sample | null;
  /** When the fake clusters made the first and the last savepoint. */
  firstMade: Sample | null;
  lastMade: Sample | null;
  /** When every row had ended. */
  settled: Sample | null;
  /** At most so many were triggered and not made yet, in the clusters' own count. */
  peakInFlight: number;
  /** From the first to the last moment at which at least 90 % of the peak were in flight. */
  plateau: { from: Sample; to: Sample } | null;
}

const ASK_EVERY_MS = 500;

/** One savepoint of each deployment, so many mutations at once. */
export async function askThemAll({ apiUrl, deployments, atOnce, costs }: Run): Promise<Asked> {
  const client = new StatewardClient(apiUrl);
  const mutationMs: number[] = [];
  const began = costs.take();
  await forEachAtOnce(deployments, atOnce, async ({ id }) => {
    const sentAt = performance.now();
    await client.change('createSavepoint', { deploymentId: id }, '... on Savepoint { id }');
    mutationMs.push(performance.now() - sentAt);
  });
  return { began, answered: costs.take(), mutationMs };
}

/** Follows the clusters' own count, which costs the product nothing, until every savepoint is made and every row has ended. */
export async function followToTheEnd(run: Run, { began }: Asked): Promise<Ended> {
  const { fleet, costs, deployments, giveUpMs } = run;
  const seen: { sample: Sample; inFlight: number }[] = [];
  const ended: Ended = {
    triggered: null,
    firstMade: null,
    lastMade: null,
    settled: null,
    peakInFlight: 0,
    plateau: null,
  };
  for (const deadline = performance.now() + giveUpMs; performance.now() < deadline; await sleep(ASK_EVERY_MS)) {
    const { triggered, made } = await fleet.progress();
    const sample = costs.take();
    seen.push({ sample, inFlight: triggered - made });
    if (triggered >= deployments.length) ended.triggered ??= sample;
    if (made > 0) ended.firstMade ??= sample;
    if (made >= deployments.length) ended.lastMade ??= sample;
    if (ended.lastMade && (await haveAllEnded(run))) {
      ended.settled = costs.take();
      break;
    }
  }
  ended.peakInFlight = Math.max(...seen.map(({ inFlight }) => inFlight));
  const high = seen.filter(({ inFlight }) => inFlight >= 0.9 * ended.peakInFlight);
  const [from, to] = [high[0]?.sample, high.at(-1)?.sample];
  if (from && to && to.at > from.at) {
    ended.plateau = { from, to };
    costs.note('at least 90 % in flight', from, to);
  }
  costs.note('whole run', began, ended.settled ?? costs.take());
  return ended;
}

async function haveAllEnded({ databaseUrl }: Run): Promise<boolean> {
  const rows = await query<{ left: number }>(
    databaseUrl,
    `select count(*)::int as left from savepoint where state in ('PENDING', 'IN_PROGRESS')`,
  );
  return rows[0]?.left === 0;
}

/** One statement on a connection of its own. */
export async function query<T>(databaseUrl: string, statement: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query(statement)).rows as T[];
  } finally {
    await client.end();
  }
}
