import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Questions whether a program would take a state. */
export class CompatibilityChecks1765152000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(text);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}

const text = /* sql */ `
create table compatibility_check (
  id uuid primary key,
  -- null: of a jar that no deployment has yet
  deployment_id uuid references deployment,
  cluster_id uuid not null references cluster,
  artifact_id uuid not null references artifact,
  entry_class text,
  program_arguments text[] not null,
  parallelism integer,
  flink_configuration jsonb not null,
  allow_non_restored_state boolean not null,
  -- whether a plan that is remembered is not enough
  fresh boolean not null,
  state text not null check (state in ('PENDING', 'IN_PROGRESS', 'COMPLETED', 'FAILED')),
  state_since timestamptz not null default now(),
  -- in words for a person: how far it is
  waiting_for text,
  -- the state, as it was known when the check was accepted; where it lies for the cluster, and why this one
  point jsonb not null,
  location text not null,
  why text not null,
  -- where it is read; null: in no known storage
  storage_id uuid,
  path text,
  -- what came of reading it: READ, GONE, or NOT_READ and why; null: not tried yet
  metadata_look text check (metadata_look in ('READ', 'GONE', 'NOT_READ')),
  metadata_trouble text,
  metadata_read_at timestamptz,
  -- of the program, once it is known; null with planned: it is not to be known
  planned boolean not null default false,
  plan_source text check (plan_source in ('ASKED', 'REMEMBERED')),
  planned_at timestamptz,
  -- plan calls that left, or may have; written before they leave, with the process that is asked
  tries integer not null default 0,
  plan_sent_at timestamptz,
  process_mark text,
  -- uploads that were begun, and the jar of the last one that was answered
  uploads integer not null default 0,
  jar_id text,
  -- since when the cluster has not answered, or has been CHANGED
  trouble_since timestamptz,
  verdict jsonb,
  failure_code text,
  failure_message text,
  failure_root_cause text,
  -- the last event of the deployment when it was accepted
  event_before bigint,
  actor text not null,
  created_at timestamptz not null default now(),
  ended_at timestamptz,
  look_at timestamptz,
  claim bigint not null default 0,
  claimed_until timestamptz,
  wakes integer not null default 0,
  failures integer not null default 0
) with (fillfactor = 70);
create index compatibility_check_due on compatibility_check (look_at) where look_at is not null;
create index compatibility_check_of_deployment on compatibility_check (deployment_id, created_at desc, id desc);
create index compatibility_check_ended on compatibility_check (ended_at) where ended_at is not null;
`;
