import type { ClusterState } from '../cluster/cluster.entity.js';
import { assign } from '../db/assign.js';
import { type Claim, ClaimLost, LEASE_MS } from '../db/claims.js';
import type { Sql, Transaction } from '../db/database.js';
import { type Page, pageOf } from '../db/pages.js';
import { wakeUpFor } from '../db/wake-up.js';
import type { SavepointFormat } from '../deployment/savepoint-format.js';
import type { JobFailureCode, JobState } from '../job/job.entity.js';
import { SavepointAttempt } from './savepoint-attempt.entity.js';
import { Savepoint } from './savepoint.entity.js';
import type {
  DetailsState,
  NoProgressReason,
  SavepointFailureCode,
  SavepointOrigin,
  SavepointState,
} from './savepoint.enums.js';

export interface SavepointFilter {
  deploymentId?: string | null;
  states?: SavepointState[] | null;
  origins?: SavepointOrigin[] | null;
  formats?: SavepointFormat[] | null;
  /** Of their acceptance: from this time on, and before that one. */
  from?: Date | null;
  to?: Date | null;
  /** Somewhere in the description, in any case. */
  text?: string | null;
}

export function savepointPage(sql: Sql, page: Page, filter: SavepointFilter) {
  const values: unknown[] = [];
  return pageOf(sql, Savepoint, 'savepoint', page, conditionsOf(filter, values), values);
}

/** As SQL; their values are added to `values`. */
export function conditionsOf(filter: SavepointFilter, values: unknown[]): string[] {
  const { deploymentId, states, origins, formats, from, to, text } = filter;
  const where: string[] = [];
  if (deploymentId) where.push(`deployment_id = $${values.push(deploymentId)}`);
  if (states) where.push(`state = any($${values.push(states)})`);
  if (origins) where.push(`origin = any($${values.push(origins)})`);
  if (formats) where.push(`format = any($${values.push(formats)})`);
  if (from) where.push(`created_at >= $${values.push(from)}`);
  if (to) where.push(`created_at < $${values.push(to)}`);
  if (text) where.push(`position(lower($${values.push(text)}) in lower(description)) > 0`);
  return where;
}

export const attemptsOf = (sql: Sql, savepointId: string) =>
  sql.entities(SavepointAttempt, 'select * from savepoint_attempt where savepoint_id = $1 order by number', [
    savepointId,
  ]);

/** The one that is PENDING or IN_PROGRESS, stops aside. */
export const savepointUnderWay = (sql: Sql, deploymentId: string) =>
  sql.entity(
    Savepoint,
    `select * from savepoint where deployment_id = $1 and state in ('PENDING', 'IN_PROGRESS') and origin <> 'STOP'`,
    [deploymentId],
  );

export async function insertSavepoint(
  tx: Transaction,
  s: {
    id: string;
    deploymentId: string;
    jobId: string;
    clusterId: string;
    origin: SavepointOrigin;
    format: SavepointFormat;
    description: string | null;
    expectedDurationMs: number | null;
    warnings: { code: string; message: string }[];
    actor: string;
    /** Of a stop. */
    stopId?: string;
    drained?: boolean;
  },
  lookInMs: number,
): Promise<void> {
  await tx.changed(
    `insert into savepoint (id, deployment_id, job_id, cluster_id, origin, state, format, description, expected_duration_ms, warnings, actor, look_at, stop_id, drained)
     values ($1, $2, $3, $4, $5, 'PENDING', $6, $7, $8, $9, $10, now() + $11 * interval '1 ms', $12, $13)`,
    [
      s.id,
      s.deploymentId,
      s.jobId,
      s.clusterId,
      s.origin,
      s.format,
      s.description,
      s.expectedDurationMs,
      JSON.stringify(s.warnings),
      s.actor,
      lookInMs,
      s.stopId ?? null,
      s.drained ?? false,
    ],
  );
}

/** Durations of the last ten of a deployment in a format, newest first. */
export async function lastDurationsMs(sql: Sql, deploymentId: string, format: SavepointFormat): Promise<number[]> {
  const rows = await sql.rows<{ duration_ms: string }>(
    `select duration_ms from savepoint where deployment_id = $1 and format = $2 and duration_ms is not null
      order by created_at desc, id desc limit 10`,
    [deploymentId, format],
  );
  return rows.map((row) => Number(row.duration_ms));
}

/** Nobody's look writes to it until the transaction ends. */
export const lockSavepoint = (tx: Transaction, id: string) =>
  tx.entity(Savepoint, 'select * from savepoint where id = $1 for no key update', [id]);

/** What people say of one, whatever it is at; the row is locked. */
export const setKept = (
  tx: Transaction,
  id: string,
  {
    description,
    pinned,
    heldUntil,
    holdReason,
  }: Pick<Savepoint, 'description' | 'pinned' | 'heldUntil' | 'holdReason'>,
) =>
  tx.changed('update savepoint set description = $2, pinned = $3, held_until = $4, hold_reason = $5 where id = $1', [
    id,
    description,
    pinned,
    heldUntil,
    holdReason,
  ]);

