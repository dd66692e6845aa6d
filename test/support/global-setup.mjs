import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * One PostgreSQL per jest run, in a process of its own that takes it away again when this process ends, however it
 * ends. Test files get its address as STATEWARD_TEST_POSTGRES (see test-database.ts), and a folder for temporary files
 * that goes with it.
 */
export default async function startTestPostgres() {
  // detached: a Ctrl-C meant for jest must not reach it before it has cleared up.
  const keeper = fork(fileURLToPath(new URL('postgres-keeper.mjs', import.meta.url)), {
    detached: true,
    execArgv: [],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const { url, temp } = await new Promise((resolve, reject) => {
    keeper.once('message', (reply) => (reply.url ? resolve(reply) : reject(new Error(reply.error))));
    keeper.once('exit', (code) => reject(new Error(`the keeper of the test database ended with ${code}`)));
  });
  process.env.STATEWARD_TEST_POSTGRES = url;
  for (const name of ['TMPDIR', 'TEMP', 'TMP']) process.env[name] = temp;
  globalThis.testPostgresKeeper = keeper;
}
