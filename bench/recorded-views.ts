import type pg from 'pg';
import type { StatewardClient } from '../demo/stateward-client.js';
import type { Ended } from './flink-truth.js';

/** What Stateward knows of the checkpoints of a run, seen in one way. */
export interface View {
  name: string;
  /** As often as it is there. */
  entries: { id: number; state: string }[];
  gaps: Gap[];
}

export interface Gap {
  from: Date;
  to: Date;
  /** null: not known how many. */
  missing: number | null;
  reason: string;
}

export interface Verdict {
  recorded: number;
  /** Of the truth: not there, or in another state. */
  missing: number;
  /** Those that lie in no gap that is shown. */
  outsideGaps: number[];
  /** More than once there. */
  doubled: number[];
  /** As the gaps say. */
  saidToBeMissing: number;
}

export async function viewOfDatabase(database: pg.Client, jobId: string): Promise<View> {
  const { rows: entries } = await database.query<{ id: number; state: string }>(
    'select flink_checkpoint_id::int as id, state from checkpoint where job_id = $1',
    [jobId],
  );
  const { rows: gaps } = await database.query<Gap>(
    'select from_at as "from", to_at as "to", missing, reason from checkpoint_gap where job_id = $1 order by 1',
    [jobId],
  );
  return { name: 'database', entries, gaps };
}

const PAGE = `query($id: ID!, $after: String) { deployment(id: $id) { checkpoints(first: 50, after: $after) {
  edges { node { flinkCheckpointId state } } gaps { id from to missing reason } pageInfo { hasNextPage endCursor } } } }`;

interface Page {
  edges: { node: { flinkCheckpointId: number; state: string } }[];
  gaps: { id: string; from: string; to: string; missing: number | null; reason: string }[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

/** Page by page while new ones are recorded, as a person would, with the gaps that the pages show. */
export async function viewOfPages(client: StatewardClient, deploymentId: string): Promise<View> {
  const entries: View['entries'] = [];
  const gaps = new Map<string, Gap>(); // one that reaches over two pages is shown on both
  let page: Page;
  let after: string | null = null;
  do {
    const variables = { id: deploymentId, after };
    page = (await client.ask<{ deployment: { checkpoints: Page } }>(PAGE, variables)).deployment.checkpoints;
    entries.push(...page.edges.map(({ node }) => ({ id: node.flinkCheckpointId, state: node.state })));
    for (const { id, from, to, ...gap } of page.gaps) gaps.set(id, { ...gap, from: new Date(from), to: new Date(to) });
    after = page.pageInfo.endCursor;
  } while (page.pageInfo.hasNextPage);
  return { name: 'GraphQL pages', entries, gaps: [...gaps.values()] };
}

/** Failed attempts, as the overview and the entries say together: of some Flink makes no entry, and only counts them. */
export async function failedAttempts(
  client: StatewardClient,
  deploymentId: string,
  { entries }: View,
): Promise<number> {
  const { deployment } = await client.ask<{ deployment: { stateOverview: { failedWithoutEntry: number } } }>(
    'query($id: ID!) { deployment(id: $id) { stateOverview { failedWithoutEntry } } }',
    { id: deploymentId },
  );
  return deployment.stateOverview.failedWithoutEntry + entries.filter(({ state }) => state === 'FAILED').length;
}

/** Of every checkpoint in the truth. */
export function judgeView({ entries, gaps }: View, truth: readonly Ended[]): Verdict {
  const found = new Map<number, string[]>();
  for (const { id, state } of entries) found.set(id, [...(found.get(id) ?? []), state]);
  const missing = truth.filter(({ id, state }) => !found.get(id)?.includes(state));
  const isInGap = ({ triggeredAt }: Ended) =>
    gaps.some(({ from, to }) => from.getTime() <= triggeredAt && triggeredAt <= to.getTime());
  return {
    recorded: truth.length - missing.length,
    missing: missing.length,
    outsideGaps: missing.filter((one) => !isInGap(one)).map(({ id }) => id),
    doubled: [...found].filter(([, states]) => states.length > 1).map(([id]) => id),
    saidToBeMissing: gaps.reduce((sum, gap) => sum + (gap.missing ?? 0), 0),
  };
}
