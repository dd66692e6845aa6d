import { LARGEST_PAGE } from '../api/connection.js';
import type { Sql } from '../db/database.js';
import { asWrongCursor, type Page, placeOf, type Placed } from '../db/pages.js';
import { completed, type CompletedRow, ofHistory, ofLeftBehind, toCheckpoint } from './checkpoint-rows.js';
import type { Checkpoint } from './checkpoint.types.js';
import { type CheckpointFilterInput, CheckpointGap } from './history.types.js';

export const LIVE = `('SUBMITTING', 'INITIALIZING', 'RUNNING', 'RESTARTING', 'STOPPING')`;
/** A page that overlaps with more gaps than these shows the newest of them; all are in the list of gaps. */
const MOST_GAPS = 50;

/**
 * The history of a deployment, newest first. The cursor is (trigger time, id of Flink): rows that arrive later do not
 * shift it, and days behind it are not looked into.
 */
export function checkpointPage(
  sql: Sql,
  page: Page,
  deploymentId: string,
  filter: Partial<CheckpointFilterInput>,
): Promise<Placed<Checkpoint>[]> {
  const values: unknown[] = [deploymentId];
  const where = ['c.deployment_id = $1', ...conditionsOf(filter, values)];
  return pageOf(sql, page, where, values, {
    columns: ofHistory,
    from: 'checkpoint c',
    at: 'c.triggered_at',
    id: 'c.flink_checkpoint_id',
  });
}

/** Checkpoints that ended runs of a deployment retained, newest first. */
export function leftBehindPage(sql: Sql, page: Page, deploymentId: string): Promise<Placed<Checkpoint>[]> {
  const from = 'retained_checkpoint r join job e on e.id = r.job_id';
  return pageOf(sql, page, [`r.deployment_id = $1 and ${isLeftBehind('r', 'e')}`], [deploymentId], {
    columns: ofLeftBehind,
    from,
    at: 'r.triggered_at',
    id: 'r.flink_checkpoint_id',
  });
}

/** Of a run that has come back to life nothing is left behind. */
export const isLeftBehind = (retained: string, job: string) =>
  `${retained}.kind = 'CHECKPOINT' and ${retained}.data <> 'MISSING' and ${job}.state not in ${LIVE}`;

export async function leftBehindTotals(sql: Sql, deploymentId: string) {
  const row = await sql.row<{ bytes: string | null; count: string; unknown: string }>(
    `select sum(r.state_bytes) as bytes, count(*) as count, count(*) filter (where r.state_bytes is null) as unknown
       from retained_checkpoint r join job e on e.id = r.job_id where r.deployment_id = $1 and ${isLeftBehind('r', 'e')}`,
    [deploymentId],
  );
  return {
    totalBytes: Number(row?.bytes ?? 0),
    count: Number(row?.count ?? 0),
    ofUnknownSize: Number(row?.unknown ?? 0),
  };
}

async function pageOf(
  sql: Sql,
  page: Page,
  where: string[],
  values: unknown[],
  { columns, from, at, id }: { columns: string; from: string; at: string; id: string },
): Promise<Placed<Checkpoint>[]> {
  const conditions = [...where];
  if (page.after) {
    // As a subselect: days are left out when it runs, and it is not planned anew for each cursor. The time by itself, too: from the
    // pair alone PostgreSQL does not see which partitions it need not touch.
    const time = `(select $${values.push(page.after.at)}::timestamptz)`;
    conditions.push(`(${at}, ${id}) < (${time}, $${values.push(page.after.id)}::bigint)`, `${at} <= ${time}`);
  }
  const picked = `select ${columns} from ${from} where ${conditions.join(' and ')} order by ${at} desc, ${id} desc limit ${limitOf(page)}`;
  const text = `select x.*, ${placeOf('x.triggered_at')} as place_at from (${completed(picked)}) x order by x.triggered_at desc, x.flink_checkpoint_id desc`;
  try {
    const rows = await sql.rows<CompletedRow & { place_at: string }>(text, values);
    return rows.map((row) => ({
      node: toCheckpoint(row),
      place: { at: row.place_at, id: String(row.flink_checkpoint_id) },
    }));
  } catch (error) {
    throw asWrongCursor(page, error);
  }
}

