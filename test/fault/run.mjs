// `npm run fault [-- <options>]`: builds what is to be broken, and starts the runner of that build.
//   (none)            each fail point and each further scenario once per back end of the queue
//   --all             with several seeds (--seeds n, 2) and in full length; --resume goes on where one was interrupted
//   --only <regex>    runs whose name matches; --list names them; --seed <n>; --at-once <n> (3)
//   --without <name>  without one safety (test/fault/safeties.mjs), to see that the suite notices: it must fail
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildFaultSuite } from './build.mjs';
import { safeties } from './safeties.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const asked = process.argv.slice(2).filter((argument) => argument !== '--');
const at = asked.indexOf('--without');
const without = at < 0 ? undefined : (asked[at + 1] ?? '');

try {
  const { folder, hash } = buildFaultSuite(without);
  const runner = spawn(process.execPath, [join(folder, 'test', 'fault', 'run.js'), ...asked], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      NODE_OPTIONS: '', // of jest, which is not meant for processes of ours
      FAULT_LOGS: join(root, '.cache', 'fault-logs'),
      FAULT_RESULTS: process.env.FAULT_RESULTS ?? join(root, '.cache', 'fault-results.jsonl'),
      FAULT_SOURCES: hash,
      ...(without && { FAULT_NOTICED_BY: safeties[without].noticedBy.source }),
    },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => runner.kill(signal));
  runner.once('exit', (code) => (process.exitCode = code ?? 1));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
