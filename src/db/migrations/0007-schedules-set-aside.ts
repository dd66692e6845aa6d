import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Schedules that cannot be read, or decided: they wait aside, so that others are not kept by them. */
export class SchedulesSetAside1764633600000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(text);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}

const text = /* sql */ `
alter table savepoint_schedule
  add column set_aside_at timestamptz,
  -- for a person: why, and what to do
  add column set_aside_reason text,
  -- not before that it is tried again
  add column tried_again_at timestamptz,
  add check ((set_aside_at is null) = (set_aside_reason is null) and (set_aside_at is null) = (tried_again_at is null));
`;
