import type { MigrationInterface, QueryRunner } from 'typeorm';

/** When a cluster got its roots, and when another one took its place: what ran before lies below roots of before. */
export class ReplacedClusters1764460800000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(text);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}

const text = /* sql */ `
-- since when the cluster reaches the storage
alter table storage_root add column since timestamptz not null default now();
update storage_root r set since = s.created_at from storage s where s.id = r.storage_id;

-- the last time that a person said that another cluster answers there now (confirmCluster)
alter table cluster add column replaced_at timestamptz;
update cluster c set replaced_at = (select max(r.left_at) from storage_root r where r.cluster_id = c.id and r.left_at is distinct from c.removed_at);
`;
