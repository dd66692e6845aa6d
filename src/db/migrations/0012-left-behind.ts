import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What ended runs have left behind goes, where a policy says so. */
export class LeftBehind1765065600000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(text);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}

const text = /* sql */ `
alter table retention_policy
  add column left_behind text not null default 'KEEP' check (left_behind in ('KEEP', 'DISPOSE'));

-- since when the checkpoints that a run has left are going, or are gone: nothing is started from them any more
alter table job add column checkpoints_going_at timestamptz;
create index job_of_flink on job (flink_job_id);

-- when it was learned that a run has completed a checkpoint, on our clock; of those before it is not known, so it counts from now
alter table job_checkpoints add column first_completed_seen_at timestamptz;
update job_checkpoints set first_completed_seen_at = now() where first_completed_id is not null;

-- What the _metadata of a snapshot points to besides its own folder: folders, not files, which may be very many. A complete one never changes.
create table snapshot_reach (
  -- <run>:<Flink's id> of a checkpoint, or the id of a savepoint
  snapshot text primary key,
  job_id uuid references job,
  location text not null,
  folders text[] not null,
  read_at timestamptz not null default now()
);
create index snapshot_reach_run on snapshot_reach (job_id) where job_id is not null;

-- The disposal of all checkpoints that one ended run has left; its id is that of the run. One after the other is disposed of.
create table left_behind (
  id uuid primary key references job,
  deployment_id uuid not null references deployment,
  -- the one that is asked; null: none can be now
  cluster_id uuid references cluster,
  state text not null check (state in ('WAITING', 'DISPOSING', 'FAILED', 'DONE')),
  reason text not null check (length(reason) <= 500),
  asked_at timestamptz not null default now(),
  waiting_for text,
  -- Flink was, or may have been, asked for one of them: from then on none of the others is whole for certain, and there is no way back
  begun boolean not null default false,
  -- the one that it is at
  checkpoint_id bigint,
  disposals integer not null default 0,
  -- a disposal of this one has, or may have, deleted a part of it
  may_have_begun boolean not null default false,
  location text,
  request_id text,
  process_mark text,
  sent_at timestamptz,
  replies_lost integer not null default 0,
  failed_times integer not null default 0,
  failure_code text check (failure_code in ('LEFTOVERS_POSSIBLE', 'NOT_FOUND', 'DISPOSAL_FAILED', 'NOT_DELETABLE')),
  failure_message text,
  failure_root_cause text,
  failed_at timestamptz,
  -- what was seen to be left
  left_path text,
  left_bytes bigint,
  -- of all: FLINK_CONFIRMED where one of them is gone by the word of Flink alone
  proof text check (proof in ('EMPTY', 'FLINK_CONFIRMED')),
  ended_at timestamptz,
  look_at timestamptz,
  claim bigint not null default 0,
  claimed_until timestamptz,
  wakes integer not null default 0,
  failures integer not null default 0
) with (fillfactor = 70);
create index left_behind_due on left_behind (look_at) where look_at is not null;
create index left_behind_unfinished on left_behind (deployment_id) where state <> 'DONE';
`;
