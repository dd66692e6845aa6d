import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Schedules and their slots; what is kept of a savepoint and for how long; deletions and their proof. */
export class SchedulesAndDeletion1764374400000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(text);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}

const text = /* sql */ `
-- One in force per deployment. One that is replaced stays, for its slots.
create table savepoint_schedule (
  id uuid primary key,
  deployment_id uuid not null references deployment,
  expression text not null,
  zone text not null,
  catch_up text not null default 'ONE' check (catch_up in ('ONE', 'NONE')),
  jitter_seconds integer not null default 0 check (jitter_seconds between 0 and 540),
  -- [{ start, zone, durationMs }]
  blackouts jsonb not null default '[]',
  attempts integer not null default 2 check (attempts between 1 and 5),
  -- null: the deployment's own
  format text check (format in ('CANONICAL', 'NATIVE')),
  paused_at timestamptz,
  paused_by text,
  pause_reason text check (length(pause_reason) <= 500),
  actor text not null,
  created_at timestamptz not null default now(),
  -- what it should make a person think about, as of when it was set
  warnings jsonb not null default '[]',
  -- on average, for what all schedules of a cluster need together
  mean_interval_ms bigint not null check (mean_interval_ms > 0),
  -- The chain of slots: the last one that was decided (or that this schedule took over), and the next. Null: none will come
  last_slot_at timestamptz,
  next_slot_at timestamptz,
  removed_at timestamptz,
  removed_by text
) with (fillfactor = 70);
create unique index savepoint_schedule_in_force on savepoint_schedule (deployment_id) where removed_at is null;
create index savepoint_schedule_due on savepoint_schedule (next_slot_at) where removed_at is null and next_slot_at is not null;
create index savepoint_schedule_removed on savepoint_schedule (deployment_id) where removed_at is not null;
create index deployment_cluster on deployment (cluster_id) where archived_at is null;

-- Each slot is decided once. Slots in a row that were skipped for the same lasting reason are one line: first, last and count.
create table schedule_slot (
  schedule_id uuid not null references savepoint_schedule,
  slot_at timestamptz not null,
  -- of the schedule; without a reference of its own, like savepoint_id: both are written with the row that they name
  deployment_id uuid not null,
  last_slot_at timestamptz not null,
  count integer not null default 1 check (count >= 1),
  outcome text not null check (outcome in ('FIRED', 'SKIPPED')),
  reason text check (reason in ('NOT_RUNNING', 'IN_PROGRESS', 'BLACKOUT', 'MISSED', 'PAUSED', 'STOPPING', 'UNREACHABLE', 'NO_SAVEPOINT_ROOT',
                                'CLUSTER_CHANGED', 'AMBIGUOUS_JOB')),
  -- for a person
  message text,
  -- fired late for all the slots that were missed before it
  caught_up boolean not null default false,
  savepoint_id uuid,
  decided_at timestamptz not null default now(),
  primary key (schedule_id, slot_at),
  check ((outcome = 'FIRED') = (reason is null)),
  check ((outcome = 'FIRED') = (savepoint_id is not null))
);
create index schedule_slot_page on schedule_slot (deployment_id, slot_at desc, schedule_id desc);

alter table savepoint
  -- of a schedule: which slot it was made for
  add column schedule_id uuid references savepoint_schedule,
  add column slot_at timestamptz,
  -- not sent before: jitter, or the pause before another attempt
  add column not_before timestamptz,
  -- how often it may be tried
  add column attempts_allowed integer not null default 1 check (attempts_allowed between 1 and 5),
  add column pinned boolean not null default false,
  add column held_until timestamptz,
  add column hold_reason text check (length(hold_reason) <= 500),
  -- of a DELETED one: how it is known to be gone
  add column proof text check (proof in ('EMPTY', 'FLINK_CONFIRMED', 'RECORD_ONLY', 'NONE')),
  add column deleted_at timestamptz;
drop index savepoint_pending;
-- whose turn it is: manual ones before scheduled ones, those in the order of their slots
create index savepoint_pending on savepoint (cluster_id, (origin = 'SCHEDULED'), (coalesce(slot_at, created_at)), id) where state = 'PENDING';
create index savepoint_deleting on savepoint (deployment_id) where state in ('DELETING', 'DELETION_FAILED');

-- The background life of a deletion; its id is that of the savepoint. Tried again until there is a proof, or a person gives it up.
create table deletion (
  id uuid primary key references savepoint,
  deployment_id uuid references deployment,
  -- the one that is asked to dispose of it; null: none reaches its storage
  cluster_id uuid references cluster,
  state text not null check (state in ('WAITING', 'DISPOSING', 'FAILED', 'DONE')),
  -- RECORD: an imported one, whose data are not touched
  scope text not null check (scope in ('DATA', 'RECORD')),
  rule text not null check (rule in ('BY_HAND', 'MAX_COUNT', 'MAX_AGE', 'DEPLOYMENT_DELETED')),
  reason text check (length(reason) <= 500),
  actor text not null,
  asked_at timestamptz not null default now(),
  -- in words for a person: what it waits for
  waiting_for text,
  -- disposals that Flink was, or may have been, asked for; written before the call leaves
  disposals integer not null default 0,
  -- one of them has, or may have, deleted a part of it: its result was lost, or it failed otherwise than by finding nothing
  may_have_begun boolean not null default false,
  location text,
  request_id text,
  process_mark text,
  sent_at timestamptz,
  failed_times integer not null default 0,
  failure_code text check (failure_code in ('LEFTOVERS_POSSIBLE', 'NOT_FOUND', 'DISPOSAL_FAILED', 'NOT_DELETABLE')),
  failure_message text,
  failure_root_cause text,
  failed_at timestamptz,
  -- what was seen to be left
  left_path text,
  left_bytes bigint,
  note text check (note in ('WAS_ALREADY_GONE')),
  ended_at timestamptz,
  look_at timestamptz,
  claim bigint not null default 0,
  claimed_until timestamptz,
  wakes integer not null default 0,
  failures integer not null default 0
) with (fillfactor = 70);
create index deletion_due on deletion (look_at) where look_at is not null;
create index deletion_of_cluster on deletion (cluster_id) where state <> 'DONE';
create index deletion_unfinished on deletion (deployment_id, asked_at desc) where state <> 'DONE';

-- What a request to delete many was answered with, for as long as it may be repeated.
create table deletion_report (
  id uuid primary key,
  report jsonb not null,
  created_at timestamptz not null default now()
);

create table retention_policy (
  deployment_id uuid primary key references deployment,
  max_count integer check (max_count >= 1),
  max_age_ms bigint check (max_age_ms >= 3600000),
  include_stop boolean not null default false,
  while_stopped text not null default 'DEFER' check (while_stopped in ('DEFER', 'CLEAN')),
  actor text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- when it is swept next
  sweep_at timestamptz not null default now(),
  swept_at timestamptz,
  -- a pass that would delete more than half: since when it waits, and the token of what it would delete
  waiting_since timestamptz,
  waiting_token text,
  -- lets one pass go, if it is this one
  confirmed_token text,
  confirmed_by text,
  check (max_count is not null or max_age_ms is not null)
);
create index retention_policy_due on retention_policy (sweep_at);

-- what a policy may touch, newest first
create index savepoint_of_policy on savepoint (deployment_id, triggered_at desc nulls last)
  where state = 'COMPLETED' and origin in ('SCHEDULED', 'STOP');
`;
