import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { runMigrations } from '../../src/db/migrate.js';

const TEMPLATE = 'stateward_template';
const TEMPLATE_LOCK = 7_208_099;

export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

/** A database of its own, with every migration run: a copy of a template that the first caller of a jest run makes. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await asAdmin(async (admin) => {
    await makeTemplate(admin);
    await admin.query(`create database ${name} template ${TEMPLATE}`);
  });
  return {
    url: urlOf(name),
    // force: ends the connections of this database, and of no other.
    drop: () => asAdmin(async (admin) => void (await admin.query(`drop database if exists ${name} with (force)`))),
  };
}

async function makeTemplate(admin: pg.Client): Promise<void> {
  await admin.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK]);
  const { rowCount } = await admin.query('select from pg_database where datname = $1', [TEMPLATE]);
  if (!rowCount) {
    // Migrated under another name first: a template that exists is complete.
    await admin.query(`drop database if exists ${TEMPLATE}_draft with (force)`);
    await admin.query(`create database ${TEMPLATE}_draft`);
    await runMigrations(urlOf(`${TEMPLATE}_draft`));
    await admin.query(`alter database ${TEMPLATE}_draft rename to ${TEMPLATE}`);
  }
  await admin.query('select pg_advisory_unlock($1)', [TEMPLATE_LOCK]);
}

async function asAdmin<T>(work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: urlOf('postgres') });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end(); // and with the session its locks
  }
}

function urlOf(database: string): string {
  const given = process.env.STATEWARD_TEST_POSTGRES;
  if (!given)
    throw new Error(
      'STATEWARD_TEST_POSTGRES is not set: run the tests with jest.config.mjs, whose set-up starts the database.',
    );
  const url = new URL(given);
  url.pathname = `/${database}`;
  return url.href;
}
