import { randomUUID } from 'node:crypto';
import type { Database, Sql, Transaction } from '../db/database.js';
import { wakeUpFor } from '../db/wake-up.js';
import type { SnapshotEntry } from '../flink/flink.types.js';
import { accountColumns, type AccountRow, textOf, toAccount, toAccountRow } from './account-row.js';
import type { CheckpointAccount, Gap, Vanished } from './account.types.js';
import { ourSavepointAt } from './our-savepoint.js';

/** A cluster that this worker owns, as a look at its jobs needs it. */
export interface WatchedCluster {
  id: string;
  url: string;
  /** As last read by whoever looks at the cluster itself. */
  processMark: string | null;
  historySize: number;
  clockOffsetMs: number | null;
  configuration: Record<string, string>;
  checkpointRoot: string | null;
}

/** A run whose checkpoints are to be looked at: live, or ended and not read since. */
export interface WatchedRun {
  id: string;
  clusterId: string;
  live: boolean;
  intervalMs: number | null;
  endedAgoMs: number;
}

/** Of a configuration that may have hundreds of keys, those that matter here. */
const keysOf = (column: string) =>
  `jsonb_strip_nulls(jsonb_build_object(${[
    'rest.cache.checkpoint-statistics.timeout',
    'web.refresh-interval',
    'execution.checkpointing.create-subdir',
  ]
    .map((key) => `'${key}', ${column} -> '${key}'`)
    .join(', ')}))`;

const owned = 'select cluster_id from cluster_lease where owner = $1 and owned_until > now()';

export async function watchedClusters(
  database: Database,
  worker: string,
): Promise<{ now: number; clusters: WatchedCluster[] }> {
  const rows = await database.rows<WatchedCluster & { now: number }>(
    `select id, url, process_mark as "processMark", checkpoint_history_size as "historySize", clock_offset_ms::float8 as "clockOffsetMs",
            ${keysOf('configuration')} as configuration, checkpoint_root as "checkpointRoot", extract(epoch from clock_timestamp())::float8 * 1000 as now
       from cluster where id in (${owned}) and facts_read_at is not null`,
    [worker],
  );
  return { now: rows[0]?.now ?? 0, clusters: rows };
}

export const watchedRuns = (database: Database, worker: string): Promise<WatchedRun[]> =>
  database.rows<WatchedRun>(
    `select id, cluster_id as "clusterId", true as live, checkpoint_interval_ms::float8 as "intervalMs", 0 as "endedAgoMs"
       from job where cluster_id in (${owned}) and state in ('INITIALIZING', 'RUNNING', 'RESTARTING', 'STOPPING')
     union all
     select id, cluster_id, false, null, extract(epoch from now() - state_since)::float8 * 1000
       from job where cluster_id in (${owned}) and state in ('CANCELLED', 'FINISHED', 'FAILED') and end_read_at is null`,
    [worker],
  );

/** What a run is looked at with, beside its account. */
export interface RunDetails {
  id: string;
  deploymentId: string;
  clusterId: string;
  run: number;
  flinkJobId: string;
  state: string;
  failureCode: string | null;
  /** Epoch ms on the database's clock. */
  createdAt: number;
  /** Flink's start time, epoch ms. */
  startedAt: number | null;
  startCheckpointId: number | null;
  /** It was adopted, and what it was restored from is not on record. */
  awaitsSource: boolean;
  retainedOnCancellation: boolean | null;
  retainedOnFailure: boolean | null;
  flinkConfiguration: Record<string, string>;
}

export interface LoadedRun {
  details: RunDetails;
  account: CheckpointAccount | null;
  looks: number;
}

export async function loadRuns(sql: Sql, ids: readonly string[]): Promise<LoadedRun[]> {
  const rows = await sql.rows<RunDetails & Partial<AccountRow> & { hasAccount: boolean }>(
    `select j.id, j.deployment_id as "deploymentId", j.cluster_id as "clusterId", j.run, j.flink_job_id as "flinkJobId", j.state,
            j.failure_code as "failureCode", extract(epoch from j.created_at)::float8 * 1000 as "createdAt",
            extract(epoch from j.flink_start_time)::float8 * 1000 as "startedAt",
            case when j.strategy = 'NONE' then 0 else j.start_checkpoint_id::float8 end as "startCheckpointId",
            j.origin = 'ADOPTED' and j.restored_at is null as "awaitsSource",
            (j.checkpointing ->> 'retainedOnCancellation')::boolean as "retainedOnCancellation",
            (j.checkpointing ->> 'retainedOnFailure')::boolean as "retainedOnFailure", j.flink_configuration as "flinkConfiguration",
            a.job_id is not null as "hasAccount", ${accountColumns}
       from job j join cluster k on k.id = j.cluster_id left join job_checkpoints a on a.job_id = j.id where j.id = any($1)`,
    [ids],
  );
  return rows.map((row) => ({
    details: {
      id: row.id,
      deploymentId: row.deploymentId,
      clusterId: row.clusterId,
      run: row.run,
      flinkJobId: row.flinkJobId,
      state: row.state,
      failureCode: row.failureCode,
      createdAt: row.createdAt,
      startedAt: row.startedAt,
      startCheckpointId: row.startCheckpointId,
      awaitsSource: row.awaitsSource,
      retainedOnCancellation: row.retainedOnCancellation,
      retainedOnFailure: row.retainedOnFailure,
      flinkConfiguration: row.flinkConfiguration,
    },
    account: row.hasAccount ? toAccount(row as AccountRow) : null,
    looks: row.hasAccount ? Number(row.looks) : 0,
  }));
}

