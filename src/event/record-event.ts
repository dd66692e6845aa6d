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
  stopId?: string | null;
  details?: Record<string, unknown>;
  actor?: string;
}

/** The actor of what Stateward does by itself. */
export const SYSTEM = 'stateward';

/**
 * Records one fact in the transaction of the change that it tells of, and wakes its readers when that commits. The
 * deployment's row lock makes its numbers gap-free and in commit order: call it last in a transaction, and in the
 * order of deployment ids when there are several.
 */
export const recordEvent = (tx: Transaction, event: NewEvent): Promise<void> => recordTogether(tx, [event]);

/** Several of one transaction, in the order of their deployments: two transactions then never wait for each other's rows. */
export async function recordInOrder(tx: Transaction, events: readonly NewEvent[]): Promise<void> {
  const byDeployment = new Map<string, NewEvent[]>();
  for (const event of events) {
    const key = event.deploymentId ?? '';
    byDeployment.set(key, [...(byDeployment.get(key) ?? []), event]);
  }
  for (const key of [...byDeployment.keys()].sort()) await recordTogether(tx, byDeployment.get(key) ?? []);
}

/** Events about one deployment, or about none, numbered in the order given. */
async function recordTogether(tx: Transaction, events: readonly NewEvent[]): Promise<void> {
  await tx.rows(
    `with told as (
       select * from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::jsonb[], $9::text[], $10::uuid[])
            with ordinality as t(cluster_id, storage_id, job_id, savepoint_id, type, message, details, actor, stop_id, place)),
          counted as (
       update deployment set last_event = last_event + (select count(*) from told) where id = $1
       returning last_event - (select count(*) from told) as before),
          written as (
       insert into event (deployment_id, number, cluster_id, storage_id, job_id, savepoint_id, type, message, details, actor, stop_id)
       select $1::uuid, (select before from counted) + place, cluster_id, storage_id, job_id, savepoint_id, type, message, details, actor, stop_id
         from told order by place
       returning job_id, savepoint_id, stop_id)
     select pg_notify('stateward', topic) from (
       select distinct topic from written,
              unnest(array_remove(array['events', 'deployment:' || $1::uuid, 'savepoint:' || savepoint_id, 'job:' || job_id, 'stop:' || stop_id], null)) topic) topics`,
    [
      events[0]?.deploymentId ?? null,
      events.map(({ clusterId }) => clusterId ?? null),
      events.map(({ storageId }) => storageId ?? null),
      events.map(({ jobId }) => jobId ?? null),
      events.map(({ savepointId }) => savepointId ?? null),
      events.map(({ type }) => type),
      events.map(({ message }) => message),
      events.map(({ details }) => JSON.stringify(details ?? {})),
      events.map(({ actor }) => actor ?? SYSTEM),
      events.map(({ stopId }) => stopId ?? null),
    ],
  );
}
