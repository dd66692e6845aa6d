// Compiles the product, the demo's fake Flink and the runner into a folder of .cache/fault-build, with fail points that can be
// armed and, if asked for, without one safety. Does nothing when the sources are as they were.
import { transformSync } from '@swc/core';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { safeties } from './safeties.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const builds = join(root, '.cache', 'fault-build');
const DAY_MS = 24 * 60 * 60_000;
const SOURCES = ['src', 'worker', 'demo', 'test/fault', 'test/support'];
const ARMED = [
  'src/fail-point.ts',
  'export function failPoint(_point: FailPoint): void {\n  // nothing: see above\n}',
  "export { failPoint } from '../test/fault/armed-fail-point.js';",
];

/** As it is compiled everywhere. */
const options = { ...JSON.parse(readFileSync(join(root, 'swc-options.json'), 'utf8')), sourceMaps: 'inline' };

/** Answers the folder of the build and the hash of what it was made of. `without`: a key of safeties, or undefined. */
export function buildFaultSuite(without) {
  const replacements = [ARMED, ...(without ? replacementsOf(without) : [])];
  const sources = SOURCES.flatMap(list).map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }));
  const hash = hashOf(sources, replacements);
  const name = without ? `without-${without}` : 'whole';
  const folder = join(builds, `${name}-${hash.slice(0, 12)}`);
  if (existsSync(folder)) return { folder, hash };
  removeOldBuilds();

  const draft = `${folder}.new-${process.pid}`; // renamed whole: another run never finds half of it
  for (const { file, text } of exchange(sources, replacements)) {
    const target = join(draft, file.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, transformSync(text, { ...options, filename: join(root, file) }).code);
  }
  try {
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // else another was quicker
  }
  return { folder, hash };
}

/** A run that is under way keeps its own build; after a day none is. */
function removeOldBuilds() {
  if (!existsSync(builds)) return;
  for (const name of readdirSync(builds)) {
    const path = join(builds, name);
    if (Date.now() - statSync(path).mtimeMs > DAY_MS) rmSync(path, { recursive: true, force: true });
  }
}

function replacementsOf(without) {
  const safety = safeties[without];
  if (safety) return safety.replace;
  throw new Error(`There is no safety "${without}". There are: ${Object.keys(safeties).join(', ')}.`);
}

function exchange(sources, replacements) {
  const texts = new Map(sources.map(({ file, text }) => [file, text]));
  for (const [file, from, to] of replacements) {
    const parts = (texts.get(file) ?? '').split(from);
    if (parts.length !== 2) {
      throw new Error(
        `The fault suite exchanges this text of ${file}, and it occurs there ${parts.length - 1} times instead of once:\n${from}\n` +
          'The source has changed: change test/fault/safeties.mjs or build.mjs with it.',
      );
    }
    texts.set(file, parts.join(to));
  }
  return [...texts].map(([file, text]) => ({ file, text }));
}

function hashOf(sources, replacements) {
  const hash = createHash('sha256').update(JSON.stringify([options, replacements]));
  for (const { file, text } of sources) hash.update(`${file}\0${text.length}\0${text}`);
  return hash.digest('hex');
}

function list(folder) {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  return entries
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return list(path);
      return entry.name.endsWith('.ts') ? [path] : [];
    })
    .sort();
}
