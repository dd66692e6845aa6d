import { describe, expect, it } from '@jest/globals';
import {
  type DeploymentFacts,
  protectionsOf,
  type RunFromSavepoint,
  type SavepointFacts,
  standInTheWay,
} from '../../../src/deletion/protection.js';
import { beside, HOUR, imported, latestState, runFrom, savepoint, T } from './facts.js';

const NOW = T + 100 * HOUR;

/** Kinds by id, of those that are protected. */
function kinds(savepoints: readonly SavepointFacts[], more: Partial<DeploymentFacts> = {}) {
  const facts = { savepoints, runsFrom: [], latestStates: [], ...more };
  const found = [...protectionsOf(facts, NOW)].map(([id, all]) => [id, all.map(({ kind }) => kind).join(' ')]);
  return Object.fromEntries(found);
}

describe('the newest good savepoint (RT-3 a)', () => {
  it.each<[string, SavepointFacts]>([
    ['a drained one', savepoint('b', 2, { drained: true, origin: 'STOP' })],
    ['one whose data are missing', savepoint('b', 2, { data: 'MISSING' })],
    ['a damaged one', savepoint('b', 2, { data: 'DAMAGED' })],
    ['an imported one', imported('b', 2, { madeByOwnRun: true })],
    ['one that no run of the deployment has made', savepoint('b', 2, { madeByOwnRun: false })],
    ['one that is being deleted', savepoint('b', 2, { state: 'DELETING' })],
    ['one whose deletion has failed', savepoint('b', 2, { state: 'DELETION_FAILED' })],
    ['one that is gone', savepoint('b', 2, { state: 'DELETED' })],
  ])('is not %s, but the one before it', (_, newest) => {
    expect(kinds([savepoint('a', 1), newest, savepoint('0', 0)])).toEqual({ a: 'NEWEST_GOOD' });
  });

  it.each<[string, Partial<SavepointFacts>]>([
    ['a manual one', { origin: 'MANUAL' }],
    ['one of a stop', { origin: 'STOP' }],
    ['one whose data nobody could look for', { data: 'NOT_CHECKED' }],
  ])('may be %s', (_, more) => {
    expect(kinds([savepoint('a', 1), savepoint('b', 2, more)])).toEqual({ b: 'NEWEST_GOOD' });
  });

  it('goes by the trigger time, not by the time of completion', () => {
    const late = savepoint('late', 1, { completedAt: T + 50 * HOUR });
    expect(kinds([late, savepoint('newer', 2)])).toEqual({ newer: 'NEWEST_GOOD' });
  });

  it('is two where one has no trigger time and was complete after the other was triggered', () => {
    const unknown = (hour: number) => savepoint('unknown', null, { completedAt: T + hour * HOUR });
    expect(kinds([savepoint('a', 1), savepoint('b', 5), unknown(9)])).toEqual({
      b: 'NEWEST_GOOD',
      unknown: 'NEWEST_GOOD',
    });
    expect(kinds([savepoint('a', 1), savepoint('b', 5), unknown(5)])).toEqual({ b: 'NEWEST_GOOD' });
    expect(kinds([savepoint('early', null), unknown(3)])).toEqual({ unknown: 'NEWEST_GOOD' });
  });

  it('is the same one in whatever order they come', () => {
    const sameTime = ['a', 'c', 'b'].map((id) => savepoint(id, 1));
    expect(kinds(sameTime)).toEqual(kinds([...sameTime].reverse()));
    const byId = [savepoint('z', 1, { flinkCheckpointId: 7 }), savepoint('a', 1, { flinkCheckpointId: 8 })];
    expect(kinds(byId)).toEqual({ a: 'NEWEST_GOOD' });
    expect(kinds([...byId].reverse())).toEqual({ a: 'NEWEST_GOOD' });
  });

  it('is none where there is no good one', () => {
    expect(kinds([savepoint('a', 1, { drained: true }), imported('b', 2)])).toEqual({});
  });
});

