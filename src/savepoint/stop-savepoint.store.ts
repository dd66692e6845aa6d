import type { Sql, Transaction } from '../db/database.js';
import { Savepoint } from './savepoint.entity.js';

/** What savepoints and stops read and tell each other. */

/** Those of a run that are PENDING or IN_PROGRESS, stops aside, locked; with whether Flink may have been asked. */
export const underWayOf = (tx: Transaction, jobId: string) =>
  tx.rows<{ id: string; state: string; attempt: number; sent: boolean }>(
    `select s.id, s.state, s.attempt,
            exists (select 1 from savepoint_attempt a where a.savepoint_id = s.id and a.number = s.attempt and a.sends > 0) as sent
       from savepoint s
      where s.job_id = $1 and s.state in ('PENDING', 'IN_PROGRESS') and s.origin <> 'STOP' order by s.id for no key update of s`,
    [jobId],
  );

/** The savepoint of a stop, locked, if Flink was not asked for it yet. */
export const unsentOf = (tx: Transaction, stopId: string) =>
  tx.entity(
    Savepoint,
    `select s.* from savepoint s
      where s.stop_id = $1 and s.state in ('PENDING', 'IN_PROGRESS')
        and not exists (select 1 from savepoint_attempt a where a.savepoint_id = s.id and a.number = s.attempt and a.sends > 0)
        for no key update of s`,
    [stopId],
  );

/** Ties the savepoint to the stop that it is of. */
export const tieToStop = (tx: Transaction, stopId: string, savepointId: string) =>
  tx.changed('update stop set savepoint_id = $2 where id = $1', [stopId, savepointId]);

/** The stops that wait for a savepoint, or that it is of, are due when it has ended. */
export async function wakeStopsOf(tx: Transaction, savepointId: string): Promise<void> {
  await tx.rows(
    `with woken as (update stop set wakes = wakes + 1, look_at = least(look_at, now())
                     where id in (select stop_id from savepoint where id = $1
                                  union all
                                  select id from stop where waits_for_savepoint_id = $1 and state in ('WAITING', 'IN_PROGRESS'))
                       and state in ('WAITING', 'IN_PROGRESS') and look_at is not null returning 1)
     select pg_notify('stateward', 'due') from woken limit 1`,
    [savepointId],
  );
}

/**
 * A run has ended otherwise than by its stop: the savepoint of that stop is STOP_FAILED_AFTER if it is whole, or turns out to be
 * (SO-3). Left out are runs that another JobManager process has gone on with: there the savepoint did not end anything.
 */
export const markStopFailedAfter = (tx: Transaction, jobId: string) =>
  tx.changed(
    `update savepoint s set stop_failed_after = true
       from stop t, savepoint_attempt a, job j
      where t.job_id = $1 and s.id = t.savepoint_id and a.savepoint_id = s.id and a.number = s.attempt and a.sends > 0
        and j.id = t.job_id and a.process_mark is not distinct from j.process_mark
        and case when s.state in ('IN_PROGRESS', 'COMPLETED') then t.state in ('WAITING', 'IN_PROGRESS') or t.failure_code = 'SUPERSEDED'
                 else s.state = 'FAILED' and s.in_flight end`,
    [jobId],
  );

/** Of one that is whole. */
export const isStopFailedAfter = async (tx: Transaction, savepointId: string): Promise<boolean> =>
  (await tx.row('select 1 as one from savepoint where id = $1 and stop_failed_after', [savepointId])) !== undefined;

/** Whether a stop of the run, other than its own, has reached Flink since it was asked for: then Flink's abort was that stop's doing. */
export async function abortedByStop(sql: Sql, savepointId: string): Promise<boolean> {
  const row = await sql.row(
    `select 1 as one from savepoint p join stop s on s.job_id = p.job_id
      where p.id = $1 and s.id is distinct from p.stop_id and s.created_at >= p.created_at
        and (s.cancel_sent_at is not null
             or exists (select 1 from savepoint_attempt a where a.savepoint_id = s.savepoint_id and a.sends > 0)) limit 1`,
    [savepointId],
  );
  return row !== undefined;
}
