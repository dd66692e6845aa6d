import pg from 'pg';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EmbeddedPostgres, openEmbeddedPostgres } from '../../src/db/embedded-postgres.js';
import { createTestDatabase } from '../support/test-database.js';

/** The database of a run, seen by the runner, whose questions outlast an outage. */
export interface RunDatabase {
  readonly url: string;
  rows<T extends object>(text: string, values?: unknown[]): Promise<T[]>;
  /** kill -9 of its server; only where the run has its own. */
  kill(): void;
  /** Starts the server again on its port. */
  start(): Promise<void>;
  close(): Promise<void>;
}

const ASK_AGAIN_MS = 100;
const ASK_FOR_MS = 30_000;

export async function openRunDatabase(folder: string, own: boolean): Promise<RunDatabase> {
  const server = own ? await ownServer(join(folder, 'postgres')) : await sharedServer();
  const pool = new pg.Pool({ connectionString: server.url, max: 3, application_name: 'fault runner' });
  pool.on('error', () => undefined); // the next question opens another connection
  return {
    url: server.url,
    rows: async <T extends object>(text: string, values: unknown[] = []) => {
      for (const deadline = Date.now() + ASK_FOR_MS; ; await sleep(ASK_AGAIN_MS)) {
        try {
          return (await pool.query<T>(text, values)).rows;
        } catch (error) {
          const isAnswer = error instanceof pg.DatabaseError && !/^(08|53|57P)/.test(error.code ?? '');
          if (isAnswer || Date.now() > deadline) throw error;
        }
      }
    },
    kill: server.kill,
    start: server.start,
    close: async () => {
      await pool.end();
      await server.close();
    },
  };
}

interface Server {
  url: string;
  kill(): void;
  start(): Promise<void>;
  close(): Promise<unknown>;
}

/** A database on the server that all runs share. */
async function sharedServer(): Promise<Server> {
  const { url, drop } = await createTestDatabase();
  const refuse = () => {
    throw new Error('The server is shared by other runs: ask for one of its own.');
  };
  return { url, kill: refuse, start: refuse, close: drop };
}

async function ownServer(folder: string): Promise<Server> {
  let server: EmbeddedPostgres = await openEmbeddedPostgres(folder);
  const { url } = server;
  return {
    url,
    kill: () => void process.kill(server.pid, 'SIGKILL'),
    start: async () => {
      server = await openEmbeddedPostgres(folder);
      if (server.url !== url) throw new Error(`PostgreSQL came back on another port: ${server.url}`);
    },
    close: () => server.stop(),
  };
}
