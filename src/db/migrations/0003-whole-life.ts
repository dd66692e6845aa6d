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

-- What was removed stays as history, and its name is free again.
alter table cluster
  add column removed_at timestamptz,
  add column removed_by text,
  drop constraint cluster_name_key,
  drop constraint cluster_url_key;
create unique index cluster_name_key on cluster (name) where removed_at is null;
create unique index cluster_url_key on cluster (url) where removed_at is null;
alter table artifact
  add column removed_at timestamptz,
  add column removed_by text,
  drop constraint artifact_sha256_key;
create unique index artifact_sha256_key on artifact (sha256) where removed_at is null;

-- since when a cluster reaches it no more: removed, or replaced by another one. What was begun under this root is still looked for there
alter table storage_root add column left_at timestamptz;
-- the last time that a root was moved: when, and what was looked for and found at the new place
alter table storage add column last_move jsonb;
create index savepoint_storage on savepoint (storage_id, completed_at desc) where path is not null;
create index savepoint_attempt_storage on savepoint_attempt (storage_id, directory);

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
  -- the name that Flink shows
  add column flink_name text,
  add column allow_second_run boolean not null default false,
  -- latest.restored of Flink, as it was first seen
  add column restored_checkpoint_id bigint,
  add column restored_at timestamptz,
  add column restored_location text,
  -- every task ran once and the chosen state was restored
  add column took_hold_at timestamptz,
  -- since when what was seen waits for statistics of Flink, which lag
  add column statistics_awaited_since timestamptz,
  add column deadline_told_at timestamptz,
  -- /checkpoints/config as it was read when it started
  add column checkpointing jsonb,
  add column drained boolean not null default false,
  -- what it retained at its end has been read since Flink's caches have passed
  add column end_read_at timestamptz,
  -- how far that reading saw: STORAGE (the directory was listed), STATISTICS (Flink told), RECORD (what had been recorded before)
  add column end_read_from text check (end_read_from in ('STORAGE', 'STATISTICS', 'RECORD'));
create index job_start_savepoint on job (start_savepoint_id) where start_savepoint_id is not null;
create index job_start_job on job (start_job_id) where start_job_id is not null;
create index job_of_deployment on job (deployment_id, run desc);
-- what it retained has not been read
create index job_end_unread on job (cluster_id) where state in ('CANCELLED', 'FINISHED', 'FAILED') and end_read_at is null;

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
-- what the overview tells of: the kept ones with their bytes, and the failed ones
create index savepoint_kept on savepoint (deployment_id, completed_at desc) include (size_bytes)
  where state in ('COMPLETED', 'DELETING', 'DELETION_FAILED');
create index savepoint_restorable on savepoint (deployment_id, triggered_at desc nulls last)
  where state = 'COMPLETED' and origin <> 'IMPORTED' and data not in ('MISSING', 'DAMAGED') and not drained;
create index savepoint_failed on savepoint (deployment_id, failed_at desc) where state = 'FAILED';
create index savepoint_stop_failed_after on savepoint (job_id) where stop_failed_after;

-- Live jobs that Flink shows and that are no current run of ours, as of the last look.
create table foreign_job (
  cluster_id uuid not null references cluster,
  flink_job_id text not null,
  name text not null,
  state text not null,
  started_at timestamptz not null,
  seen_at timestamptz not null default now(),
  -- an ended run of ours has this id, and that was told
  told_at timestamptz,
  primary key (cluster_id, flink_job_id)
);

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
create index stop_of_job on stop (job_id, created_at desc);
-- woken when that savepoint has ended, or their cluster is back
create index stop_waits_for on stop (waits_for_savepoint_id) where state in ('WAITING', 'IN_PROGRESS');
create index stop_of_cluster on stop (cluster_id) where state in ('WAITING', 'IN_PROGRESS');
create index savepoint_of_stop on savepoint (stop_id) where stop_id is not null;
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
-- seldom, and asked for by themselves
create index checkpoint_failed on checkpoint (deployment_id, triggered_at desc, flink_checkpoint_id desc) where state = 'FAILED';
create index checkpoint_savepoint on checkpoint (deployment_id, triggered_at desc, flink_checkpoint_id desc) where kind = 'SAVEPOINT';

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
  told_total bigint not null default 0,
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
  last_failed_triggered_at timestamptz,
  last_failed_at timestamptz,
  last_failed_duration_ms bigint,
  last_failed_bytes bigint,
  last_failed_state_bytes bigint,
  last_failed_message text,
  -- since the last completed one
  failed_in_a_row integer not null default 0,
  -- in progress at the last look: [{ id, triggeredAt in ms }]
  pending jsonb not null default '[]',
  -- how often it was carried on: a writer that did not see the last one is refused
  looks bigint not null default 0
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
