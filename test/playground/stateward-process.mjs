import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { clearTimeout, setTimeout } from 'node:timers';
import { fileURLToPath } from 'node:url';

const READY_WITHIN_MS = 60_000;
const READY = /GraphQL at (http:\/\/\S+)\/graphql/;

/** The whole product in its own processes, on a free port, with these settings. */
export async function startStateward(dataFolder, settings = {}) {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(STATEWARD_|DATABASE_URL$|REDIS_)/.test(name));
  const child = spawn(process.execPath, [fileURLToPath(new URL('../../dist/src/standalone.js', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...Object.fromEntries(inherited),
      STATEWARD_DATA_FOLDER: dataFolder,
      STATEWARD_PORT: '0',
      STATEWARD_LOG_LEVEL: 'error',
      ...settings,
    },
  });
  const gone = once(child, 'exit');
  /** May be called again. */
  const stop = async () => {
    child.kill('SIGTERM');
    await gone;
  };
  try {
    return { url: await ready(child), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function ready(child) {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`Stateward was not ready within ${READY_WITHIN_MS / 1000} s.`));
    const timer = setTimeout(late, READY_WITHIN_MS);
    child.once('exit', (code) => reject(new Error(`Stateward ended with ${code} before it was ready; see above.`)));
    createInterface(child.stdout).on('line', (line) => {
      const url = READY.exec(line)?.[1];
      if (!url) return;
      clearTimeout(timer);
      resolve(url);
    });
  });
}
