import type { Transaction } from '../db/database.js';
import { wakeUpFor } from '../db/wake-up.js';
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

const TOPICS = `select distinct topic from written,
  unnest(array_remove(array['events', 'deployment:' || deployment_id, 'savepoint:' || savepoint_id, 'job:' || job_id, 'stop:' || stop_id], null)) topic`;

/** The actor of what Stateward does by itself. */
export const SYSTEM = 'stateward';

/**
 * Records one fact in the transaction of the change that it tells of, and wakes its readers when that commits. The
 * deployment's row lock makes its numbers gap-free and in commit order: call it last in a transaction.
 */
export const recordEvent = (tx: Transaction, event: NewEvent): Promise<void> => recordInOrder(tx, [event]);

/**
 * All that a transaction has to tell, numbered in the order given, in one statement however many they are. The rows of their
 * deployments are locked in the order of their ids: two transactions then never wait for each other's rows.
 */
export async function recordInOrder(tx: Transaction, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  await tx.rows(
    `with told as (
       select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::jsonb[], $9::text[], $10::uuid[])
            with ordinality as t(deployment_id, cluster_id, storage_id, job_id, savepoint_id, type, message, details, actor, stop_id, place)),
          counted as (
       select deployment_id as id, count(*) as events from told where deployment_id is not null group by deployment_id),
          locked as (
       select d.id, d.last_event, c.events from deployment d join counted c on c.id = d.id order by d.id for no key update of d),
          numbered as (
       update deployment d set last_event = l.last_event + l.events from locked l where d.id = l.id),
          written as (
       insert into event (deployment_id, number, cluster_id, storage_id, job_id, savepoint_id, type, message, details, actor, stop_id)
       select t.deployment_id, l.last_event + row_number() over (partition by t.deployment_id order by t.place),
              t.cluster_id, t.storage_id, t.job_id, t.savepoint_id, t.type, t.message, t.details, t.actor, t.stop_id
         from told t left join locked l on l.id = t.deployment_id order by t.deployment_id nulls first, t.place
       returning deployment_id, job_id, savepoint_id, stop_id)
     ${wakeUpFor(TOPICS)}`,
    [
      events.map(({ deploymentId }) => deploymentId ?? null),
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