export const pendingOfJob = (tx: Transaction, jobId: string) =>
  tx.entities(Savepoint, `select * from savepoint where job_id = $1 and state = 'PENDING' for update`, [jobId]);

/** Writes a row without a claim: only in a transaction that holds the cluster's lock, from a state that nobody works on. */
export async function moveSavepoint(
  tx: Transaction,
  id: string,
  from: SavepointState[],
  set: Record<string, unknown>,
): Promise<boolean> {
  const values: unknown[] = [id, from];
  return (
    (await tx.changed(
      `update savepoint set ${assign(set, values).join(', ')} where id = $1 and state = any($2)`,
      values,
    )) === 1
  );
}

/** Takes a row away from whoever looks at it now, and makes it due: their late writes are refused. */
export async function takeAway(tx: Transaction, id: string, lookInMs: number): Promise<void> {
  await tx.rows(
    `with due as (
       update savepoint set claim = claim + 1, claimed_until = null, look_at = now() + $2 * interval '1 ms' where id = $1 returning 1)
     select pg_notify('stateward', 'due') from due`,
    [id, lookInMs],
  );
}

export async function insertAttempt(
  tx: Transaction,
  a: Pick<SavepointAttempt, 'savepointId' | 'number' | 'triggerId' | 'storageId' | 'directory' | 'processMark'>,
): Promise<void> {
  await tx.changed(
    `insert into savepoint_attempt (savepoint_id, number, trigger_id, storage_id, directory, process_mark, stored_at)
     values ($1, $2, $3, $4, $5, $6, now())`,
    [a.savepointId, a.number, a.triggerId, a.storageId, a.directory, a.processMark],
  );
}

export async function updateAttempt(
  tx: Sql,
  savepointId: string,
  number: number,
  set: Record<string, unknown>,
): Promise<void> {
  const values: unknown[] = [savepointId, number];
  await tx.changed(
    `update savepoint_attempt set ${assign(set, values).join(', ')} where savepoint_id = $1 and number = $2`,
    values,
  );
}

/**
 * Written before a call leaves: whatever happens then, it is known that it may have been sent. Holds the claim for a new
 * lease. Throws ClaimLost when it is not held any more, and then the call must not leave.
 */
export async function writeSend(sql: Sql, claim: Claim, attempt: number): Promise<void> {
  const writtenAt = Date.now();
  const changed = await sql.changed(
    `with held as (
       update savepoint set claimed_until = now() + $4 * interval '1 ms',
              look_at = case when wakes = $5 then now() + $4 * interval '1 ms' else look_at end
        where id = $1 and claim = $2 and state = 'IN_PROGRESS' and claimed_until > now() returning id)
     update savepoint_attempt a set sends = sends + 1, last_sent_at = now(), sent_at = coalesce(sent_at, now())
       from held where a.savepoint_id = held.id and a.number = $3`,
    [claim.id, claim.claim, attempt, LEASE_MS, claim.wakes],
  );
  if (changed === 0) throw new ClaimLost(claim);
  claim.claimedAt = writtenAt;
}

/** What Flink tells of running savepoints, of many at once and under their claims; whoever watches one is told. */
export async function writeProgress(
  sql: Sql,
  all: {
    id: string;
    claim: number;
    acknowledgedSubtasks: number | null;
    totalSubtasks: number | null;
    bytes: number | null;
    noProgress: NoProgressReason | null;
  }[],
): Promise<void> {
  await sql.rows(
    `with told as (
       -- one that somebody writes to just now is about to have news of its own
       select s.id, p.* from savepoint s
         join unnest($1::uuid[], $2::bigint[], $3::int[], $4::int[], $5::bigint[], $6::text[])
              as p(savepoint_id, claim, acknowledged, total, bytes, reason) on s.id = p.savepoint_id
        where s.claim = p.claim and s.state = 'IN_PROGRESS' for no key update of s skip locked),
     written as (
       update savepoint s set acknowledged_subtasks = p.acknowledged, total_subtasks = p.total, progress_bytes = p.bytes,
              no_progress = p.reason, progress_at = now()
         from told p where s.id = p.id returning s.id)
     ${wakeUpFor(`select 'savepoint:' || id from written`)}`,
    [
      all.map(({ id }) => id),
      all.map(({ claim }) => claim),
      all.map(({ acknowledgedSubtasks }) => acknowledgedSubtasks),
      all.map(({ totalSubtasks }) => totalSubtasks),
      all.map(({ bytes }) => bytes),
      all.map(({ noProgress }) => noProgress),
    ],
  );
}

