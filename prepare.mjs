// Run by npm before start, demo and test: installs and builds what is not there yet, and says nothing when all is there.
// Plain JavaScript without dependencies, because on a bare checkout there are none.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `Stateward needs Node.js 20.19 or newer; this is ${process.versions.node}. Install a newer one and try again.`,
  );
  process.exit(1);
}

const lock = join(root, '.prepare-lock');
const installMark = join(root, 'node_modules', '.stateward-lock');
const buildMark = join(root, 'dist', '.stateward-build');

const hash = (files) => {
  const sum = createHash('sha256');
  for (const file of files)
    sum
      .update(file)
      .update('\0')
      .update(readFileSync(join(root, file)))
      .update('\0');
  return sum.digest('hex');
};
const filesBelow = (folder) =>
  readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1))
    .sort();
const holds = (mark, value) => existsSync(mark) && readFileSync(mark, 'utf8') === value;
const installHash = () => hash(['package-lock.json']);
const buildHash = () =>
  hash([...['src', 'worker', 'demo'].flatMap(filesBelow), 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json']);
const isPrepared = () => holds(installMark, installHash()) && holds(buildMark, buildHash());

if (!isPrepared()) {
  takeLock();
  try {
    if (!holds(installMark, installHash())) {
      step('Installing dependencies (npm ci, about half a minute)', process.platform === 'win32' ? 'npm.cmd' : 'npm', [
        'ci',
        '--no-audit',
        '--no-fund',
      ]);
      writeFileSync(installMark, installHash());
    }
    if (!holds(buildMark, buildHash())) {
      const built = buildHash();
      rmSync(join(root, 'dist'), { recursive: true, force: true });
      step('Building (tsc)', process.execPath, [
        join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
        '-p',
        'tsconfig.build.json',
      ]);
      writeFileSync(buildMark, built);
    }
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function step(what, command, args) {
  console.error(`${what} ...`);
  const startedAt = Date.now();
  // npm's own settings of the script that called us must not reach the npm that is called here.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(lifecycle|package|command|execpath)/.test(name)),
  );
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env,
    shell: command.endsWith('.cmd'),
  });
  if (status !== 0) {
    rmSync(lock, { recursive: true, force: true });
    console.error(`${what}: failed${error ? ` (${error.message})` : ''}. See above; nothing was started.`);
    process.exit(1);
  }
  console.error(`${what}: done in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
}

/** Two at once must not install over each other: one works, the other waits for it. */
function takeLock() {
  for (let said = false; ; said = true) {
    try {
      mkdirSync(lock);
      writeFileSync(join(lock, 'pid'), String(process.pid));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const pid = Number(existsSync(join(lock, 'pid')) ? readFileSync(join(lock, 'pid'), 'utf8') : 0);
    if (pid && !isAlive(pid)) {
      rmSync(lock, { recursive: true, force: true });
      continue;
    }
    if (!said) console.error('Another command is installing or building here; waiting for it ...');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    if (isPrepared()) return;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
