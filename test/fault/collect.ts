import type { Requests } from './clients.js';
import { accountOf, locationsBelow } from './flink-of-run.js';
import type { House } from './house.js';
import type { RunRecord } from './record.js';

const epoch = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

/** Reads all sides of a run that has come to rest. */
export async function collectRecord(
  { database, flink, follower }: House,
  { asked, slots }: Pick<Requests, 'asked' | 'slots'>,
  tolerated: Partial<RunRecord['tolerated']> = {},
): Promise<RunRecord> {
  const rows = <T extends object>(text: string) => database.rows<T>(text);
  return {
    flink: accountOf(flink),
    stored: locationsBelow(flink.savepointRoot),
    checkpointsStored: locationsBelow(flink.checkpointRoot),
    database: {
      savepoints: await rows(
        `select id, deployment_id, job_id, stop_id, schedule_id, state, location, attempt, in_flight, failure_code, details, data, look_at::text,
                claimed_until::text, ${epoch('coalesce(completed_at, failed_at)')} as ended_at from savepoint`,
      ),
      attempts: await rows(
        `select a.savepoint_id, a.number, a.trigger_id, a.directory, r.uri as root, a.sends, a.ended_at is not null as ended, a.outcome
           from savepoint_attempt a join savepoint s on s.id = a.savepoint_id
           join storage_root r on r.storage_id = a.storage_id and r.cluster_id = s.cluster_id`,
      ),
      jobs: await rows(
        `select id, deployment_id, run, flink_job_id, state, strategy, submission, failure_code, look_at::text, claimed_until::text,
                ${epoch('coalesce(started_at, ended_at)')} as ended_at, end_read_at is not null as end_read from job`,
      ),
      stops: await rows(
        `select id, deployment_id, job_id, mode, state, outcome, failure_code, look_at::text, claimed_until::text,
                ${epoch('ended_at')} as ended_at from stop`,
      ),
      slots: await rows(
        `select schedule_id, ${epoch('slot_at')} as slot_at, count, outcome, reason, savepoint_id from schedule_slot`,
      ),
      deletions: await rows(
        `select id, state, look_at::text, claimed_until::text, ${epoch('asked_at')} as asked_at, ${epoch('ended_at')} as ended_at from deletion`,
      ),
      retained: await rows(`select job_id, location from retained_checkpoint where kind = 'CHECKPOINT'`),
      deployments: await rows('select id, name, state, last_event::int, current_job_id from deployment'),
      events: await rows('select deployment_id, number::int, type, savepoint_id, job_id, stop_id from event'),
      keys: await rows('select key, object_id from idempotency_key'),
    },
    client: { asked, slots, received: follower.received },
    tolerated: { jarsLeft: 0, flinkRestarted: false, submissionLost: false, ...tolerated },
  };
}