/** Everything that a step needs to know, read at once; ages by the database's clock. */
export interface SavepointAtWork {
  id: string;
  deploymentId: string;
  deploymentName: string;
  state: SavepointState;
  origin: SavepointOrigin;
  /** Of a stop with drain. */
  drained: boolean;
  format: SavepointFormat;
  failureCode: SavepointFailureCode | null;
  inFlight: boolean;
  failures: number;
  stateAgeMs: number;
  /** Until it may be sent; null: at any time. */
  notBeforeInMs: number | null;
  lostForMs: number | null;
  acknowledgedSubtasks: number | null;
  totalSubtasks: number | null;
  progressBytes: number | null;
  progressAgeMs: number | null;
  noProgress: NoProgressReason | null;
  expectedDurationMs: number | null;
  storageId: string | null;
  path: string | null;
  location: string | null;
  detailsState: DetailsState | null;
  /** Its data were looked at since it is COMPLETED. */
  dataChecked: boolean;
  flinkCheckpointId: number | null;
  /** What it holds is kept, by whatever it was told. */
  contentsKept: boolean;
  job: {
    id: string;
    flinkJobId: string;
    state: JobState;
    failureCode: JobFailureCode | null;
    checkpointTimeoutMs: number | null;
    stateBackend: string | null;
  };
  cluster: {
    id: string;
    name: string;
    url: string;
    state: ClusterState;
    processMark: string | null;
    asyncStoreDurationMs: number;
    flinkVersion: string | null;
    clockOffsetMs: number | null;
  };
  attempt: {
    number: number;
    triggerId: string;
    storageId: string;
    directory: string;
    /** Root under which this cluster reaches the storage. */
    rootUri: string;
    processMark: string | null;
    sends: number;
    refusals: number;
    accepted: boolean;
    storedAgoMs: number;
    /** Since the first call; null before it. */
    sentAgoMs: number | null;
    /** Since the last call left, or was about to; null before the first. */
    lastSentAgoMs: number | null;
    /** Epoch ms of the first call, on the database's clock; null before it. */
    sentAt: number | null;
  } | null;
}

const ageOf = (column: string) => `(extract(epoch from now() - ${column}) * 1000)::float8`;
const epochOf = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

/** null: the claim is not held any more. */
export async function savepointAtWork(sql: Sql, claim: Claim): Promise<SavepointAtWork | null> {
  const row = await sql.row<{ work: SavepointAtWork }>(
    `select jsonb_build_object(
        'id', s.id, 'deploymentId', s.deployment_id, 'deploymentName', d.name, 'state', s.state, 'origin', s.origin, 'drained', s.drained, 'format', s.format,
        'failureCode', s.failure_code, 'inFlight', s.in_flight, 'failures', s.failures, 'stateAgeMs', ${ageOf('s.state_since')},
        'notBeforeInMs', -${ageOf('s.not_before')}, 'lostForMs', ${ageOf('s.lost_since')}, 'acknowledgedSubtasks', s.acknowledged_subtasks, 'totalSubtasks', s.total_subtasks,
        'progressBytes', s.progress_bytes, 'progressAgeMs', ${ageOf('s.progress_at')}, 'noProgress', s.no_progress, 'expectedDurationMs', s.expected_duration_ms,
        'storageId', s.storage_id, 'path', s.path, 'location', s.location, 'detailsState', s.details,
        'dataChecked', s.data_checked_at is not null, 'flinkCheckpointId', s.flink_checkpoint_id,
        'contentsKept', exists (select 1 from snapshot_contents h where h.savepoint_id = s.id),
        'job', jsonb_build_object('id', j.id, 'flinkJobId', j.flink_job_id, 'state', j.state, 'failureCode', j.failure_code,
                                  'checkpointTimeoutMs', j.checkpoint_timeout_ms, 'stateBackend', j.state_backend),
        'cluster', jsonb_build_object('id', c.id, 'name', c.name, 'url', c.url, 'state', c.state, 'processMark', c.process_mark,
                                      'asyncStoreDurationMs', c.async_store_duration_ms, 'flinkVersion', c.flink_version,
                                      'clockOffsetMs', c.clock_offset_ms),
        'attempt', case when a.number is null then null else jsonb_build_object(
            'number', a.number, 'triggerId', a.trigger_id, 'storageId', a.storage_id, 'directory', a.directory, 'rootUri', r.uri,
            'processMark', a.process_mark, 'sends', a.sends, 'refusals', a.refusals, 'accepted', a.accepted_at is not null,
            'storedAgoMs', ${ageOf('a.stored_at')}, 'sentAgoMs', ${ageOf('a.sent_at')}, 'lastSentAgoMs', ${ageOf('a.last_sent_at')}, 'sentAt', ${epochOf('a.sent_at')}) end) as work
       from savepoint s
       join deployment d on d.id = s.deployment_id
       join job j on j.id = s.job_id
       join cluster c on c.id = s.cluster_id
       left join savepoint_attempt a on a.savepoint_id = s.id and a.number = s.attempt
       left join storage_root r on r.storage_id = a.storage_id and r.cluster_id = s.cluster_id
      where s.id = $1 and s.claim = $2`,
    [claim.id, claim.claim],
  );
  return row?.work ?? null;
}
