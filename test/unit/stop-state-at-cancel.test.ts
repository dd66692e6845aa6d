import { describe, expect, it } from '@jest/globals';
import {
  explainLoss,
  inWords,
  isYoungerThan,
  lossByCancel,
  type StateAtCancel,
} from '../../src/run/state-at-cancel.js';

const retained = { intervalMs: 60_000, retainedOnCancellation: true };
const safe: StateAtCancel = {
  checkpointing: retained,
  everRan: true,
  completed: { triggeredAt: 1_000, location: 'file:/c/chk-1' },
  startState: 'NONE',
};

describe('a cancel', () => {
  it('loses nothing where the newest checkpoint outlives it', () => {
    expect(lossByCancel(safe)).toBeNull();
  });

  it.each([
    ['CHECKPOINTS_OFF', { checkpointing: { ...retained, intervalMs: null } }],
    ['IN_JOBMANAGER_MEMORY', { completed: { triggeredAt: 1_000, location: null } }],
    ['DELETED_ON_CANCEL', { checkpointing: { ...retained, retainedOnCancellation: false } }],
    ['NONE_COMPLETED', { completed: null }],
    ['NONE_COMPLETED', { completed: null, startState: 'GONE' }],
    ['CHECKPOINTS_OFF', { checkpointing: { ...retained, intervalMs: null }, completed: null, startState: 'EXISTS' }],
  ] as [string, Partial<StateAtCancel>][])('loses state: %s', (loss, more) => {
    expect(lossByCancel({ ...safe, ...more })).toBe(loss);
  });

  it('of a run that has completed no checkpoint loses nothing while that which it was started from exists', () => {
    const retention = { ...retained, retainedOnCancellation: false };
    expect(lossByCancel({ ...safe, checkpointing: retention, completed: null, startState: 'EXISTS' })).toBeNull();
  });

  it('of a run that never had every task running loses nothing, whatever its settings', () => {
    const off = { intervalMs: null, retainedOnCancellation: false };
    expect(lossByCancel({ checkpointing: off, everRan: false, completed: null, startState: 'GONE' })).toBeNull();
  });
});

describe('what is told of a loss', () => {
  it('names what would remain and its age', () => {
    const { message } = explainLoss('DELETED_ON_CANCEL', {
      what: 'savepoint 1',
      location: 's3://b/1',
      ageMs: 7_200_000,
    });
    expect(message).toContain('What would remain is savepoint 1 (s3://b/1), 2 h old.');
    expect(message).toContain('acceptStateLoss: true');
  });

  it('says that nothing would remain', () => {
    expect(explainLoss('NONE_COMPLETED', null).message).toContain('Nothing would remain.');
  });

  it.each([
    [-5, '0 s'],
    [119_400, '119 s'],
    [120_000, '2 min'],
    [7_200_000, '2 h'],
    [3 * 86_400_000, '3 d'],
  ])('says %i ms as %s', (ms, text) => {
    expect(inWords(ms)).toBe(text);
  });
});

describe('a checkpoint', () => {
  it('is young by its trigger time', () => {
    expect(isYoungerThan({ triggeredAt: 1_000, location: null }, 1_999, 1_000)).toBe(true);
    expect(isYoungerThan({ triggeredAt: 1_000, location: null }, 2_000, 1_000)).toBe(false);
  });

  it('that is not there, or of unknown age, is not young', () => {
    expect(isYoungerThan(null, 2_000, 1_000)).toBe(false);
    expect(isYoungerThan({ triggeredAt: null, location: null }, 2_000, 1_000)).toBe(false);
  });
});
