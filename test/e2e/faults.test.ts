import { beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { whyNoRedis } from '../support/redis-server.js';

/** A short cut of `npm run fault`: seven of its kills, and an emptied Redis. */
const RUNNER = fileURLToPath(new URL('../fault/run.mjs', import.meta.url));
const RUNS_TAKE_MS = 300_000;
const AT_ONCE = '3';

const onPostgres = [
  'kill request.committed postgres seed 1',
  'kill savepoint.send-stored postgres seed 1',
  'kill savepoint.end-before-commit postgres seed 1',
  'kill stop.savepoint-stored postgres seed 1',
];
const onRedis = [
  'kill request.before-commit redis seed 1',
  'kill savepoint.triggered redis seed 1',
  'kill start.run-made redis seed 1',
  'redis emptied redis seed 1',
];

const noRedis = whyNoRedis();
let output = '';
let violations: Map<string, string[]>;
beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stateward-faults-'));
  const results = join(folder, 'results.jsonl');
  const only = [...onPostgres, ...(noRedis ? [] : onRedis)].map((name) => `^${name}$`).join('|');
  const runner = spawn(process.execPath, [RUNNER, '--only', only, '--seed', '1', '--at-once', AT_ONCE], {
    env: { ...process.env, FAULT_RESULTS: results },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [runner.stdout, runner.stderr]) stream.on('data', (bytes: Buffer) => (output += bytes));
  await once(runner, 'close');
  const lines = readFileSync(results, 'utf8').split('\n').filter(Boolean);
  rmSync(folder, { recursive: true });
  violations = new Map(
    lines.map((line) => {
      const result = JSON.parse(line) as { name: string; violations: string[] };
      return [result.name, result.violations];
    }),
  );
}, RUNS_TAKE_MS);

const expectNothingBroken = (name: string): void => {
  if (!violations.has(name)) throw new Error(`There was no such run:\n${output}`);
  expect(violations.get(name)).toEqual([]);
};

describe('every request ends once and truly, and nothing is made twice', () => {
  it.each(onPostgres)('in the run: %s', expectNothingBroken);
});

(noRedis === null ? describe : describe.skip)(
  `every request ends once and truly, with the queue on Redis${noRedis === null ? '' : ` (skipped: ${noRedis})`}`,
  () => {
    it.each(onRedis)('in the run: %s', expectNothingBroken);
  },
);
