import { LIVE } from '../checkpoint/checkpoint-page.js';
import type { Sql, Transaction } from '../db/database.js';
import type { SavepointState } from '../savepoint/savepoint.enums.js';
import type { WhereItLies } from './containment.js';
import type { DeletionRule, DeletionScope } from './deletion.enums.js';
import { ATTEMPTS, CONTAINED } from './disposal.store.js';

/** Locked, in the order of their ids, so that two who want several never wait for each other. */
export async function lockCompleted(tx: Transaction, ids: readonly string[]): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(
    `select id from savepoint where id = any($1) and state = 'COMPLETED' order by id for no key update`,
    [ids],
  );
  return rows.map(({ id }) => id);
}

export interface DeletionRequest {
  rule: DeletionRule;
  scope: DeletionScope;
  reason: string | null;
  actor: string;
}

export interface MarkedSavepoint {
  id: string;
  deploymentId: string | null;
  jobId: string | null;
  clusterId: string | null;
  location: string | null;
  sizeBytes: number | null;
}

/** Of rows that are locked. Whoever still read details of one is refused from now on. */
export const beginDeletions = (tx: Transaction, ids: readonly string[], request: DeletionRequest) =>
  tx.rows<MarkedSavepoint>(
    `with marked as (
       update savepoint set state = 'DELETING', state_since = now(), claim = claim + 1, claimed_until = null, look_at = null,
              details = case when details = 'NOT_YET_REPORTED' then 'NEVER_REPORTED' else details end
        where id = any($1) and state = 'COMPLETED'
       returning id, deployment_id, job_id, cluster_id, location, size_bytes),
     begun as (
       insert into deletion (id, deployment_id, cluster_id, state, scope, rule, reason, actor, look_at)
       select id, deployment_id, cluster_id, 'WAITING', $2, $3, $4, $5, now() from marked)
     select id, deployment_id as "deploymentId", job_id as "jobId", cluster_id as "clusterId", location, size_bytes::float8 as "sizeBytes" from marked`,
    [ids, request.scope, request.rule, request.reason, request.actor],
  );

/** What decides whether a savepoint may be deleted, besides what needs it. */
export interface SavepointToDelete extends WhereItLies {
  id: string;
  deploymentId: string | null;
  state: SavepointState;
  location: string | null;
  sizeBytes: number | null;
}

const TO_DELETE = `jsonb_build_object('id', s.id, 'deploymentId', s.deployment_id, 'state', s.state, 'kind', s.kind, 'origin', s.origin,
  'verified', s.verified, 'storageId', s.storage_id, 'path', s.path, 'location', s.location, 'sizeBytes', s.size_bytes, 'attempts', ${ATTEMPTS}, ${CONTAINED})`;

/** In the order of their ids; locked, so that whoever would start from one, pin it or delete it too comes second. */
export async function savepointsToDelete(
  sql: Sql,
  ids: readonly string[],
  { lock }: { lock: boolean },
): Promise<Map<string, SavepointToDelete>> {
  const rows = await sql.rows<{ one: SavepointToDelete }>(
    `select ${TO_DELETE} as one from savepoint s where s.id = any($1) order by s.id ${lock ? 'for no key update of s' : ''}`,
    [ids],
  );
  return new Map(rows.map(({ one }) => [one.id, one]));
}

/** What a deployment could be started from. */
export interface Restorable {
  deploymentName: string;
  /** Savepoints of its own. What is imported is nobody's but who names it. */
  savepointIds: string[];
  /** There is something that is no savepoint of ours: what its ended runs left, or others made. */
  somethingElse: boolean;
}

/** Judged by its own row alone: a record of Flink's at the same place says nothing more of its data. */
const withoutRow = (location: string) => `not exists (select 1 from savepoint o
  where o.deployment_id = d.id and o.location = ${location} and o.proof is distinct from 'RECORD_ONLY')`;

/** By deployment. */
export async function restorableOf(sql: Sql, deploymentIds: readonly string[]): Promise<Map<string, Restorable>> {
  const rows = await sql.rows<{ id: string } & Restorable>(
    `select d.id, d.name as "deploymentName",
            array(select s.id from savepoint s where s.deployment_id = d.id and s.state = 'COMPLETED' and s.origin <> 'IMPORTED'
                     and not s.drained and s.data not in ('MISSING', 'DAMAGED')) as "savepointIds",
            exists (select 1 from retained_checkpoint r join job e on e.id = r.job_id
                     where r.deployment_id = d.id and r.data <> 'MISSING'
                       and case when r.kind = 'SAVEPOINT' then ${withoutRow('r.location')} else e.state not in ${LIVE} and e.checkpoints_going_at is null end)
         or exists (select 1 from checkpoint c
                     where c.deployment_id = d.id and c.kind = 'SAVEPOINT' and c.state = 'COMPLETED' and c.savepoint_id is null
                       and c.location is not null and not c.discarded and ${withoutRow('c.location')}
                       and not exists (select 1 from retained_checkpoint r where r.job_id = c.job_id and r.flink_checkpoint_id = c.flink_checkpoint_id))
            as "somethingElse"
       from deployment d where d.id = any($1)`,
    [deploymentIds],
  );
  return new Map(rows.map(({ id, ...restorable }) => [id, restorable]));
}

export async function databaseNow(sql: Sql): Promise<number> {
  const row = await sql.row<{ now: number }>('select (extract(epoch from now()) * 1000)::float8 as now');
  return row?.now ?? Date.now();
}

/** Marked in this transaction, and over at once: their records alone end. */
export async function endRecords(tx: Transaction, ids: readonly string[]): Promise<void> {
  await tx.changed(`update deletion set state = 'DONE', ended_at = now(), look_at = null where id = any($1)`, [ids]);
  await tx.changed(
    `update savepoint set state = 'DELETED', state_since = now(), deleted_at = now(), proof = 'RECORD_ONLY' where id = any($1)`,
    [ids],
  );
}

/** Those that a cluster is, or was about to be, asked for. */
export async function wakeDeletionsAt(tx: Transaction, clusterId: string): Promise<void> {
  await tx.rows(
    `with asked as (
       select id from deletion where cluster_id = $1 and state in ('WAITING', 'DISPOSING') order by id for no key update),
          woken as (
       update deletion d set wakes = d.wakes + 1, look_at = least(d.look_at, now()) from asked a where d.id = a.id returning 1)
     select pg_notify('stateward', 'due') from woken limit 1`,
    [clusterId],
  );
}

/** The deployments that savepoints are listed with; that does not change. */
export async function deploymentsOf(tx: Transaction, savepointIds: readonly string[]): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(
    `select distinct deployment_id as id from savepoint where id = any($1) and deployment_id is not null`,
    [savepointIds],
  );
  return rows.map(({ id }) => id);
}
