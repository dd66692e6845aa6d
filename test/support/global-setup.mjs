import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * One PostgreSQL per jest run, in a process of its own that takes it away again when this process ends, however it
 * ends. Test files get its address as STATEWARD_TEST_POSTGRES; see test-database.ts.
 */
export default async function startTestPostgres() {
  // detached: a Ctrl-C meant for jest must not reach it before it has cleared up.
  const keeper = fork(fileURLToPath(new URL('postgres-keeper.mjs', import.meta.url)), {
    detached: true,
    execArgv: [],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  process.env.STATEWARD_TEST_POSTGRES = await new Promise((resolve, reject) => {
    keeper.once('message', ({ url, error }) => (url ? resolve(url) : reject(new Error(error))));
    keeper.once('exit', (code) => reject(new Error(`the keeper of the test database ended with ${code}`)));
  });
  globalThis.testPostgresKeeper = keeper;
}
