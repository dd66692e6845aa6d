import type { Sql, Transaction } from '../db/database.js';
import type { SavepointFormat } from '../deployment/savepoint-format.js';
import type { SnapshotKind } from '../job/snapshot-kind.js';
import type { Place } from './find-savepoint.js';
import type { DataState } from './savepoint.enums.js';

/** Where savepoints lie: their storages and paths, imports among them. */

/** One IN_PROGRESS, with what its current attempt is at. */
export interface BegunSavepoint {
  id: string;
  deploymentId: string;
  jobId: string | null;
  attempt: number;
  sent: boolean;
}

const BEGUN = `select s.id, s.deployment_id as "deploymentId", s.job_id as "jobId", s.attempt, coalesce(a.sends > 0, false) as sent
       from savepoint s left join savepoint_attempt a on a.savepoint_id = s.id and a.number = s.attempt`;

/** All that a cluster was, or is about to be, asked for; nobody's look writes to them until the transaction ends. */
export const beganOn = (tx: Transaction, clusterId: string) =>
  tx.rows<BegunSavepoint>(
    `${BEGUN} where s.cluster_id = $1 and s.state = 'IN_PROGRESS' order by s.id for no key update of s`,
    [clusterId],
  );

/** The same of a run, without those that are looked for already. */
export const beganOf = (tx: Transaction, jobId: string) =>
  tx.rows<BegunSavepoint>(
    `${BEGUN} where s.job_id = $1 and s.state = 'IN_PROGRESS' and s.lost_since is null order by s.id for no key update of s`,
    [jobId],
  );

/** A row that never moves by itself: nobody ever asked Flink for it. */
export async function insertImported(
  tx: Transaction,
  s: {
    id: string;
    deploymentId: string | null;
    kind: SnapshotKind;
    format: SavepointFormat | null;
    description: string | null;
    place: Place;
    location: string;
    flinkCheckpointId: number | null;
    data: DataState;
    checked: boolean;
    verified: boolean;
    drained: boolean;
    sizeBytes: number | null;
    warnings: { code: string; message: string }[];
    actor: string;
  },
): Promise<void> {
  await tx.changed(
    `insert into savepoint (id, deployment_id, origin, state, kind, format, description, storage_id, path, location, flink_checkpoint_id,
                            data, data_checked_at, verified, completed_at, details, actor, drained, size_bytes, warnings)
     values ($1, $2, 'IMPORTED', 'COMPLETED', $3, $4, $5, $6, $7, $8, $9, $10, case when $11 then now() end, $12, now(), 'NEVER_REPORTED', $13, $14, $15, $16)`,
    [
      s.id,
      s.deploymentId,
      s.kind,
      s.format,
      s.description,
      s.place.storageId,
      s.place.path,
      s.location,
      s.flinkCheckpointId,
      s.data,
      s.checked,
      s.verified,
      s.actor,
      s.drained,
      s.sizeBytes,
      JSON.stringify(s.warnings),
    ],
  );
}

/** Pairs of savepoints that would lie at one place if these storages were one; the first ten. */
export const pathsInTwo = (sql: Sql, storageIds: readonly string[]) =>
  sql.rows<{ path: string; ids: string[] }>(
    `select path, array_agg(id::text order by created_at) as ids from savepoint
      where storage_id = any($1) and path is not null and state <> 'DELETED'
      group by path having count(*) > 1 order by path limit 10`,
    [storageIds],
  );

/**
 * Takes everything that lies in some storages into another one. Savepoints under way are taken away from whoever follows them,
 * who would go on writing of a storage that is gone.
 */
export async function moveToStorage(tx: Transaction, from: readonly string[], to: string): Promise<number> {
  // In the order of their ids, as whoever else locks several.
  await tx.row(
    `with locked as (
       select s.id from savepoint s
        where s.storage_id = any($1) or s.id in (select savepoint_id from savepoint_attempt where storage_id = any($1))
        order by s.id for no key update of s)
     select count(*) from locked`,
    [from],
  );
  await tx.changed(
    `update savepoint s set claim = claim + 1, claimed_until = null, look_at = case when look_at is null then null else now() end
       from savepoint_attempt a where a.savepoint_id = s.id and a.storage_id = any($1) and s.claimed_until is not null`,
    [from],
  );
  await tx.changed('update savepoint_attempt set storage_id = $2 where storage_id = any($1)', [from, to]);
  return tx.changed('update savepoint set storage_id = $2 where storage_id = any($1)', [from, to]);
}
