import type { Sql, Transaction } from '../db/database.js';
import type { Savepoint } from '../savepoint/savepoint.entity.js';
import type { DataState } from '../savepoint/savepoint.enums.js';

/** Whether a stop was accepted since the submission was read. */
export async function isToBeStopped(sql: Sql, jobId: string): Promise<boolean> {
  const found = await sql.row(`select 1 from stop where job_id = $1 and state in ('WAITING', 'IN_PROGRESS')`, [jobId]);
  return found !== undefined;
}

/** False: nothing has changed by it, or it is not a complete one any more. */
export async function noteDataOfSavepoint(tx: Transaction, id: string, data: DataState): Promise<boolean> {
  const row = await tx.row<{ before: DataState }>(
    `with locked as (select id, data from savepoint where id = $1 and state = 'COMPLETED' for no key update)
     update savepoint s set data = $2, data_checked_at = now() from locked l where s.id = l.id returning l.data as before`,
    [id, data],
  );
  return row !== undefined && row.before !== data;
}

/** Of what a run has left behind: whether its `_metadata` is there. */
export const noteDataOfRetained = (tx: Transaction, jobId: string, flinkId: number, data: 'PRESENT' | 'MISSING') =>
  tx.changed(
    'update retained_checkpoint set data = $3, data_checked_at = now() where job_id = $1 and flink_checkpoint_id = $2',
    [jobId, flinkId, data],
  );

/** The newest savepoints of a deployment that are not known to be damaged, for whoever has just seen that one is. */
export const otherSavepointsOf = (sql: Sql, deploymentId: string, but: string | null, limit: number) =>
  sql.rows<Pick<Savepoint, 'id' | 'location'>>(
    `select id, location from savepoint
      where deployment_id = $1 and state = 'COMPLETED' and data not in ('MISSING', 'DAMAGED') and id is distinct from $2
      order by created_at desc limit $3`,
    [deploymentId, but, limit],
  );
