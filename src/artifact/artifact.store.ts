import type { Sql, Transaction } from '../db/database.js';
import { type Page, pageOf } from '../db/pages.js';
import { Artifact } from './artifact.entity.js';

export const artifactPage = (sql: Sql, page: Page) => pageOf(sql, Artifact, 'artifact', page, ['removed_at is null']);

/** The artifact of these bytes: the one that was there before, or this one. */
export async function insertOrFindArtifact(
  sql: Sql,
  artifact: Omit<Artifact, 'createdAt' | 'removedAt'>,
): Promise<Artifact> {
  const found = await sql.entity(
    Artifact,
    `insert into artifact (id, name, sha256, size_bytes, main_class) values ($1, $2, $3, $4, $5)
     on conflict (sha256) where removed_at is null do update set sha256 = excluded.sha256 returning *`,
    [artifact.id, artifact.name, artifact.sha256, artifact.sizeBytes, artifact.mainClass],
  );
  if (!found) throw new Error('insert … returning answered nothing');
  return found;
}

/** Whoever puts a file of these bytes in place, or takes it away, waits here for the other. */
export const lockBytes = (tx: Transaction, sha256: string) =>
  tx.rows('select pg_advisory_xact_lock(hashtextextended($1, 1))', [sha256]);

export const findArtifactOf = (sql: Sql, sha256: string) =>
  sql.entity(Artifact, 'select * from artifact where sha256 = $1 and removed_at is null', [sha256]);

/** A removed one too. */
export const findEvenRemoved = (sql: Sql, id: string) =>
  sql.entity(Artifact, 'select * from artifact where id = $1', [id]);

/** Locked against everything, whoever is about to use it included: for its removal. */
export const lockForRemoval = (tx: Transaction, id: string) =>
  tx.entity(Artifact, 'select * from artifact where id = $1 for update', [id]);

export const markRemoved = (tx: Transaction, id: string, actor: string) =>
  tx.changed('update artifact set removed_at = now(), removed_by = $2 where id = $1', [id, actor]);

/** What needs a jar: ids of each kind, the first of many, and how many there are. */
export interface Users {
  deployments: { ids: string[]; count: number };
  jobs: { ids: string[]; count: number };
  savepoints: { ids: string[]; count: number };
}
const first = (row: string) =>
  `jsonb_build_object('ids', coalesce((array_agg(${row}.id::text order by ${row}.created_at))[1:20], '{}'), 'count', count(*)::int)`;

/** Deployments that are not archived, live runs, and runs that kept savepoints were made from: of the later nouns, what a removal must respect. */
export async function usersOfArtifact(tx: Transaction, id: string): Promise<Users> {
  const row = await tx.row<Users>(
    `select (select ${first('d')} from deployment d where d.artifact_id = $1 and d.archived_at is null) as deployments,
            (select ${first('j')} from job j where j.artifact_id = $1
                and j.state in ('SUBMITTING', 'INITIALIZING', 'RUNNING', 'RESTARTING', 'STOPPING')) as jobs,
            (select ${first('s')} from savepoint s join job j on j.id = s.job_id
              where j.artifact_id = $1 and s.state not in ('FAILED', 'DELETED')) as savepoints`,
    [id],
  );
  if (!row) throw new Error('A select without from answers a row');
  return row;
}
