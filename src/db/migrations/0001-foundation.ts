import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Conventions of every table: UUID keys made by us, `timestamptz`, states as text with a check, one partial unique
 * index per "at most one" rule. Rows with a background life carry look_at, claim, claimed_until, wakes, failures
 * (src/db/claims.ts).
 */
export class Foundation1764115200000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(tables);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}

const tables = /* sql */ `
create table storage (
  id uuid primary key,
  name text not null unique,
  -- how Stateward itself reads it; null: it cannot
  read_root text,
  read_state text not null default 'NONE' check (read_state in ('NONE', 'UNPROVEN', 'PROVEN', 'MISMATCH')),
  created_at timestamptz not null default now()
);

create table cluster (
  id uuid primary key,
  name text not null unique,
  url text not null unique,
  state text not null check (state in ('REACHABLE', 'UNREACHABLE', 'CHANGED')),
  state_since timestamptz not null default now(),
  last_error text,
  last_error_at timestamptz,
  flink_version text,
  accepts_jars boolean,
  process_mark text,
  savepoint_root text,
  checkpoint_root text,
  ha_cluster_id text,
  async_store_duration_ms bigint not null default 300000,
  heartbeat_timeout_ms bigint not null default 50000,
  checkpoint_history_size integer not null default 10,
  savepoint_storage_id uuid references storage,
  checkpoint_storage_id uuid references storage,
  slots_total integer,
  slots_available integer,
  task_managers integer,
  task_manager_hosts text[] not null default '{}',
  -- JobManager's clock minus the database's; null until a job was looked at
  clock_offset_ms bigint,
  facts_read_at timestamptz,
  observed_at timestamptz,
  budget integer not null default 4 check (budget between 1 and 1000),
  created_at timestamptz not null default now(),
  look_at timestamptz,
  claim bigint not null default 0,
  claimed_until timestamptz,
  wakes integer not null default 0,
  failures integer not null default 0
) with (fillfactor = 70);
create index cluster_due on cluster (look_at) where look_at is not null;

create table storage_root (
  storage_id uuid not null references storage,
  cluster_id uuid not null references cluster,
  uri text not null,
  primary key (storage_id, cluster_id)
);
create index storage_root_cluster on storage_root (cluster_id);

-- Which worker process looks after a cluster. Apart from the cluster's row, whose lock orders admissions.
create table cluster_lease (
  cluster_id uuid primary key references cluster on delete cascade,
  owner uuid,
  owned_until timestamptz
);
create table worker_process (
  id uuid primary key,
  host text not null,
  pid integer not null,
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default now()
);

create table artifact (
  id uuid primary key,
  name text not null,
  sha256 text not null unique check (sha256 ~ '^[0-9a-f]{64}$'),
  size_bytes bigint not null,
  main_class text,
  created_at timestamptz not null default now()
);

create table deployment (
  id uuid primary key,
  name text not null,
  cluster_id uuid not null references cluster,
  artifact_id uuid references artifact,
  entry_class text,
  program_arguments text[] not null default '{}',
  parallelism integer check (parallelism between 1 and 32768),
  flink_configuration jsonb not null default '{}',
  savepoint_format text check (savepoint_format in ('CANONICAL', 'NATIVE')),
  state text not null default 'CANCELLED'
    check (state in ('CANCELLED', 'STARTING', 'RUNNING', 'RESTARTING', 'STOPPING', 'FINISHED', 'FAILED')),
  state_since timestamptz not null default now(),
  observed_at timestamptz,
  current_job_id uuid,
  runs integer not null default 0,
  last_event bigint not null default 0,
  created_at timestamptz not null default now(),
  archived_at timestamptz
) with (fillfactor = 70);
create unique index deployment_name on deployment (name) where archived_at is null;
create index deployment_page on deployment (created_at desc, id desc);

create table job (
  id uuid primary key,
  deployment_id uuid not null references deployment,
  cluster_id uuid not null references cluster,
  run integer not null,
  flink_job_id text not null check (flink_job_id ~ '^[0-9a-f]{32}$'),
  flink_start_time timestamptz,
  state text not null check (state in
    ('SUBMITTING', 'INITIALIZING', 'RUNNING', 'RESTARTING', 'STOPPING', 'CANCELLED', 'FINISHED', 'FAILED')),
  state_since timestamptz not null default now(),
  -- in words for a person: what the state waits for
  waiting_for text,
  strategy text not null,
  artifact_id uuid references artifact,
  entry_class text,
  program_arguments text[] not null default '{}',
  parallelism integer,
  flink_configuration jsonb not null default '{}',
  -- submission: which attempt, with which uploaded jar, sent when
  submission integer not null default 1,
  jar_id text,
  run_sent_at timestamptz,
  -- the JobManager process that was asked to run it, and later that was last seen running it
  process_mark text,
  submitted_at timestamptz,
  -- every task was RUNNING or FINISHED once
  started_at timestamptz,
  ended_at timestamptz,
  state_backend text,
  checkpoint_interval_ms bigint,
  checkpoint_timeout_ms bigint,
  observed_at timestamptz,
  missing_since timestamptz,
  missing_answers integer not null default 0,
  failure_code text,
  failure_message text,
  failure_root_cause text,
  actor text not null,
  created_at timestamptz not null default now(),
  look_at timestamptz,
  claim bigint not null default 0,
  claimed_until timestamptz,
  wakes integer not null default 0,
  failures integer not null default 0,
  unique (deployment_id, run)
) with (fillfactor = 70);
create unique index job_one_live on job (deployment_id)
  where state in ('SUBMITTING', 'INITIALIZING', 'RUNNING', 'RESTARTING', 'STOPPING');
create index job_live on job (cluster_id)
  where state in ('SUBMITTING', 'INITIALIZING', 'RUNNING', 'RESTARTING', 'STOPPING');
create index job_flink_id on job (cluster_id, flink_job_id);
create index job_due on job (look_at) where look_at is not null;
create index job_page on job (created_at desc, id desc);
alter table deployment add foreign key (current_job_id) references job;

create table savepoint (
  id uuid primary key,
  deployment_id uuid not null references deployment,
  job_id uuid references job,
  cluster_id uuid not null references cluster,
  origin text not null check (origin in ('MANUAL', 'STOP', 'SCHEDULED', 'IMPORTED')),
  state text not null check (state in
    ('PENDING', 'IN_PROGRESS', 'COMPLETED', 'FAILED', 'DELETING', 'DELETED', 'DELETION_FAILED')),
  state_since timestamptz not null default now(),
  format text not null check (format in ('CANONICAL', 'NATIVE')),
  description text check (length(description) <= 500),
  data text not null default 'NOT_CHECKED' check (data in ('NOT_CHECKED', 'PRESENT', 'MISSING', 'DAMAGED')),
  data_checked_at timestamptz,
  attempt integer not null default 0,
  -- Flink may be at it: counts against the cluster's budget, also after an ABANDONED
  in_flight boolean not null default false,
  acknowledged_subtasks integer,
  total_subtasks integer,
  progress_bytes bigint,
  progress_at timestamptz,
  no_progress text,
  expected_duration_ms bigint,
  lost_since timestamptz,
  storage_id uuid references storage,
  path text,
  location text,
  flink_checkpoint_id bigint,
  triggered_at timestamptz,
  completed_at timestamptz,
  duration_ms bigint,
  size_bytes bigint,
  details text check (details in ('NOT_YET_REPORTED', 'REPORTED', 'NEVER_REPORTED')),
  flink_version text,
  state_backend text,
  failure_code text,
  failure_message text,
  failure_root_cause text,
  failed_at timestamptz,
  warnings jsonb not null default '[]',
  actor text not null,
  created_at timestamptz not null default now(),
  look_at timestamptz,
  claim bigint not null default 0,
  claimed_until timestamptz,
  wakes integer not null default 0,
  failures integer not null default 0
) with (fillfactor = 70);
create unique index savepoint_one_at_a_time on savepoint (deployment_id)
  where state in ('PENDING', 'IN_PROGRESS') and origin <> 'STOP';
create index savepoint_due on savepoint (look_at) where look_at is not null;
create index savepoint_pending on savepoint (cluster_id, created_at) where state = 'PENDING';
create index savepoint_in_flight on savepoint (cluster_id) where in_flight;
create index savepoint_page on savepoint (deployment_id, created_at desc, id desc);
create index savepoint_all_page on savepoint (created_at desc, id desc);
create unique index savepoint_location on savepoint (storage_id, path) where path is not null and state <> 'DELETED';

-- One line per time that Flink was, or may have been, asked. Stored before the first call.
create table savepoint_attempt (
  savepoint_id uuid not null references savepoint,
  number integer not null,
  trigger_id text not null check (trigger_id ~ '^[0-9a-f]{32}$'),
  storage_id uuid not null references storage,
  directory text not null,
  process_mark text,
  stored_at timestamptz not null,
  -- both written before the call leaves
  sent_at timestamptz,
  last_sent_at timestamptz,
  sends integer not null default 0,
  refusals integer not null default 0,
  accepted_at timestamptz,
  ended_at timestamptz,
  outcome text,
  primary key (savepoint_id, number)
);

-- Stack traces and other large texts: never part of a list.
create table long_text (
  owner_id uuid not null,
  kind text not null,
  text text not null,
  at timestamptz not null default now(),
  primary key (owner_id, kind)
);

create table event (
  id bigint generated always as identity primary key,
  -- readers of the whole stream stay below the oldest running transaction, so that a late commit is not skipped
  tx xid8 not null default pg_current_xact_id(),
  deployment_id uuid references deployment,
  number bigint,
  cluster_id uuid,
  storage_id uuid,
  job_id uuid,
  savepoint_id uuid,
  type text not null,
  message text not null,
  details jsonb not null default '{}',
  actor text not null,
  at timestamptz not null default clock_timestamp(),
  check ((deployment_id is null) = (number is null))
);
create unique index event_number on event (deployment_id, number) where deployment_id is not null;
create index event_stream on event (tx, id);
create index event_page on event (at desc, id desc);
create index event_savepoint on event (savepoint_id, number) where savepoint_id is not null;
create index event_job on event (job_id, number) where job_id is not null;

create table idempotency_key (
  actor text not null,
  key text not null,
  input_hash text not null,
  object_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (actor, key)
);
create index idempotency_key_age on idempotency_key (created_at);
`;
