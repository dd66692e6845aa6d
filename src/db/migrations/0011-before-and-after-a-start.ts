import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What is looked at before a start, and after it. */
export class BeforeAndAfterAStart1764979200000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(text);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}

const text = /* sql */ `
alter table job
  -- of the cluster when the run was last seen live: what it leaves behind is of that version. null: not known
  add column flink_version text,
  add column ignore_findings boolean not null default false,
  -- the look at the state that it starts from, before anything was submitted: { result, why }
  add column state_look jsonb,
  add column state_looked_at timestamptz,
  -- since when a place among the looks of a worker is waited for
  add column state_look_awaited_since timestamptz,
  -- the look at what it has made itself. DUE: from its first completed checkpoint on; DONE: read, or given up
  add column own_look text check (own_look in ('DUE', 'DONE')),
  add column own_look_since timestamptz,
  -- the snapshot that was read: { location, savepointId, storageId, path, flinkCheckpointId }
  add column own_snapshot jsonb,
  -- what came of the state that it was started from
  add column restore_check jsonb;

-- of what has ended nobody knows on which version it ran
update job j set flink_version = k.flink_version from cluster k
 where k.id = j.cluster_id and j.state in ('INITIALIZING', 'RUNNING', 'RESTARTING', 'STOPPING');

-- runs that have their first checkpoint behind them are looked at once, as those to come; of thousands not all at the same time
with due as (
  select j.id, now() + random() * interval '10 min' as at from job j join job_checkpoints a on a.job_id = j.id
   where a.first_completed_id is not null and j.state in ('INITIALIZING', 'RUNNING', 'RESTARTING', 'STOPPING'))
update job j set own_look = 'DUE', own_look_since = due.at, look_at = due.at from due where due.id = j.id;
`;
