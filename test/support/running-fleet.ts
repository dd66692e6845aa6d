import { randomUUID } from 'node:crypto';
import type { FakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { daily } from './schedule-scenario.js';
import type { Stateward } from './stateward.js';

/**
 * Deployments whose jobs run in a fake Flink, each with a daily schedule whose next slot comes at one of these times: straight into the
 * tables, as starting and scheduling them would leave them. Answers the ids of the schedules, in the same order.
 */
export async function insertRunningFleet(
  { services: { database } }: Stateward,
  clusterId: string,
  flink: Pick<FakeFlink, 'addJob' | 'processMark'>,
  slots: readonly Date[],
): Promise<string[]> {
  const ids = () => slots.map(() => randomUUID());
  const [deploymentIds, jobIds, scheduleIds] = [ids(), ids(), ids()];
  const flinkJobIds = slots.map(() => flink.addJob({ tasks: 2, parallelism: 1 }));
  await database.changed(
    `with made as (
       insert into deployment (id, name, cluster_id, runs) select id, id::text, $3, 1 from unnest($1::uuid[]) as t(id) returning id)
     insert into job (id, deployment_id, cluster_id, run, flink_job_id, flink_start_time, state, strategy, parallelism, process_mark,
                      submitted_at, started_at, took_hold_at, observed_at, state_backend, checkpoint_interval_ms, checkpoint_timeout_ms, actor)
     select t.job_id, made.id, $3, 1, t.flink_job_id, now(), 'RUNNING', 'NONE', 1, $5, now(), now(), now(), now(), 'HASHMAP', 60000, 600000, 'test'
       from unnest($1::uuid[], $2::uuid[], $4::text[]) as t(id, job_id, flink_job_id) join made using (id)`,
    [deploymentIds, jobIds, clusterId, flinkJobIds, flink.processMark],
  );
  await database.changed(
    `update deployment d set state = 'RUNNING', current_job_id = j.id, observed_at = now() from job j where j.deployment_id = d.id and j.id = any($1)`,
    [jobIds],
  );
  await database.changed(
    `insert into savepoint_schedule (id, deployment_id, expression, zone, actor, mean_interval_ms, next_slot_at)
     select id, deployment_id, $4, 'UTC', 'test', 86400000, slot_at from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as t(id, deployment_id, slot_at)`,
    [scheduleIds, deploymentIds, slots, daily()],
  );
  await database.rows(`select pg_notify('stateward', 'slots'), pg_notify('stateward', 'due')`);
  return scheduleIds;
}
