import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a person says of left-overs, and what the drift report finds its entries by: each of these is seldom. */
export class Drift1764547200000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(text);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}

const text = /* sql */ `
-- a person has dealt with what lay below the directory of an attempt, or leaves it there
alter table savepoint_attempt
  add column left_forgotten_at timestamptz,
  add column left_forgotten_by text,
  add column left_forgotten_reason text check (length(left_forgotten_reason) <= 500);
-- attempts that may have left something: those that failed, and those that Flink was asked for more than once
create index savepoint_attempt_failed on savepoint_attempt (ended_at desc) where sends > 0 and outcome <> 'COMPLETED';
create index savepoint_attempt_resent on savepoint_attempt (ended_at desc) where sends > 1 and outcome = 'COMPLETED';
create index event_made_twice on event (savepoint_id) where type = 'SAVEPOINT_MADE_TWICE';

create index checkpoint_of_others on checkpoint (triggered_at desc)
  where kind = 'SAVEPOINT' and state = 'COMPLETED' and savepoint_id is null;
create index retained_savepoint on retained_checkpoint (triggered_at desc) where kind = 'SAVEPOINT';
-- imports whose record has ended, and those that lie in no storage
create index savepoint_import_ended on savepoint (storage_id, path) where state = 'DELETED' and origin = 'IMPORTED';
create index savepoint_outside on savepoint (location) where storage_id is null and location is not null;

create index savepoint_without_data on savepoint (data_checked_at desc) where state = 'COMPLETED' and data in ('MISSING', 'DAMAGED');
create index savepoint_given_up on savepoint (deleted_at desc) where state = 'DELETED' and proof = 'NONE';
`;
