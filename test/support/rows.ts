import { randomUUID } from 'node:crypto';
import { Database } from '../../src/db/database.js';
import { createTestDatabase } from './test-database.js';

export interface OpenDatabase {
  database: Database;
  url: string;
  close(): Promise<void>;
}

/** A migrated database of its own with a pool on it, and nothing else of the product. */
export async function openTestDatabase(connections = 10): Promise<OpenDatabase> {
  const made = await createTestDatabase();
  const database = await Database.open({ url: made.url, entities: [], connections, applicationName: 'test' });
  return {
    database,
    url: made.url,
    close: async () => {
      await database.close();
      await made.drop();
    },
  };
}

/** A cluster that is due now. */
export async function insertCluster(database: Database): Promise<string> {
  const id = randomUUID();
  await database.rows(
    `with made as (insert into cluster (id, name, url, state, look_at) values ($1, $2, $2, 'REACHABLE', now()) returning id)
     insert into cluster_lease (cluster_id) select id from made`,
    [id, `http://${id}`],
  );
  return id;
}

export async function insertDeployment(database: Database, clusterId: string): Promise<string> {
  const id = randomUUID();
  await database.changed('insert into deployment (id, name, cluster_id) values ($1, $2, $3)', [id, id, clusterId]);
  return id;
}

/** A savepoint in progress of a new deployment, due now. */
export async function insertSavepoint(database: Database, clusterId: string): Promise<string> {
  const id = randomUUID();
  await database.changed(
    `insert into savepoint (id, deployment_id, cluster_id, origin, state, format, actor, look_at)
     values ($1, $2, $3, 'MANUAL', 'IN_PROGRESS', 'CANONICAL', 'test', now())`,
    [id, await insertDeployment(database, clusterId), clusterId],
  );
  return id;
}
