import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Outcome } from './course.js';

export interface Result extends Outcome {
  name: string;
  /** Hash of what was tested. */
  sources: string;
  /** In full length (`--all`). */
  full: boolean;
  ms: number;
}

export function appendResult(file: string, result: Result): void {
  mkdirSync(dirname(file), { recursive: true });
  appendFileSync(file, `${JSON.stringify(result)}\n`);
}

/** Runs that have passed with these sources, for `--resume`. */
export function passedBefore(file: string, sources: string, full: boolean): Map<string, Result> {
  if (!existsSync(file)) return new Map();
  const results = readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Result);
  return new Map(
    results
      .filter((one) => one.sources === sources && one.full === full && one.violations.length === 0)
      .map((one) => [one.name, one]),
  );
}

/** One line of a run. */
export function lineOf({ name, asked, ended, recoveryMs, violations, ms }: Result): string {
  const verdict = violations.length === 0 ? 'ok  ' : 'FAIL';
  const recovery = recoveryMs === null ? '' : `, recovery ${(recoveryMs / 1_000).toFixed(1)} s`;
  return `${verdict} ${name}: ${ended} of ${asked} ended${recovery} (${(ms / 1_000).toFixed(0)} s)`;
}

export function summaryOf(results: readonly Result[]): string {
  const failed = results.filter(({ violations }) => violations.length > 0);
  const cases = results.reduce((sum, { asked }) => sum + asked, 0);
  const recoveries = results
    .flatMap(({ recoveryMs }) => (recoveryMs === null ? [] : [recoveryMs]))
    .sort((a, b) => a - b);
  const seconds = (ms: number | undefined) => (ms === undefined ? 'none' : `${(ms / 1_000).toFixed(1)} s`);
  const half = recoveries[Math.floor((recoveries.length - 1) / 2)];
  return (
    `${results.length - failed.length} runs passed, ${failed.length} failed; ${cases} requests. ` +
    `Recovery: half within ${seconds(half)}, the longest ${seconds(recoveries.at(-1))}.`
  );
}
