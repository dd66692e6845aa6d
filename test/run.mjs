// `npm test`: types, lint and format first, then jest. Arguments go to jest; --only-jest leaves the checks out.
import { spawn, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (...path) => join(root, 'node_modules', ...path);
const args = process.argv.slice(2);
const onlyJest = args.includes('--only-jest');

const checks = [
  ['types', bin('typescript', 'bin', 'tsc'), '--noEmit'],
  ['lint', bin('eslint', 'bin', 'eslint.js'), '.'],
  ['format', bin('prettier', 'bin', 'prettier.cjs'), '--check', '.'],
];
for (const [name, ...command] of onlyJest ? [] : checks) {
  const startedAt = Date.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8' });
  console.log(`${name}: ${status === 0 ? 'ok' : 'FAILED'} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);
  if (status !== 0) {
    console.log(`${stdout}${stderr}`);
    process.exit(1);
  }
}

const jest = spawn(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--no-warnings=ExperimentalWarning',
    bin('jest', 'bin', 'jest.js'),
    ...args.filter((arg) => arg !== '--only-jest'),
  ],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => jest.kill(signal));
jest.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