describe('what is in use (RT-3 b, c)', () => {
  const old = savepoint('old', 1, { origin: 'MANUAL' });
  const both = [old, savepoint('new', 2)];
  const rest = { new: 'NEWEST_GOOD' };

  it.each<[string, Partial<RunFromSavepoint>, string | undefined]>([
    ['until a checkpoint of the run is complete', {}, 'SOURCE_OF_LIVE_RUN'],
    ['no longer than that', { ownCheckpointCompleted: true }, undefined],
    ['as long as the run lives where it makes no checkpoints', { checkpointing: 'NONE' }, 'SOURCE_OF_LIVE_RUN'],
    [
      'as long as the run lives where it makes none by itself, even after one that was asked for',
      { checkpointing: 'NONE', ownCheckpointCompleted: true },
      'SOURCE_OF_LIVE_RUN',
    ],
    ['while it starts', { starting: true }, 'START_UNDER_WAY'],
    ['while it starts, whatever is known already', { starting: true, ownCheckpointCompleted: true }, 'START_UNDER_WAY'],
  ])('is the source of a live run of any deployment, %s', (_, more, kind) => {
    expect(kinds(both, { runsFrom: [runFrom('old', more)] })).toEqual(kind ? { ...rest, old: kind } : rest);
  });

  const adopted: Partial<RunFromSavepoint> = { claimMode: 'NOT_KNOWN' };
  it.each<[string, Partial<RunFromSavepoint>, string | undefined]>([
    ['as long as it lives, whatever checkpoints it has', { ownCheckpointCompleted: true }, 'SOURCE_OF_LIVE_RUN'],
    ['while it starts', { starting: true }, 'START_UNDER_WAY'],
    [
      'also through a checkpoint of another',
      { source: 'ITS_FILES', ownCheckpointCompleted: true },
      'SOURCE_OF_LIVE_RUN',
    ],
    ['while its source is not known', { source: 'NOT_KNOWN' }, 'SOURCE_OF_LIVE_RUN'],
    [
      'while its source is not known, although it starts',
      { source: 'NOT_KNOWN', starting: true },
      'SOURCE_OF_LIVE_RUN',
    ],
    [
      'not where its source is not known and it has a checkpoint',
      { source: 'NOT_KNOWN', ownCheckpointCompleted: true },
      undefined,
    ],
  ])('is the source of a run that somebody else has started, %s', (_, more, kind) => {
    const found = kinds(both, { runsFrom: [runFrom('old', { ...adopted, ...more })] });
    expect(found).toEqual(kind ? { ...rest, old: kind } : rest);
  });

  it.each<[string, Partial<RunFromSavepoint>, string, string]>([
    ['makes no checkpoints', { checkpointing: 'NONE' }, 'makes no checkpoints by itself', ' has ended'],
    [
      'was not read yet',
      { checkpointing: 'NOT_READ' },
      'whether that run makes checkpoints is not known yet',
      ' has completed a checkpoint or has ended',
    ],
    [
      'was started by somebody else',
      { ...adopted, ownCheckpointCompleted: true },
      'in a claim mode that Flink does not tell: with CLAIM or LEGACY',
      ' has ended',
    ],
    [
      'has shown no source',
      { ...adopted, source: 'NOT_KNOWN' },
      'Flink has not shown yet from what: it may be this one',
      ' was restored from, or that run has completed a checkpoint or has ended',
    ],
    [
      'goes on from a checkpoint',
      { source: 'ITS_FILES' },
      'may hold files of the checkpoint that run 4',
      ' has completed a checkpoint or has ended',
    ],
  ])('tells what is known of a run that %s', (_, more, message, unlock) => {
    const facts = { savepoints: both, runsFrom: [runFrom('old', more)], latestStates: [] };
    expect(protectionsOf(facts, NOW).get('old')).toEqual([
      expect.objectContaining({
        message: expect.stringContaining(message),
        unlock: expect.stringMatching(new RegExp(`run 4 of deployment "other"${unlock}$`)),
      }),
    ]);
  });

  it('is what a checkpoint may use files of that LATEST_STATE would use', () => {
    const facts = { savepoints: both, runsFrom: [], latestStates: [latestState('old', { of: 'ITS_FILES' })] };
    expect(protectionsOf(facts, NOW).get('old')).toEqual([
      expect.objectContaining({ kind: 'LATEST_STATE', message: expect.stringContaining('may use files of this one') }),
    ]);
  });

  it('is what LATEST_STATE of a stopped deployment would use', () => {
    expect(kinds(both, { latestStates: [latestState('old')] })).toEqual({ ...rest, old: 'LATEST_STATE' });
  });

  it('names who uses it, and what would end that', () => {
    const runsFrom = [
      runFrom('old'),
      runFrom('old', { deploymentId: 'b', deploymentName: 'b', run: 2, jobId: 'b-2', checkpointing: 'NONE' }),
      runFrom('old', { deploymentId: 'c', deploymentName: 'c', run: 3, jobId: 'c-3', starting: true }),
    ];
    const facts = { savepoints: both, runsFrom, latestStates: [latestState('old')] };
    expect(protectionsOf(facts, NOW).get('old')).toEqual([
      {
        kind: 'START_UNDER_WAY',
        message: 'A start from it is under way: run 3 of deployment "c".',
        unlock: 'run 3 of deployment "c" has completed a checkpoint or has ended',
        deploymentId: 'c',
        jobId: 'c-3',
      },
      {
        kind: 'SOURCE_OF_LIVE_RUN',
        message: expect.stringContaining('run 4 of deployment "other" was started from; until a checkpoint'),
        unlock: 'run 4 of deployment "other" has completed a checkpoint or has ended',
        deploymentId: 'other-id',
        jobId: 'run-of-other',
      },
      {
        kind: 'SOURCE_OF_LIVE_RUN',
        message: expect.stringContaining('run 2 of deployment "b" was started from; that run makes no checkpoints'),
        unlock: 'run 2 of deployment "b" has ended',
        deploymentId: 'b',
        jobId: 'b-2',
      },
      {
        kind: 'LATEST_STATE',
        message: 'Deployment "orders" is stopped, and LATEST_STATE would start it from this one.',
        unlock: 'deployment "orders" has been started and has completed a checkpoint',
        deploymentId: 'orders-id',
      },
    ]);
  });
});

