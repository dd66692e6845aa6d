// Makes a bare checkout runnable: installs what package-lock.json names, and builds what changed. npm's pre-scripts run
// it, so it uses Node alone, says nothing when there is nothing to do, and lets a second one wait.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('.', import.meta.url));
const at = (...path) => join(root, ...path);
const lockFolder = at('.cache', 'preparing');
const WAIT_MS = 15 * 60_000;

const steps = [
  { isDone: isInstalled, run: install },
  { isDone: isBuilt, run: build },
];

checkNode();
if (!steps.every(({ isDone }) => isDone())) {
  takeLock();
  try {
    // Asked again, since another prepare may have done it meanwhile.
    process.exitCode = (await takeSteps()) ? 0 : 1;
  } finally {
    releaseLock();
  }
}

async function takeSteps() {
  for (const { isDone, run } of steps) if (!isDone() && !(await run())) return false;
  return true;
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(
    `Stateward needs Node 20.19 or newer, and this is ${process.versions.node}. Install a newer one, then try again.`,
  );
}

/** Whether node_modules holds what package-lock.json names; npm notes there what it installed, and only once it is done. */
function isInstalled() {
  const noted = read(at('node_modules', '.package-lock.json'));
  if (!noted) return false;
  const installed = JSON.parse(noted).packages;
  const wanted = JSON.parse(read(at('package-lock.json'))).packages;
  return Object.entries(wanted).every(([path, { version, integrity, optional, link }]) => {
    const found = installed[path];
    if (path === '' || link) return true;
    return found ? found.version === version && found.integrity === integrity : optional; // of another platform
  });
}

function install() {
  const startedAt = Date.now();
  console.log('Installing the packages that package-lock.json names …');
  const command = ['ci', '--include=dev', '--no-audit', '--no-fund']; // the build needs the dev ones, whatever NODE_ENV says
  // npm says where it lives: the same npm then, with no shell in between, on every platform.
  const npm = process.env.npm_execpath;
  const result = /npm-cli\.c?js$/.test(npm ?? '')
    ? spawnSync(process.execPath, [npm, ...command], { cwd: root, stdio: 'inherit' })
    : spawnSync('npm', command, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
  if (result.status !== 0) return complain(`npm ci failed (${result.error?.message ?? 'see above'}).`);
  console.log(`Installed in ${secondsSince(startedAt)}.`);
  return true;
}

function isBuilt() {
  return read(at('dist', '.stateward-build')) === hashSources();
}

async function build() {
  const startedAt = Date.now();
  process.stdout.write('Building … ');
  const hash = hashSources();
  // Made aside and renamed whole: whatever runs from dist meanwhile never finds half of it.
  rmSync(at('dist.new'), { recursive: true, force: true });
  const problem = await compile('dist.new');
  if (problem) {
    rmSync(at('dist.new'), { recursive: true, force: true });
    return complain(`the build failed:\n${problem}`);
  }
  writeFileSync(at('dist.new', '.stateward-build'), hash);
  rmSync(at('.cache', 'dist.old'), { recursive: true, force: true });
  if (existsSync(at('dist'))) renameSync(at('dist'), at('.cache', 'dist.old'));
  renameSync(at('dist.new'), at('dist'));
  rmSync(at('.cache', 'dist.old'), { recursive: true, force: true });
  console.log(`done in ${secondsSince(startedAt)}.`);
  return true;
}

/** Answers what is wrong with a source, if anything is. Types are not looked at, which would take ten times as long: `npm test` does. */
async function compile(folder) {
  let swc;
  try {
    swc = await import('@swc/core');
  } catch {
    return compileSlowly(folder); // there is no binary of it for this platform
  }
  const options = { ...JSON.parse(read(at('swc-options.json'))), sourceMaps: true };
  const work = sources().map(async (file) => {
    const target = at(folder, file.replace(/\.ts$/, '.js'));
    const { code, map } = await swc.transform(read(at(file)), { ...options, filename: at(file) });
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, `${code}//# sourceMappingURL=${basename(target)}.map\n`);
    writeFileSync(`${target}.map`, map);
  });
  const results = await Promise.allSettled(work);
  return results.flatMap(({ reason }) => (reason ? [reason.message] : [])).join('\n');
}

function compileSlowly(folder) {
  const tsc = [at('node_modules', 'typescript', 'bin', 'tsc'), '-p', at('tsconfig.build.json'), '--outDir', at(folder)];
  const result = spawnSync(process.execPath, tsc, { cwd: root, encoding: 'utf8' });
  return result.status === 0 ? '' : (result.error?.message ?? result.stdout + result.stderr);
}

function hashSources() {
  const hash = createHash('sha256');
  for (const file of [...sources(), 'swc-options.json']) {
    const content = readFileSync(at(file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

function sources() {
  const folders = ['src', 'worker', 'demo', 'bench'];
  return folders.flatMap((folder) => (existsSync(at(folder)) ? list(folder) : [])).sort();
}

function list(folder) {
  return readdirSync(at(folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return list(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}

/**
 * The lock is a folder that holds one file, named for its owner. It appears whole (by a rename, which fails while a
 * folder with an owner is there), and a dead owner is replaced by renaming its file, which only one can do.
 */
function takeLock() {
  const mine = String(process.pid);
  const draft = `${lockFolder}-${mine}`;
  let said = false;
  for (const deadline = Date.now() + WAIT_MS; ; pause(100)) {
    try {
      mkdirSync(draft, { recursive: true });
      writeFileSync(join(draft, mine), '');
      renameSync(draft, lockFolder);
      return;
    } catch (error) {
      rmSync(draft, { recursive: true, force: true });
      if (!existsSync(lockFolder)) {
        if (error.code !== 'ENOENT' && Date.now() > deadline - WAIT_MS + 2_000)
          fail(`Cannot write in ${at('.cache')}: ${error.message}`);
        continue;
      }
    }
    const owner = ownerOfLock();
    if (owner && !isAlive(Number(owner))) {
      try {
        renameSync(join(lockFolder, owner), join(lockFolder, mine));
        return;
      } catch {
        continue; // another was quicker
      }
    }
    if (owner && !said)
      console.log(`Waiting for process ${owner}, which installs or builds Stateward in this folder …`);
    said ||= Boolean(owner);
    if (Date.now() > deadline)
      fail(`Process ${owner} is still not done. If it has nothing to do with Stateward, remove ${lockFolder}.`);
  }
}

function releaseLock() {
  unlinkSync(join(lockFolder, String(process.pid)));
  try {
    rmdirSync(lockFolder);
  } catch {
    // The next owner has already put its own in this place.
  }
}

function ownerOfLock() {
  try {
    const [owner] = readdirSync(lockFolder);
    if (!owner) rmdirSync(lockFolder); // its owner died between the two halves of releaseLock
    return owner;
  } catch {
    return undefined; // released meanwhile
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM'; // alive, another user's
  }
}

function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function pause(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

function secondsSince(startedAt) {
  return `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
}

function complain(message) {
  console.error(message);
  return false;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
