import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { refusalCodes } from '../../src/api/user-error.js';
import { CheckFailureCode } from '../../src/check/check.enums.js';
import { DeletionFailureCode } from '../../src/deletion/deletion.enums.js';
import { errorCodes } from '../../src/errors.js';
import { JobFailureCode } from '../../src/job/job.entity.js';
import { StopFailureCode } from '../../src/run/stop.enums.js';
import { SavepointFailureCode } from '../../src/savepoint/savepoint.enums.js';

const text = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');

/** Rows of the table below a heading; the first cell holds a code in backticks. */
function rowsBelow(heading: string): string[][] {
  const section = text.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

const tables = [
  'Refusals',
  'Failures of a savepoint',
  'Failures of a deletion',
  'Failures of a stop',
  'Failures of a job',
  'Failures of a compatibility check',
  'Errors',
];
/** What the tests say, this one aside. */
function textOfTests(): string {
  const folder = new URL('../', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => file.endsWith('.ts') && !file.endsWith('errors-doc.test.ts'))
    .map((file) => readFileSync(new URL(file, folder), 'utf8'))
    .join('\n');
}

const codesOf = (rows: string[][]) => rows.map(([code = '']) => code.replaceAll('`', '')).sort();

describe('docs/errors.md', () => {
  it.each([
    ['Refusals', [...refusalCodes]],
    ['Failures of a savepoint', Object.values(SavepointFailureCode)],
    ['Failures of a deletion', Object.values(DeletionFailureCode)],
    ['Failures of a stop', Object.values(StopFailureCode)],
    ['Failures of a job', Object.values(JobFailureCode)],
    ['Failures of a compatibility check', Object.values(CheckFailureCode)],
    ['Errors', Object.keys(errorCodes)],
  ])('lists under "%s" each code once, and no other', (heading, codes: string[]) => {
    expect(codesOf(rowsBelow(heading))).toEqual([...codes].sort());
  });

  it('has no table of codes besides these', () => {
    const all = [...text.matchAll(/^\| `([A-Z_]+)`/gm)].length;
    const listed = tables.flatMap(rowsBelow).length;
    expect(all).toBe(listed);
  });

  it('names no code that no test names', () => {
    const tested = new Set(textOfTests().match(/\b[A-Z]+(_[A-Z]+)*\b/g));
    expect(codesOf(tables.flatMap(rowsBelow)).filter((code) => !tested.has(code))).toEqual([]);
  });

  it('says of each code what it means and what to do', () => {
    for (const row of tables.flatMap(rowsBelow)) {
      expect(row.filter((cell) => cell === '')).toEqual([]);
    }
  });

  it('says of each error whether the same request may succeed later', () => {
    const documented = Object.fromEntries(
      rowsBelow('Errors').map(([code = '', retryable]) => [code.replaceAll('`', ''), retryable === 'yes']),
    );
    const actual = Object.fromEntries(Object.entries(errorCodes).map(([code, { retryable }]) => [code, retryable]));
    expect(documented).toEqual(actual);
  });
});
