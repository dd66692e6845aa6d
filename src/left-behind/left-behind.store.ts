import type { Claim } from '../db/claims.js';
import type { Sql, Transaction } from '../db/database.js';
import type { Disposer } from '../deletion/choose-disposer.js';
import type { DeletionState } from '../deletion/deletion.enums.js';
import type { Asked } from '../deletion/disposal.store.js';
import type { LeftCheckpoint } from './left-behind-choice.js';

/** Everything that a step of the disposal needs to know, read at once; ages by the database's clock. */
export interface LeftAtWork {
  /** Of the run too. */
  id: string;
  deploymentId: string;
  /** For a person: run 3 of deployment "orders". */
  named: string;
  state: DeletionState;
  /** The run is over, and nothing is started from what it has left. False: it has come back. */
  marked: boolean;
  /** Flink runs a job with its id beside. */
  runsAgain: boolean;
  run: { flinkJobId: string; clusterId: string; createdAt: number; flinkVersion: string | null };
  /** Those that are not gone yet, in the order in which they go. */
  checkpoints: LeftCheckpoint[];
  /** The cluster that is asked, or is to be; null: none can be now. */
  clusterId: string | null;
  begun: boolean;
  /** The one that it is at; null: none yet. */
  checkpointId: number | null;
  disposals: number;
  mayHaveBegun: boolean;
  location: string | null;
  requestId: string | null;
  sentAgoMs: number | null;
  failedTimes: number;
  failedAgoMs: number | null;
  waitingFor: string | null;
  repliesLost: number;
  failures: number;
  proof: 'EMPTY' | 'FLINK_CONFIRMED' | null;
  asked: Asked | null;
}

const epoch = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;
const ago = (column: string) => epoch(`now() - ${column}`);

/** null: the claim is not held any more. */
export async function leftAtWork(sql: Sql, claim: Claim): Promise<LeftAtWork | null> {
  const row = await sql.row<{ work: LeftAtWork }>(
    `select jsonb_build_object('id', l.id, 'deploymentId', l.deployment_id, 'named', 'run ' || j.run || ' of deployment "' || d.name || '"', 'state', l.state,
        'marked', j.checkpoints_going_at is not null and j.state in ('CANCELLED', 'FINISHED', 'FAILED'),
        'runsAgain', exists (select 1 from foreign_job f where f.flink_job_id = j.flink_job_id),
        'run', jsonb_build_object('flinkJobId', j.flink_job_id, 'clusterId', j.cluster_id, 'createdAt', ${epoch('j.created_at')}, 'flinkVersion', coalesce(j.flink_version, k.flink_version)),
        'checkpoints', coalesce((select jsonb_agg(jsonb_build_object('flinkCheckpointId', r.flink_checkpoint_id, 'location', r.location, 'bytes', r.state_bytes)
                                                  order by r.flink_checkpoint_id)
                                   from retained_checkpoint r where r.job_id = l.id and r.kind = 'CHECKPOINT' and r.data <> 'MISSING'), '[]'),
        'clusterId', l.cluster_id, 'begun', l.begun, 'checkpointId', l.checkpoint_id, 'disposals', l.disposals, 'mayHaveBegun', l.may_have_begun,
        'location', l.location, 'requestId', l.request_id, 'sentAgoMs', ${ago('l.sent_at')}, 'failedTimes', l.failed_times,
        'failedAgoMs', ${ago('l.failed_at')}, 'waitingFor', l.waiting_for, 'repliesLost', l.replies_lost, 'failures', l.failures, 'proof', l.proof,
        'asked', (select jsonb_build_object('name', c.name, 'url', c.url, 'gone', c.removed_at is not null or coalesce(c.replaced_at > l.sent_at, false),
                     'silentMs', case when c.state = 'UNREACHABLE' then ${ago('c.state_since')} end, 'keepsResultsMs', c.async_store_duration_ms)
                    from cluster c where c.id = l.cluster_id)) as work
       from left_behind l
       join job j on j.id = l.id
       join deployment d on d.id = l.deployment_id
       join cluster k on k.id = j.cluster_id
      where l.id = $1 and l.claim = $2`,
    [claim.id, claim.claim],
  );
  return row?.work ?? null;
}