/** What one look at one run has to be written. */
export interface LookToWrite {
  run: RunDetails;
  /** How often the account has been carried on, this time included. */
  looks: number;
  /** So long ago Flink was asked. */
  agoMs: number;
  account: CheckpointAccount;
  entries: SnapshotEntry[];
  vanished: Vanished[];
  gaps: Gap[];
}

/** Carries accounts on, where nobody else has done so meanwhile; answers the runs of those. Locks their rows in the order of ids. */
export async function writeAccounts(tx: Transaction, looks: readonly LookToWrite[]): Promise<Set<string>> {
  const rows = looks.map(({ run, looks: number, agoMs, account }) =>
    toAccountRow({ jobId: run.id, deploymentId: run.deploymentId, looks: number, agoMs }, account),
  );
  const columns = rows[0]
    ? Object.keys(rows[0]).filter((name) => !['ago_ms', 'job_id', 'deployment_id'].includes(name))
    : [];
  const written = await tx.rows<{ job_id: string }>(
    `insert into job_checkpoints (job_id, deployment_id, looked_at, first_completed_seen_at, ${columns.join(', ')})
     select t.job_id, t.deployment_id, now() - g.ago_ms * interval '1 ms', case when t.first_completed_id is not null then now() end,
            ${columns.map((name) => `t.${name}`).join(', ')}
       from json_array_elements($1::json) e
       cross join lateral json_populate_record(null::job_checkpoints, e) t
       cross join lateral json_to_record(e) g(ago_ms float8)
      order by t.job_id
     on conflict (job_id) do update set looked_at = excluded.looked_at,
            first_completed_seen_at = coalesce(job_checkpoints.first_completed_seen_at, excluded.first_completed_seen_at), ${columns.map((name) => `${name} = excluded.${name}`).join(', ')}
      where job_checkpoints.looks = excluded.looks - 1
     returning job_id`,
    [JSON.stringify(rows)],
  );
  return new Set(written.map((row) => row.job_id));
}

/** Flink answered, and there was nothing new. */
export const touchAccounts = (sql: Sql, touched: readonly { id: string; agoMs: number }[]) =>
  sql.changed(
    `with touched as (select * from unnest($1::uuid[], $2::float8[]) t(id, ago_ms)),
          locked as (select a.job_id, t.ago_ms from job_checkpoints a join touched t on t.id = a.job_id order by a.job_id for no key update of a)
     update job_checkpoints a set looked_at = greatest(a.looked_at, now() - l.ago_ms * interval '1 ms') from locked l where a.job_id = l.job_id`,
    [touched.map(({ id }) => id), touched.map(({ agoMs }) => agoMs)],
  );

export interface EntryToWrite {
  run: Pick<RunDetails, 'id' | 'deploymentId'>;
  entry: SnapshotEntry;
}

