import type { Transaction } from '../db/database.js';
import type { EventType } from './event-types.js';

export interface NewEvent {
  type: EventType;
  /** One sentence for a person: what happened, to what, and where it matters what to do next. */
  message: string;
  deploymentId?: string | null;
  clusterId?: string | null;
  storageId?: string | null;
  jobId?: string | null;
  savepointId?: string | null;
  details?: Record<string, unknown>;
  actor?: string;
}

/** The actor of what Stateward does by itself. */
export const SYSTEM = 'stateward';

/**
 * Records one fact in the transaction of the change that it tells of, and wakes its readers when that commits. The
 * deployment's row lock makes its numbers gap-free and in commit order: call it last in a transaction, and in the
 * order of deployment ids when there are several. Answers the number (null: not about a deployment).
 */
export async function recordEvent(tx: Transaction, event: NewEvent): Promise<number | null> {
  const row = await tx.row<{ number: string | null }>(
    `with counted as (update deployment set last_event = last_event + 1 where id = $1 returning last_event),
          written as (
            insert into event (deployment_id, number, cluster_id, storage_id, job_id, savepoint_id, type, message, details, actor)
            select $1::uuid, (select last_event from counted), $2, $3, $4, $5, $6, $7, $8, $9
            returning number)
     select number, pg_notify('stateward', topic) from written,
            unnest(array_remove(array['events', 'deployment:' || $1::uuid, 'savepoint:' || $5::uuid, 'job:' || $4::uuid], null)) topic`,
    [
      event.deploymentId ?? null,
      event.clusterId ?? null,
      event.storageId ?? null,
      event.jobId ?? null,
      event.savepointId ?? null,
      event.type,
      event.message,
      JSON.stringify(event.details ?? {}),
      event.actor ?? SYSTEM,
    ],
  );
  return row?.number === null || row?.number === undefined ? null : Number(row.number);
}
