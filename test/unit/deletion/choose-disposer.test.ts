import { describe, expect, it } from '@jest/globals';
import { chooseDisposer, type Disposer } from '../../../src/deletion/choose-disposer.js';

const cluster = (name: string, more: Partial<Disposer> = {}): Disposer => ({
  clusterId: name,
  name,
  url: `http://${name}`,
  state: 'REACHABLE',
  flinkVersion: '2.3.0',
  processMark: 'mark',
  uri: 's3://bucket/sp',
  ...more,
});
const made = { storageName: 'shared', flinkVersion: '2.3.0', madeBy: 'maker' };
const chosen = (candidates: Disposer[], more: object = {}) => {
  const found = chooseDisposer(candidates, { ...made, ...more });
  return 'waitingFor' in found ? found.waitingFor : found.name;
};

describe('the cluster that deletes a savepoint', () => {
  it('is the one that made it, else the first by name that can', () => {
    expect(chosen([cluster('b'), cluster('maker'), cluster('a')])).toBe('maker');
    expect(chosen([cluster('b'), cluster('maker', { state: 'UNREACHABLE' }), cluster('a')])).toBe('a');
  });

  it.each([
    ['1.20.5', '2.3.0', true],
    ['2.2.1', '2.3.0', true],
    ['2.3.0', '2.3.0', false],
    ['2.4.0', '2.3.0', false],
    ['2.3.0', '1.20.5', false],
    ['1.20.5', '1.20.4', false],
    ['1.19.0', '1.20.5', true],
    ['2.10.0', '2.9.0', false],
    ['1.20.5', null, false],
  ])('is not one with Flink %s for a savepoint of %s: %s', (flinkVersion, of, tooOld) => {
    const answer = chosen([cluster('old', { flinkVersion })], { flinkVersion: of });
    if (tooOld)
      expect(answer).toBe(`a newer Flink on cluster "old": its ${flinkVersion} does not read a savepoint of ${of}`);
    else expect(answer).toBe('old');
  });

  it('is none that is another one than was registered, that is away, or of which nothing was read yet', () => {
    expect(chosen([cluster('a', { state: 'CHANGED' })])).toBe('confirmCluster to say what cluster "a" is');
    expect(chosen([cluster('a', { state: 'UNREACHABLE' })])).toBe('cluster "a" to answer');
    expect(chosen([cluster('a', { flinkVersion: null })])).toBe('cluster "a" to answer');
  });

  it('is waited for in words: all that could, but not a hundred of them', () => {
    expect(chosen([])).toContain('a cluster that reaches the storage "shared"');
    expect(chosen([cluster('a', { state: 'UNREACHABLE' }), cluster('b', { state: 'CHANGED' })])).toBe(
      'cluster "a" to answer; or confirmCluster to say what cluster "b" is',
    );
    const many = Array.from({ length: 100 }, (_, n) => cluster(`c${n}`, { state: 'UNREACHABLE' }));
    expect(chosen(many)).toMatch(/; or one of 95 more$/);
  });
});