/** Any number of times: a row is written when it says something new, an end is never taken back. */
export const writeEntries = (sql: Sql, entries: readonly EntryToWrite[]) =>
  sql.changed(
    `insert into checkpoint as c (job_id, triggered_at, flink_checkpoint_id, deployment_id, kind, type, format, state, ended_at, duration_ms,
            checkpointed_bytes, state_bytes, subtasks, acknowledged_subtasks, location, failure_message, discarded, savepoint_id)
     select t.job, to_timestamp(t.triggered / 1000.0), t.id, t.deployment, t.kind, t.type, t.format, t.state, to_timestamp(t.ended / 1000.0),
            t.duration, t.written, t.size, t.subtasks, t.acknowledged, t.location, t.failure, t.discarded, s.id
       from json_to_recordset($1::json) as t(job uuid, triggered float8, id bigint, deployment uuid, kind text, type text, format text, state text,
              ended float8, duration bigint, written bigint, size bigint, subtasks integer, acknowledged integer, location text, failure text,
              discarded boolean, savepoint uuid)
       left join savepoint s on s.id = t.savepoint
      order by t.job, t.id
     on conflict (job_id, triggered_at, flink_checkpoint_id) do update
        set state = excluded.state, type = excluded.type, format = excluded.format, ended_at = excluded.ended_at, duration_ms = excluded.duration_ms,
            checkpointed_bytes = excluded.checkpointed_bytes, state_bytes = excluded.state_bytes, subtasks = excluded.subtasks,
            acknowledged_subtasks = excluded.acknowledged_subtasks, location = excluded.location, failure_message = excluded.failure_message,
            discarded = c.discarded or excluded.discarded,
            savepoint_id = case when excluded.state = 'COMPLETED' then excluded.savepoint_id else c.savepoint_id end
      where (c.state = 'IN_PROGRESS' or excluded.state = c.state)
        and (c.state, c.discarded, c.acknowledged_subtasks, c.checkpointed_bytes, c.savepoint_id, c.location)
            is distinct from (excluded.state, c.discarded or excluded.discarded, excluded.acknowledged_subtasks, excluded.checkpointed_bytes,
                              coalesce(excluded.savepoint_id, c.savepoint_id), excluded.location)`,
    [JSON.stringify(entries.map(columnsOf))],
  );

function columnsOf({ run, entry }: EntryToWrite) {
  const ended = entry.status === 'COMPLETED' ? (entry.latestAckAt ?? endOf(entry)) : entry.failedAt;
  return {
    job: run.id,
    triggered: entry.triggeredAt,
    id: entry.id,
    deployment: run.deploymentId,
    kind: entry.isSavepoint ? 'SAVEPOINT' : 'CHECKPOINT',
    type: entry.type,
    format: entry.format,
    state: entry.status,
    ended,
    duration: whole(entry.durationMs),
    written: whole(entry.checkpointedBytes),
    size: whole(entry.stateBytes),
    subtasks: entry.subtasks,
    acknowledged: entry.acknowledgedSubtasks,
    location: entry.location,
    failure: entry.failureMessage && textOf(entry.failureMessage),
    discarded: entry.discarded,
    savepoint: entry.isSavepoint ? ourSavepointAt(entry.location, run.deploymentId) : null,
  };
}

const endOf = ({ triggeredAt, durationMs }: SnapshotEntry) => (durationMs === null ? null : triggeredAt + durationMs);
const whole = (figure: number | null) => (figure === null ? null : Math.trunc(figure));

/** Those whose end nobody saw lie in a gap now; of those that failed the message is gone. */
export async function settleVanished(tx: Transaction, runId: string, vanished: readonly Vanished[]): Promise<void> {
  for (const { id, triggeredAt, fate } of vanished) {
    const key = [runId, triggeredAt, id];
    if (fate === 'UNSEEN')
      await tx.changed(
        `delete from checkpoint where job_id = $1 and triggered_at = to_timestamp($2::float8 / 1000) and flink_checkpoint_id = $3 and state = 'IN_PROGRESS'`,
        key,
      );
    else
      await tx.changed(
        `update checkpoint set state = 'FAILED', failure_message = 'Its entry had left the statistics of Flink when its end was looked for.'
          where job_id = $1 and triggered_at = to_timestamp($2::float8 / 1000) and flink_checkpoint_id = $3 and state = 'IN_PROGRESS'`,
        key,
      );
  }
}

export const writeGaps = (tx: Transaction, gaps: readonly (Gap & { run: RunDetails })[]) =>
  tx.changed(
    `insert into checkpoint_gap as g (id, job_id, deployment_id, from_at, to_at, missing, reason)
     select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[], $6::integer[], $7::text[])
     on conflict (job_id, from_at, reason) do update set to_at = greatest(g.to_at, excluded.to_at), missing = greatest(g.missing, excluded.missing)`,
    [
      gaps.map(() => randomUUID()),
      gaps.map(({ run }) => run.id),
      gaps.map(({ run }) => run.deploymentId),
      gaps.map(({ from }) => new Date(from)),
      gaps.map(({ to }) => new Date(to)),
      gaps.map(({ missing }) => missing),
      gaps.map(({ reason }) => reason),
    ],
  );

/** Wakes whoever shows the checkpoints of these deployments, when the transaction commits. */
export const tellDeployments = (tx: Transaction, deploymentIds: readonly string[]) =>
  tx.rows(wakeUpFor(`select 'checkpoints:' || id from unnest($1::text[]) d(id)`), [[...new Set(deploymentIds)]]);
