import type { Sql } from '../db/database.js';
import { type Page, pageOf } from '../db/pages.js';
import { Artifact } from './artifact.entity.js';

export const artifactPage = (sql: Sql, page: Page) => pageOf(sql, Artifact, 'artifact', page);

/** The artifact of these bytes: the one that was there before, or this one. */
export async function insertOrFindArtifact(sql: Sql, artifact: Omit<Artifact, 'createdAt'>): Promise<Artifact> {
  const found = await sql.entity(
    Artifact,
    `insert into artifact (id, name, sha256, size_bytes, main_class) values ($1, $2, $3, $4, $5)
     on conflict (sha256) do update set sha256 = excluded.sha256 returning *`,
    [artifact.id, artifact.name, artifact.sha256, artifact.sizeBytes, artifact.mainClass],
  );
  if (!found) throw new Error('insert … returning answered nothing');
  return found;
}
