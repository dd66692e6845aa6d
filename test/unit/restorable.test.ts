import { describe, expect, it } from '@jest/globals';
import {
  checkpointDeletable,
  type CheckpointToJudge,
  checkpointOwner,
  checkpointRestorable,
  savepointDeletable,
  type SavepointToJudge,
  savepointOwner,
  savepointRestorable,
} from '../../src/checkpoint/restorable.js';

const live = { live: true, endRead: false, inJobManagerMemory: false };
const ended = { live: false, endRead: true, inJobManagerMemory: false };

const checkpoint = (more: Partial<CheckpointToJudge> = {}): CheckpointToJudge => ({
  kind: 'CHECKPOINT',
  state: 'COMPLETED',
  discarded: false,
  location: 's3://bucket/checkpoints/0123/chk-7',
  run: ended,
  retained: null,
  ...more,
});
const savepoint = (more: Partial<SavepointToJudge> = {}): SavepointToJudge => ({
  kind: 'SAVEPOINT',
  state: 'COMPLETED',
  data: 'PRESENT',
  location: 's3://bucket/savepoints/savepoint-0123',
  drained: false,
  verified: true,
  ...more,
});

describe('a checkpoint', () => {
  it.each([
    ['of a live job cannot: a savepoint is to be taken', { run: live }, 'CHECKPOINT_OF_LIVE_JOB', /createSavepoint/],
    ['that is being made cannot', { state: 'IN_PROGRESS', run: live }, 'NOT_COMPLETED', /Wait/],
    ['that was being made when its run ended cannot', { state: 'IN_PROGRESS' }, 'SNAPSHOT_FAILED', /another/],
    ['that failed cannot', { state: 'FAILED' }, 'SNAPSHOT_FAILED', /another/],
    ['that Flink has deleted cannot, live or not', { discarded: true, run: live }, 'DISCARDED', /another/],
    [
      'in the memory of the JobManager cannot',
      { location: null, run: { ...live, inJobManagerMemory: true } },
      'NOT_ADDRESSABLE',
      /execution\.checkpointing\.dir/,
    ],
    ['of a run whose end is not read yet cannot', { run: { ...ended, endRead: false } }, 'END_NOT_READ_YET', /again/],
    ['that its run did not leave behind cannot', {}, 'NOT_RETAINED', /another/],
    ['whose data are gone cannot', { retained: { data: 'MISSING' } }, 'DATA_MISSING', /another/],
  ] as const)('%s be restored from', (_what, more, obstacle, remedy) => {
    const verdict = checkpointRestorable(checkpoint(more));
    expect(verdict.obstacle).toBe(obstacle);
    expect(verdict.reason).toMatch(/\.$/);
    expect(verdict.unlockedBy).toMatch(new RegExp(remedy.source, 'i'));
  });

  it.each(['NOT_CHECKED', 'PRESENT'] as const)('that was left behind can be restored from, its data %s', (data) => {
    expect(checkpointRestorable(checkpoint({ retained: { data } })).obstacle).toBeNull();
  });

  it('belongs to Flink while its run lives, and to nobody once it was left behind', () => {
    expect(checkpointOwner(checkpoint({ run: live }))).toBe('FLINK');
    expect(checkpointOwner(checkpoint())).toBe('FLINK');
    expect(checkpointOwner(checkpoint({ retained: { data: 'PRESENT' } }))).toBe('NOBODY');
    expect(checkpointOwner(checkpoint({ retained: { data: 'PRESENT' }, run: live }))).toBe('FLINK');
  });

  it.each([
    ['PRESENT', 'BEING_DELETED', 'BEING_DELETED'],
    ['MISSING', 'DELETED', 'NOTHING_THERE'],
  ] as const)('that a policy disposes of, its data %s, cannot be restored from: %s', (data, obstacle, deletion) => {
    const going = checkpoint({ retained: { data, going: true } });
    expect(checkpointRestorable(going)).toMatchObject({ obstacle, reason: expect.stringContaining('policy') });
    expect(checkpointDeletable(going).obstacle).toBe(deletion);
  });

  it('is never deleted by a request, whoever owns it', () => {
    expect(checkpointDeletable(checkpoint({ run: live })).obstacle).toBe('OWNED_BY_FLINK');
    const left = checkpointDeletable(checkpoint({ retained: { data: 'PRESENT' } }));
    expect(left).toMatchObject({ obstacle: 'OWNED_BY_NOBODY', unlockedBy: expect.stringContaining('chk-7') });
    expect(left.unlockedBy).toContain('leftBehind: DISPOSE');
  });
});

