import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Disposals whose end was not told: Flink may still be at one while its deletion waits or has failed. */
export class UntoldDisposals1764806400000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(text);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}

const text = /* sql */ `
alter table deletion
  -- Flink may be deleting until then by a disposal whose end was not told; null: there was none
  add column untold_until timestamptz,
  -- in a row
  add column replies_lost integer not null default 0;
`;
