import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What snapshots hold, as far as it was read, and what operators programs have. */
export class SnapshotContents1764892800000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(text);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}

const text = /* sql */ `
-- Of savepoints by their ids, of whatever else by its place. Can be read again, where the snapshot is still there.
create table snapshot_contents (
  id uuid primary key,
  savepoint_id uuid unique references savepoint,
  storage_id uuid references storage on delete cascade,
  path text,
  -- METADATA: its _metadata was read; REST: Flink's statistics were
  source text not null check (source in ('METADATA', 'REST')),
  -- null: not known
  self_contained boolean,
  contents jsonb not null,
  read_at timestamptz not null default now(),
  unique (storage_id, path),
  check (case when savepoint_id is null then storage_id is not null and path is not null else storage_id is null and path is null end)
);
create index snapshot_contents_by_place on snapshot_contents (read_at) where savepoint_id is null;

-- The operators of a program, as a Flink told them by running its main(). Settings are those of the run and of the cluster that matter.
create table program_plan (
  artifact_id uuid not null references artifact on delete cascade,
  settings_hash text not null,
  flink_version text not null,
  operators jsonb not null,
  -- what the jar shows of setUidHash, which no plan shows: { calls, ids }; null: it could not be read
  uid_hashes jsonb,
  planned_at timestamptz not null default now(),
  took_ms bigint not null,
  primary key (artifact_id, settings_hash, flink_version)
);

alter table storage
  -- Flink puts random text into the paths of files there (s3.entropy.key): a savepoint's files lie outside of its folder
  add column injects_entropy boolean not null default false;
`;