describe('a savepoint that somebody else triggered', () => {
  const theirs = (more: Partial<CheckpointToJudge> = {}) =>
    checkpoint({ kind: 'SAVEPOINT', location: 's3://elsewhere/savepoint-0123', ...more });

  it('can be restored from while its job lives and after: Flink never deletes it', () => {
    for (const run of [live, ended]) expect(checkpointRestorable(theirs({ run })).obstacle).toBeNull();
  });

  it('cannot when it is known to be gone', () => {
    expect(checkpointRestorable(theirs({ retained: { data: 'MISSING' } })).obstacle).toBe('DATA_MISSING');
    expect(checkpointRestorable(theirs({ discarded: true })).obstacle).toBe('DISCARDED');
  });

  it('belongs to others until it is imported', () => {
    expect(checkpointOwner(theirs({ retained: { data: 'PRESENT' } }))).toBe('OTHER');
    expect(checkpointDeletable(theirs())).toMatchObject({
      obstacle: 'OWNED_BY_OTHERS',
      unlockedBy: expect.stringContaining('importSavepoint'),
    });
  });
});

describe('a savepoint of Stateward', () => {
  it('can be restored from when it is COMPLETED, also where its data cannot be looked for', () => {
    expect(savepointRestorable(savepoint())).toEqual({ obstacle: null, reason: null, unlockedBy: null });
    expect(savepointRestorable(savepoint({ data: 'NOT_CHECKED' })).obstacle).toBeNull();
    expect(savepointRestorable(savepoint({ kind: 'CHECKPOINT', verified: false })).obstacle).toBeNull();
  });

  it.each([
    [{ state: 'PENDING' }, 'NOT_COMPLETED'],
    [{ state: 'IN_PROGRESS' }, 'NOT_COMPLETED'],
    [{ state: 'FAILED' }, 'SNAPSHOT_FAILED'],
    [{ state: 'DELETING' }, 'BEING_DELETED'],
    [{ state: 'DELETION_FAILED' }, 'BEING_DELETED'],
    [{ state: 'DELETED' }, 'DELETED'],
    [{ location: null }, 'NOT_ADDRESSABLE'],
    [{ data: 'MISSING' }, 'DATA_MISSING'],
    [{ data: 'DAMAGED' }, 'DATA_DAMAGED'],
    [{ drained: true }, 'DRAINED'],
    [{ drained: true, data: 'MISSING' }, 'DATA_MISSING'],
  ] as const)('that is %j cannot be restored from: %s', (more, obstacle) => {
    expect(savepointRestorable(savepoint(more)).obstacle).toBe(obstacle);
  });

  it('says of a drained one what must be said at the start', () => {
    expect(savepointRestorable(savepoint({ drained: true })).unlockedBy).toContain('acceptDrained: true');
  });

  it.each([
    [{ state: 'IN_PROGRESS' }, 'UNDER_WAY'],
    [{ state: 'FAILED' }, 'NOTHING_THERE'],
    [{ state: 'DELETED' }, 'NOTHING_THERE'],
    [{ state: 'DELETING' }, 'BEING_DELETED'],
    [{ kind: 'CHECKPOINT' }, 'OWNED_BY_OTHERS'],
    [{ verified: false }, 'NOT_VERIFIED'],
    [{}, null],
  ] as const)('that is %j meets this in the way of its deletion: %s', (more, obstacle) => {
    expect(savepointDeletable(savepoint(more)).obstacle).toBe(obstacle);
  });

  it('is owned by Stateward, and a mere reference to a checkpoint is not', () => {
    expect(savepointOwner(savepoint())).toBe('STATEWARD');
    expect(savepointOwner(savepoint({ kind: 'CHECKPOINT' }))).toBe('OTHER');
  });
});
