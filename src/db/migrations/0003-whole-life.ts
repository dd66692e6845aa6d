import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a run was started from and what became of its state; stops; checkpoints as they were seen; adopted jobs. */
export class WholeLife1764288000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(text);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}

const text = /* sql */ `
-- the JobManager's configuration as it shows it (Flink masks secrets)
alter table cluster add column configuration jsonb not null default '{}';

alter table deployment
  -- of an adopted job: which one it is, by Flink's id or by the name that it runs under
  add column adopted_job_id text check (adopted_job_id ~ '^[0-9a-f]{32}$'),
  add column adopted_job_name text,
  add column ambiguous_since timestamptz,
  add column labels jsonb not null default '{}',
  -- after so long a start that has not taken hold is told of; it goes on
  add column start_deadline_ms bigint not null default 600000 check (start_deadline_ms > 0),
  add column archived_by text;
create index deployment_adopted on deployment (cluster_id) where adopted_job_id is not null or adopted_job_name is not null;

alter table job
  add column origin text not null default 'STARTED' check (origin in ('STARTED', 'ADOPTED')),
  -- null: adopted, and so not started by Stateward
  alter column strategy drop not null,
  -- what it was started from. The location as its own cluster reaches it; null: without state
  add column start_savepoint_id uuid references savepoint,
  -- the run that made it, and Flink's id of the snapshot there, where they are known
  add column start_job_id uuid references job,
  add column start_checkpoint_id bigint,
  add column start_location text,
  -- on the clock of the JobManager that made it
  add column start_triggered_at timestamptz,
  add column start_why text,
  add column start_warnings jsonb not null default '[]',
  add column allow_non_restored_state boolean not null default false,
  -- latest.restored of Flink, as it was first seen
  add column restored_checkpoint_id bigint,
  add column restored_at timestamptz,
  add column restored_location text,
  -- every task ran once and the chosen state was restored
  add column took_hold_at timestamptz,
  add column deadline_told_at timestamptz,
  -- /checkpoints/config as it was read when it started
  add column checkpointing jsonb,
  add column drained boolean not null default false,
  -- what it retained at its end has been read since Flink's caches have passed
  add column end_read_at timestamptz;
create index job_start_savepoint on job (start_savepoint_id) where start_savepoint_id is not null;
create index job_start_job on job (start_job_id) where start_job_id is not null;
create index job_of_deployment on job (deployment_id, run desc);

alter table savepoint
  -- imported ones belong to a storage; to a deployment and cluster only if that was said
  alter column deployment_id drop not null,
  alter column cluster_id drop not null,
  alter column format drop not null,
  add column stop_id uuid,
  add column drained boolean not null default false,
  -- whole, although the stop that made it failed afterwards
  add column stop_failed_after boolean not null default false,
  -- CHECKPOINT: an imported reference to one
  add column kind text not null default 'SAVEPOINT' check (kind in ('SAVEPOINT', 'CHECKPOINT')),
  -- of an imported one: whether its _metadata was read
  add column verified boolean not null default true,
  add check (origin = 'IMPORTED' or (deployment_id is not null and cluster_id is not null and format is not null));

create table stop (
  id uuid primary key,
  deployment_id uuid not null references deployment,
  job_id uuid not null references job,
  cluster_id uuid not null references cluster,
  mode text not null check (mode in ('WITH_SAVEPOINT', 'WITH_DRAIN', 'WITHOUT_SAVEPOINT')),
  state text not null check (state in ('WAITING', 'IN_PROGRESS', 'COMPLETED', 'FAILED')),
  state_since timestamptz not null default now(),
  outcome text check (outcome in ('STOPPED', 'STILL_RUNNING', 'RESTARTED', 'CANCELLED_INSTEAD', 'JOB_FAILED')),
  -- in words for a person: what it waits for
  waiting_for text,
  format text check (format in ('CANONICAL', 'NATIVE')),
  description text check (length(description) <= 500),
  when_savepoint_runs text not null default 'WAIT' check (when_savepoint_runs in ('WAIT', 'ABORT')),
  -- onFailure: CANCEL_IF_CHECKPOINT_YOUNGER_THAN; null: LEAVE
  cancel_if_younger_ms bigint check (cancel_if_younger_ms > 0),
  accept_state_loss boolean not null default false,
  -- the one that was running when it was accepted
  waits_for_savepoint_id uuid references savepoint,
  savepoint_id uuid references savepoint,
  cancel_sent_at timestamptz,
  cancels integer not null default 0,
  failure_code text,
  failure_message text,
  failure_root_cause text,
  actor text not null,
  created_at timestamptz not null default now(),
  ended_at timestamptz,
  look_at timestamptz,
  claim bigint not null default 0,
  claimed_until timestamptz,
  wakes integer not null default 0,
  failures integer not null default 0
) with (fillfactor = 70);
create unique index stop_one_at_a_time on stop (job_id) where state in ('WAITING', 'IN_PROGRESS');
create index stop_due on stop (look_at) where look_at is not null;
create index stop_page on stop (deployment_id, created_at desc, id desc);
alter table savepoint add foreign key (stop_id) references stop;
alter table event add column stop_id uuid;
create index event_stop on event (stop_id, number) where stop_id is not null;

-- Checkpoints, and savepoints as Flink's history tells of them; ours too, linked to their rows. By day, so that a day is dropped whole.
create table checkpoint (
  job_id uuid not null,
  -- on the JobManager's clock
  triggered_at timestamptz not null,
  flink_checkpoint_id bigint not null,
  deployment_id uuid not null,
  kind text not null check (kind in ('CHECKPOINT', 'SAVEPOINT')),
  -- CHECKPOINT, UNALIGNED_CHECKPOINT, SAVEPOINT or SYNC_SAVEPOINT
  type text,
  format text,
  state text not null check (state in ('IN_PROGRESS', 'COMPLETED', 'FAILED')),
  ended_at timestamptz,
  duration_ms bigint,
  checkpointed_bytes bigint not null,
  state_bytes bigint not null,
  subtasks integer not null,
  acknowledged_subtasks integer not null,
  location text,
  failure_message text,
  discarded boolean not null default false,
  savepoint_id uuid,
  primary key (job_id, triggered_at, flink_checkpoint_id)
) partition by range (triggered_at);
create table checkpoint_default partition of checkpoint default;
create index checkpoint_page on checkpoint (deployment_id, triggered_at desc, flink_checkpoint_id desc);

-- Spans of a run of which nothing is recorded, or less than Flink counted.
create table checkpoint_gap (
  id uuid primary key,
  job_id uuid not null references job,
  deployment_id uuid not null,
  -- on the JobManager's clock where it is known
  from_at timestamptz not null,
  to_at timestamptz not null,
  -- null: not known how many
  missing integer,
  reason text not null check (reason in ('COUNTED_MORE', 'ID_MISSING', 'JOBMANAGER_CHANGED')),
  noticed_at timestamptz not null default now(),
  unique (job_id, from_at, reason)
);
create index checkpoint_gap_page on checkpoint_gap (deployment_id, to_at desc);

-- What is remembered of a run's checkpoints: outlives the rows above, and carries the account on from look to look.
create table job_checkpoints (
  job_id uuid primary key references job,
  deployment_id uuid not null,
  -- the JobManager process that the counts are of
  process_mark text,
  -- the last look that Flink answered: on the database's clock, and what was the newest then
  looked_at timestamptz,
  newest_id bigint,
  newest_triggered_at timestamptz,
  -- Flink's own counts at that look, and what is recorded of them
  told_completed bigint not null default 0,
  told_failed bigint not null default 0,
  recorded_completed bigint not null default 0,
  recorded_failed bigint not null default 0,
  -- failed attempts that never got an entry, of JobManager processes before this one
  failed_without_entry bigint not null default 0,
  -- the first completed checkpoint (no savepoint) of the run's own
  first_completed_id bigint,
  last_completed_id bigint,
  last_completed_triggered_at timestamptz,
  last_completed_at timestamptz,
  last_completed_duration_ms bigint,
  last_completed_bytes bigint,
  last_completed_state_bytes bigint,
  last_completed_location text,
  last_failed_id bigint,
  last_failed_at timestamptz,
  last_failed_message text,
  -- since the last completed one
  failed_in_a_row integer not null default 0
) with (fillfactor = 50);

-- Checkpoints that an ended run has left behind: nobody's, and what LATEST_STATE goes on from.
create table retained_checkpoint (
  job_id uuid not null references job,
  flink_checkpoint_id bigint not null,
  deployment_id uuid not null,
  kind text not null check (kind in ('CHECKPOINT', 'SAVEPOINT')),
  triggered_at timestamptz not null,
  ended_at timestamptz,
  state_bytes bigint,
  checkpointed_bytes bigint,
  location text not null,
  -- how it is known: Flink's statistics, or the storage
  source text not null check (source in ('STATISTICS', 'STORAGE')),
  data text not null default 'NOT_CHECKED' check (data in ('NOT_CHECKED', 'PRESENT', 'MISSING')),
  data_checked_at timestamptz,
  primary key (job_id, flink_checkpoint_id)
);
create index retained_checkpoint_page on retained_checkpoint (deployment_id, triggered_at desc);
`;
