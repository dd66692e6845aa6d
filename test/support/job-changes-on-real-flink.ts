import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import type { CompatibilityVerdict } from '../../src/compatibility/compatibility.types.js';
import type { ChangesScene } from './changes-scene.js';
import type { ChangingJobs, Outcome, TakenSnapshot } from './changing-job.js';
import { JOB_CHANGES, type JobChange, VERSION_CHANGES } from './job-changes.js';
import { judge } from './judge-change.js';

const CHANGE_MS = 120_000;

/** Every change of the table: what the verdict says beforehand, and what Flink then does. */
export function describeJobChanges(scene: ChangesScene): void {
  describe('a verdict comes true when a job changes', () => {
    const rows: Rows = new Map();
    afterAll(() => writeTable(`job-changes-${scene.jobs?.facts.flinkVersion}`, JOB_CHANGES, rows));
    for (const change of JOB_CHANGES)
      it.concurrent(
        change.name,
        async () => {
          const madeBy120 = scene.jobs.facts.flinkVersion.startsWith('1.');
          const expected = madeBy120 ? { ...change, ...change.of120 } : change;
          await expectTrue(expected, scene.snapshots[change.of], scene.jobs, rows);
        },
        CHANGE_MS,
      );
  });
}

export function describeVersionChanges(older: ChangesScene, newer: ChangesScene): void {
  describe('a verdict comes true when Flink changes', () => {
    const rows: Rows = new Map();
    afterAll(() => writeTable('version-changes', VERSION_CHANGES, rows));
    for (const change of VERSION_CHANGES)
      it.concurrent(
        change.name,
        async () => {
          const [from, to] = change.made === '1.20.5' ? [older, newer] : [newer, older];
          await expectTrue(change, from.snapshots[change.of], to.jobs, rows);
        },
        CHANGE_MS,
      );
  });
}

async function expectTrue(change: JobChange, made: TakenSnapshot, jobs: ChangingJobs, rows: Rows): Promise<void> {
  const snapshot = change.damaged ? await damagedCopy(made) : made;
  const program = { ...snapshot.program, ...change.to };
  const verdict = await judge(snapshot, program, jobs, change.allowNonRestoredState ?? false);
  const outcome = await jobs.restore(program, snapshot, change.allowNonRestoredState ?? false);
  rows.set(change.name, { verdict, outcome });
  expectSound(change, verdict, outcome);
  expectAsSeen(change, verdict, outcome);
}

/** Whatever the table says: no verdict is proved wrong by what Flink does, but for what it says that it has not checked. */
function expectSound({ hangsOn }: JobChange, verdict: CompatibilityVerdict, outcome: Outcome): void {
  const { mapping, notChecked, kept } = verdict;
  if (mapping === 'INCOMPATIBLE') return expect([mapping, outcome.is]).not.toEqual([mapping, 'RUNNING']);
  if (mapping === 'UNKNOWN' || (hangsOn && notChecked.includes(hangsOn))) return;
  expect([mapping, outcome.is]).toEqual([mapping, 'RUNNING']);
  const state: Record<string, string> = outcome.is === 'RUNNING' ? outcome.state : {};
  // `Source: source`, where Flink writes names.
  const names = kept.map(({ operator }) => operator.name?.split(' ').at(-1) ?? '');
  expect(names.map((name) => [name, state[name]])).toEqual(names.map((name) => [name, 'KEPT']));
  if (mapping === 'FULLY_COMPATIBLE') expect(names.toSorted()).toEqual(['counter', 'second', 'source']);
}

function expectAsSeen(
  { mapping, notChecked, says, flink }: JobChange,
  verdict: CompatibilityVerdict,
  outcome: Outcome,
) {
  expect({ ...verdict, codes: verdict.findings.map(({ code }) => code), outcome }).toMatchObject({
    mapping,
    notChecked,
    codes: expect.arrayContaining(says ?? []),
    outcome: flink.is === 'RUNNING' ? flink : { is: flink.is, message: expect.stringMatching(flink.message) },
  });
}

/** A savepoint may be copied elsewhere. */
async function damagedCopy(snapshot: TakenSnapshot): Promise<TakenSnapshot> {
  const folder = join(snapshot.by.real.flink.savepointFolder, `damaged-${basename(snapshot.folder)}`);
  await cp(snapshot.folder, folder, { recursive: true });
  const [file] = (await readdir(folder)).filter((name) => name !== '_metadata');
  await rm(join(folder, file ?? 'no file beside _metadata'));
  return { ...snapshot, folder };
}

type Rows = Map<string, { verdict: CompatibilityVerdict; outcome: Outcome }>;

/** What docs/restores.md shows, as it was seen: into the folder that STATEWARD_TEST_TABLES names. */
async function writeTable(name: string, changes: readonly JobChange[], rows: Rows): Promise<void> {
  const folder = process.env.STATEWARD_TEST_TABLES;
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  const lines = changes.flatMap((change) => {
    const row = rows.get(change.name);
    if (!row) return [];
    const notChecked = row.verdict.notChecked.map((one) => `\`${one}\``).join(', ') || '-';
    return `| ${change.name} | ${change.of} | \`${row.verdict.mapping}\` | ${notChecked} | ${inWords(row.outcome)} |`;
  });
  await writeFile(join(folder, `${name}.md`), `${lines.join('\n')}\n`);
}

function inWords(outcome: Outcome): string {
  if (outcome.is !== 'RUNNING') return `${outcome.is}: ${outcome.message.replaceAll('|', '·')}`;
  const state = Object.entries(outcome.state).toSorted();
  return `RUNNING: ${state.map(([operator, what]) => `${operator} ${what}`).join(', ')}`;
}
