import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { runMigrations } from '../../src/db/migrate.js';

const TEMPLATE = 'stateward_template';
const TEMPLATE_LOCK = 7_208_900;

export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

const urlOf = (name: string): string => {
  const url = new URL(process.env.STATEWARD_TEST_POSTGRES ?? '');
  url.pathname = `/${name}`;
  return url.href;
};

async function asAdmin<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: urlOf('postgres') });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** A database of its own with the migrations applied, cloned from a template that is made once a run. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asAdmin(async (client) => {
    await client.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [TEMPLATE]);
    if (rowCount === 0) {
      await client.query(`create database ${TEMPLATE}_draft`);
      await runMigrations(urlOf(`${TEMPLATE}_draft`));
      await client.query(`alter database ${TEMPLATE}_draft rename to ${TEMPLATE}`);
    }
    await client.query(`create database ${name} template ${TEMPLATE}`);
  });
  return {
    url: urlOf(name),
    drop: () => asAdmin(async (client) => void (await client.query(`drop database if exists ${name} with (force)`))),
  };
}
