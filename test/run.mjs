// `npm test [-- <jest arguments>]`: types, lint and format, then jest. `--only-jest` leaves the first three out.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const asked = process.argv.slice(2).filter((argument) => argument !== '--');
const jestArguments = asked.filter((argument) => argument !== '--only-jest');

const checks = {
  types: ['node_modules/typescript/bin/tsc', '--noEmit'],
  lint: ['node_modules/eslint/bin/eslint.js', '.'],
  format: ['node_modules/prettier/bin/prettier.cjs', '--check', '.'],
};

const running = new Set();
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    interrupted = true;
    for (const child of running) child.kill(signal);
  });
}

process.exitCode = (asked.includes('--only-jest') || (await checkAll())) && !interrupted ? await runJest() : 1;

/** The three at once: each is bound to one core. Resolves to whether all hold. */
async function checkAll() {
  const results = await Promise.all(Object.entries(checks).map(([name, command]) => check(name, command)));
  const complaints = results.filter(({ passed }) => !passed);
  for (const { name, output } of complaints) console.error(`\n--- ${name} ---\n${output.trim()}`);
  return complaints.length === 0;
}

async function check(name, command) {
  const startedAt = Date.now();
  let output = '';
  const { code } = await run(command, {
    stdio: ['ignore', 'pipe', 'pipe'],
    onOutput: (text) => (output += text),
  });
  const passed = code === 0;
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  console.log(`${name.padEnd(6)} ${passed ? 'ok' : 'FAILED'} (${seconds} s)`);
  return { name, passed, output };
}

async function runJest() {
  const nodeOptions = [process.env.NODE_OPTIONS, '--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const { code, signal } = await run(['node_modules/jest/bin/jest.js', ...jestArguments], {
    stdio: 'inherit',
    env: { ...process.env, NODE_OPTIONS: nodeOptions.filter(Boolean).join(' ') },
  });
  if (signal) console.error(`jest was ended by ${signal}`);
  return code ?? 1;
}

/** Runs one of the project's tools with this Node, so that neither a shell nor a PATH matters. */
function run(command, { onOutput, ...options }) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, command, { cwd: root, ...options });
    running.add(child);
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', onOutput);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      running.delete(child);
      resolve({ code, signal });
    });
  });
}