describe('what a person keeps (RT-3 d)', () => {
  it('is what is pinned, and what is held until its time has come', () => {
    const savepoints = [
      savepoint('pinned', 1, { pinned: true }),
      savepoint('held', 2, { heldUntil: NOW + 1, holdReason: 'audit' }),
      savepoint('over', 3, { heldUntil: NOW }),
      imported('both', 9, { pinned: true, heldUntil: NOW + 1 }),
      savepoint('newest', 8),
    ];
    expect(kinds(savepoints)).toEqual({ pinned: 'PINNED', held: 'HELD', both: 'PINNED HELD', newest: 'NEWEST_GOOD' });
  });

  it('says until when it is held, and why', () => {
    const held = savepoint('a', 1, { heldUntil: T + 200 * HOUR, holdReason: 'audit of May' });
    const facts = { savepoints: [held, savepoint('b', 2)], runsFrom: [], latestStates: [] };
    expect(protectionsOf(facts, NOW).get('a')).toMatchObject([
      { message: 'It is held until 2026-11-09T08:00:00.000Z: audit of May.' },
    ]);
  });
});

describe('two records of one place', () => {
  const own = savepoint('own', 1);
  const copy = imported('copy', 2, { pinned: true, heldUntil: NOW + HOUR, holdReason: 'audit' });
  const facts: DeploymentFacts = {
    savepoints: [own, savepoint('newest', 9), copy],
    runsFrom: [],
    latestStates: [],
    recordsBeside: [beside(own, copy, 'archive'), beside(copy, own)],
  };
  const found = protectionsOf(facts, NOW);
  const standing = (id: string, alsoData: boolean) =>
    standInTheWay(found.get(id) ?? [], { force: true, alsoData }).map(({ kind }) => kind);

  it('protect each other, and say what keeps the other one and how its record ends', () => {
    expect(found.get('own')).toMatchObject([
      {
        kind: 'SHARED_DATA',
        message: expect.stringMatching(
          /savepoint copy of deployment "archive" too.* is pinned and held until .*: audit/,
        ),
        unlock: expect.stringContaining('record of savepoint copy has ended (deleteSavepoint, without alsoData'),
      },
    ]);
    expect(found.get('copy')?.[0]).toMatchObject({
      kind: 'SHARED_DATA',
      unlock: 'the record of savepoint own has ended',
    });
  });

  it('keep the data, with force too; the record of an imported one may end without them', () => {
    expect(standing('own', false)).toEqual(['SHARED_DATA']);
    expect(standing('own', true)).toEqual(['SHARED_DATA']);
    expect(standing('copy', true)).toEqual(['SHARED_DATA', 'PINNED', 'HELD']);
    expect(standing('copy', false)).toEqual(['PINNED', 'HELD']);
  });
});

describe('what stands in the way of a person', () => {
  const used = savepoint('a', 9, { pinned: true, heldUntil: NOW + 1 });
  const facts: DeploymentFacts = {
    savepoints: [used],
    runsFrom: [runFrom('a'), runFrom('a', { starting: true })],
    latestStates: [latestState('a')],
  };
  const all = protectionsOf(facts, NOW).get('a') ?? [];
  const kindsOf = (force: boolean) => standInTheWay(all, { force, alsoData: false }).map(({ kind }) => kind);

  it('is all that protects it', () => {
    expect(kindsOf(false)).toEqual([
      'START_UNDER_WAY',
      'SOURCE_OF_LIVE_RUN',
      'LATEST_STATE',
      'NEWEST_GOOD',
      'PINNED',
      'HELD',
    ]);
  });

  it('is, with force, what is neither the newest good one nor what LATEST_STATE would use', () => {
    expect(kindsOf(true)).toEqual(['START_UNDER_WAY', 'SOURCE_OF_LIVE_RUN', 'PINNED', 'HELD']);
  });
});
