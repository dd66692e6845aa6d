import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { StorageCalls, StorageSilent } from '../../../src/storage/storage-calls.js';

let calls: StorageCalls;
beforeEach(() => {
  jest.useFakeTimers();
  calls = new StorageCalls({ slowMs: 2_000, silentMs: 15_000 });
});
afterEach(() => void jest.useRealTimers());

/** A call that is out until it is told to return, and what has become of it. */
function call(root: string) {
  const asked = { out: false, state: 'pending', error: null as StorageSilent | null, answer: () => {} };
  calls
    .call(root, () => {
      asked.out = true;
      return new Promise<void>((resolve) => (asked.answer = resolve));
    })
    .then(
      () => (asked.state = 'answered'),
      (error: unknown) => {
        asked.state = 'turned away';
        asked.error = error as StorageSilent;
      },
    );
  return asked;
}
const passes = (ms: number) => jest.advanceTimersByTimeAsync(ms);
const statesOf = (all: { state: string }[]) => all.map(({ state }) => state);

describe('calls into storages', () => {
  it('go one by one into the same, and into two at once', async () => {
    const [first, second, elsewhere, third] = [call('/a'), call('/a'), call('/b'), call('/c')];
    expect([first, second, elsewhere, third].map(({ out }) => out)).toEqual([true, false, true, false]);
    first.answer();
    await passes(0);
    expect([second, third].map(({ out }) => out)).toEqual([true, false]);
    elsewhere.answer();
    await passes(0);
    expect(third.out).toBe(true);
    expect(statesOf([first, second, elsewhere, third])).toEqual(['answered', 'pending', 'answered', 'pending']);
  });

  it('of several storages take turns, however many wait for one of them', async () => {
    const [a, b] = [call('/a'), call('/b')];
    const [more, evenMore, other] = [call('/a'), call('/a'), call('/c')];
    a.answer();
    await passes(0);
    expect(more.out).toBe(true);
    more.answer();
    await passes(0);
    expect([evenMore, other].map(({ out }) => out)).toEqual([false, true]);
    b.answer();
    await passes(0);
    expect(evenMore.out).toBe(true);
  });

  it('are told what they answer, and how they fail', async () => {
    expect(await calls.call('/a', () => Promise.resolve(7))).toBe(7);
    await expect(calls.call('/a', () => Promise.reject(new Error('EACCES')))).rejects.toThrow('EACCES');
    expect(await calls.call('/a', () => Promise.resolve(8))).toBe(8);
  });
});

describe('a storage that does not answer', () => {
  it('holds nobody but the one that asked, and is not asked again until that call has returned', async () => {
    const [hanging, waiting] = [call('/a'), call('/a')];
    await passes(1_999);
    expect(statesOf([hanging, waiting])).toEqual(['pending', 'pending']);
    await passes(1);
    const late = call('/a');
    await passes(0);
    expect(statesOf([hanging, waiting, late])).toEqual(['pending', 'turned away', 'turned away']);
    expect([waiting.error?.soon, late.error?.soon]).toEqual([true, true]);

    await passes(13_000);
    const later = call('/a');
    await passes(0);
    expect(statesOf([hanging, later])).toEqual(['turned away', 'turned away']);
    expect(hanging.error).toBeInstanceOf(StorageSilent);
    expect([hanging.error, later.error].map((error) => [error?.soon, error?.message])).toEqual(
      Array(2).fill([false, 'it has not answered for 15 s']),
    );
    expect([waiting, late, later].map(({ out }) => out)).toEqual([false, false, false]);

    hanging.answer();
    await passes(0);
    expect(call('/a').out).toBe(true);
  });

  it('is waited for while it is slow', async () => {
    const slow = call('/a');
    await passes(14_999);
    slow.answer();
    await passes(0);
    expect(slow.state).toBe('answered');
  });

  it('does not keep another one from being asked; where two hang, nothing else is until they are known to be silent', async () => {
    const [first, second] = [call('/a'), call('/b')];
    const waiting = call('/c');
    await passes(14_999);
    const late = call('/c');
    await passes(0);
    expect([waiting.out, late.out]).toEqual([false, false]);
    expect([waiting.error?.soon, late.error?.soon]).toEqual([true, true]);
    expect(late.error?.message).toContain('/a, /b');
    first.answer();
    await passes(0);
    const other = call('/c');
    other.answer();
    await passes(0);
    expect(statesOf([first, second, other])).toEqual(['answered', 'pending', 'answered']);
  });

  it('leaves one place to all others, however many of its kind are silent', async () => {
    const [first, second] = [call('/dead/a'), call('/dead/b')];
    await passes(15_000);
    expect(statesOf([first, second])).toEqual(['turned away', 'turned away']);
    const [well, next] = [call('/c'), call('/d')];
    expect([well.out, next.out]).toEqual([true, false]);
    well.answer();
    await passes(0);
    expect(next.out).toBe(true);
    next.answer();
    await passes(0);
    expect(statesOf([well, next])).toEqual(['answered', 'answered']);
  });

  it('never holds the last thread: where that place is silent too, no more is asked until one answers', async () => {
    const silent = [call('/dead/a'), call('/dead/b')];
    await passes(15_000);
    silent.push(call('/dead/c'));
    await passes(2_000);
    const early = call('/d');
    await passes(13_000);
    const late = call('/d');
    await passes(0);
    expect([early, late].map(({ out, error }) => [out, error?.soon])).toEqual([
      [false, true],
      [false, false],
    ]);
    expect(late.error?.message).toContain('/dead/a, /dead/b, /dead/c');
    silent[1]?.answer();
    await passes(0);
    expect(call('/d').out).toBe(true);
    expect(call('/e').out).toBe(false);
  });
});