/**
 * One more than asked for, or some: as text, and of few kinds. From a limit that it does not know PostgreSQL makes no plan to
 * keep, and planning for each page anew over all days takes longer than the page itself.
 */
const limitOf = ({ first }: Page): number => ([20, 50].find((size) => first <= size) ?? LARGEST_PAGE) + 1;

/** Conditions over c. What is seldom and often asked for alone stands as text, so that its partial index is used. */
function conditionsOf(filter: Partial<CheckpointFilterInput>, values: unknown[]): string[] {
  const { states, kinds, types, formats, from, to, jobId, withOwnSavepoints } = filter;
  const where: string[] = [];
  if (states) where.push(isOnly(states, 'FAILED') ? `c.state = 'FAILED'` : `c.state = any($${values.push(states)})`);
  if (kinds) where.push(isOnly(kinds, 'SAVEPOINT') ? `c.kind = 'SAVEPOINT'` : `c.kind = any($${values.push(kinds)})`);
  if (types) where.push(`c.type = any($${values.push(types)})`);
  if (formats) where.push(`c.format = any($${values.push(formats)})`);
  if (from) where.push(`c.triggered_at >= $${values.push(from)}`);
  if (to) where.push(`c.triggered_at < $${values.push(to)}`);
  if (jobId) where.push(`c.job_id = $${values.push(jobId)}`);
  if (!withOwnSavepoints) where.push('c.savepoint_id is null');
  return where;
}

const isOnly = (values: readonly string[], value: string) => values.length === 1 && values[0] === value;

interface GapRow {
  id: string;
  job_id: string;
  from_at: Date;
  to_at: Date;
  missing: number | null;
  reason: CheckpointGap['reason'];
  noticed_at: Date;
}

/** Gaps in the history of a deployment, those that end last first. */
export async function gapPage(sql: Sql, page: Page, deploymentId: string): Promise<Placed<CheckpointGap>[]> {
  const values: unknown[] = [deploymentId];
  const where = ['deployment_id = $1'];
  if (page.after)
    where.push(`(to_at, id) < ($${values.push(page.after.at)}::timestamptz, $${values.push(page.after.id)}::uuid)`);
  try {
    const rows = await sql.rows<GapRow & { place_at: string }>(
      `select *, ${placeOf('to_at')} as place_at from checkpoint_gap where ${where.join(' and ')}
        order by to_at desc, id desc limit $${values.push(page.first + 1)}`,
      values,
    );
    return rows.map((row) => ({ node: toGap(row), place: { at: row.place_at, id: row.id } }));
  } catch (error) {
    throw asWrongCursor(page, error);
  }
}

/** A stretch of a history, both ends included; null: it has no end on that side. */
export interface Stretch {
  from: Date | null;
  to: Date | null;
  jobId: string | null;
}

/** Gaps that overlap with a stretch of the history of a deployment, newest first, at most {@link MOST_GAPS}. */
export async function gapsWithin(
  sql: Sql,
  deploymentId: string,
  { from, to, jobId }: Stretch,
): Promise<CheckpointGap[]> {
  const rows = await sql.rows<GapRow>(
    `select * from checkpoint_gap
      where deployment_id = $1 and to_at >= coalesce($2::timestamptz, '-infinity') and from_at <= coalesce($3::timestamptz, 'infinity')
        and ($4::uuid is null or job_id = $4)
      order by to_at desc, id desc limit $5`,
    [deploymentId, from, to, jobId, MOST_GAPS],
  );
  return rows.map(toGap);
}

const toGap = (row: GapRow): CheckpointGap =>
  Object.assign(new CheckpointGap(), {
    id: row.id,
    jobId: row.job_id,
    from: row.from_at,
    to: row.to_at,
    missing: row.missing,
    reason: row.reason,
    noticedAt: row.noticed_at,
  });
