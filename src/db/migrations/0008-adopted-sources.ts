import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What adopted runs were restored from, and what the records and the users of one place are found by. */
export class AdoptedSources1764720000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(text);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}

/** As `folderName` of `deletion/place-index.ts` has it: the indexes are used where the texts are equal. */
const folder = (column: string) =>
  `(substring(rtrim(regexp_replace(${column}, '/_metadata/*$', ''), '/') from '[^/\\\\]+$'))`;

/** As `checkpointRun` of `deletion/runs-from.ts` has it. */
const run = (column: string) => `(substring(${column} from '([0-9a-f]{32})/chk-[0-9]+(?:/_metadata)?/*$'))`;

const text = /* sql */ `
-- of an adopted run: when it was known what it was restored from, or that it was restored from nothing; until then it may be from anything
alter table job add column source_seen_at timestamptz;
update job set source_seen_at = now()
 where origin = 'ADOPTED' and (restored_at is not null or state in ('CANCELLED', 'FINISHED', 'FAILED'));
create index job_source_unseen on job (deployment_id) where origin = 'ADOPTED' and source_seen_at is null;

-- by the last folder of a location: all that is written otherwise of one place is compared after that
create index job_start_folder on job (${folder('start_location')}) where start_location is not null;
create index job_restored_folder on job (${folder('restored_location')}) where restored_location is not null;
-- by the run whose checkpoint it is
create index job_start_run on job (${run('start_location')}) where start_location is not null;
create index job_restored_run on job (${run('restored_location')}) where restored_location is not null;
create index job_flink_job on job (flink_job_id) where origin = 'ADOPTED';
create index savepoint_import_folder on savepoint (${folder('location')}) where origin = 'IMPORTED' and state = 'COMPLETED';
`;
