import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What is done now and then, once for all workers: when each was last begun. */
export class Chores1764201600000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table chore (name text primary key, begun_at timestamptz not null)');
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}
