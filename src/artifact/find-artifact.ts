import { join } from 'node:path';
import type { Sql } from '../db/database.js';
import { Artifact } from './artifact.entity.js';

/** What other nouns may ask of artifacts. One that may be used: in a transaction, kept from being removed until that ends. */
export const findArtifact = (sql: Sql, id: string) =>
  sql.entity(Artifact, 'select * from artifact where id = $1 and removed_at is null for key share', [id]);
export const findArtifacts = (sql: Sql, ids: readonly string[]) =>
  sql.entities(Artifact, 'select * from artifact where id = any($1)', [ids]);

/** Where the bytes of an artifact lie. */
export const artifactPath = (folder: string, sha256: string) => join(folder, `${sha256}.jar`);