/** Clusters that reach a storage now. */
export async function disposersOf(sql: Sql, storageId: string): Promise<Disposer[]> {
  return sql.rows<Disposer>(
    `select c.id as "clusterId", c.name, c.url, c.state, c.flink_version as "flinkVersion", c.process_mark as "processMark", r.uri
       from storage_root r join cluster c on c.id = r.cluster_id
      where r.storage_id = $1 and r.left_at is null and c.removed_at is null`,
    [storageId],
  );
}

/** In the order of their ids, with whatever other run has the same id of Flink: whoever would start from a checkpoint of theirs locks these too. */
export const lockRuns = (tx: Transaction, jobIds: readonly string[]) =>
  tx.rows(
    `select 1 from job where flink_job_id in (select flink_job_id from job where id = any($1)) order by id for no key update`,
    [jobIds],
  );

export interface MarkedRun {
  id: string;
  deploymentId: string;
  named: string;
}

/** Of runs whose rows are locked. One that has left something a second time, since it had come back, begins anew. */
export const beginLeftBehind = (tx: Transaction, runs: readonly { jobId: string; reason: string }[]) =>
  tx.rows<MarkedRun>(
    `with asked as (select * from unnest($1::uuid[], $2::text[]) a(id, reason)),
          begun as (
       insert into left_behind (id, deployment_id, state, reason, look_at)
       select j.id, j.deployment_id, 'WAITING', a.reason, now() from asked a join job j on j.id = a.id
           on conflict (id) do update
          set state = 'WAITING', reason = excluded.reason, asked_at = now(), cluster_id = null, waiting_for = null, begun = false, checkpoint_id = null,
              may_have_begun = false, location = null, request_id = null, sent_at = null, replies_lost = 0, failed_times = 0, failure_code = null,
              failure_message = null, failure_root_cause = null, failed_at = null, left_path = null, left_bytes = null, proof = null, ended_at = null,
              look_at = now(), claim = left_behind.claim + 1, claimed_until = null, failures = 0
        where left_behind.state = 'DONE'
       returning id)
     update job j set checkpoints_going_at = now() from begun b, deployment d
      where j.id = b.id and d.id = j.deployment_id
     returning j.id, j.deployment_id as "deploymentId", 'run ' || j.run || ' of deployment "' || d.name || '"' as named`,
    [runs.map(({ jobId }) => jobId), runs.map(({ reason }) => reason.slice(0, 500))],
  );

/** Those of a deployment that nothing has been asked for yet; locked. */
export async function notBegun(tx: Transaction, deploymentId: string): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(
    `select l.id from left_behind l where l.deployment_id = $1 and l.state <> 'DONE' and not l.begun order by l.id`,
    [deploymentId],
  );
  return rows.map(({ id }) => id);
}

/** Nothing was asked for, or the run has come back: its disposal is none any more, and what it has left may be started from again. */
export async function takeBack(tx: Transaction, id: string, claim: Claim | null): Promise<MarkedRun | null> {
  const row = await tx.row<MarkedRun>(
    `with gone as (delete from left_behind l using job j, deployment d
                    where l.id = $1 and j.id = l.id and d.id = l.deployment_id and (l.claim = $2 or $2::bigint is null and not l.begun)
                   returning l.id, l.deployment_id as "deploymentId", 'run ' || j.run || ' of deployment "' || d.name || '"' as named),
          free as (update job j set checkpoints_going_at = null from gone g where j.id = g.id)
     select * from gone`,
    [id, claim?.claim ?? null],
  );
  return row ?? null;
}

/** One of them is gone. */
export const noteGone = (tx: Transaction, jobId: string, flinkCheckpointId: number) =>
  tx.changed(
    `update retained_checkpoint set data = 'MISSING', data_checked_at = now() where job_id = $1 and flink_checkpoint_id = $2 and kind = 'CHECKPOINT'`,
    [jobId, flinkCheckpointId],
  );

/** Before the row of its disposal in the order of locks. */
export const lockRun = (tx: Transaction, id: string) =>
  tx.changed('select 1 from job where id = $1 for no key update', [id]);

/** Those that a cluster is asked for, or that wait for any. */
export async function wakeLeftBehind(tx: Transaction, clusterId: string): Promise<void> {
  await tx.rows(
    `with waiting as (
       select id from left_behind where (cluster_id = $1 or cluster_id is null) and state in ('WAITING', 'DISPOSING') order by id for no key update),
          woken as (
       update left_behind l set wakes = l.wakes + 1, look_at = least(l.look_at, now()) from waiting w where l.id = w.id returning 1)
     select pg_notify('stateward', 'due') from woken limit 1`,
    [clusterId],
  );
}
