import { describe, expect, it } from '@jest/globals';
import { NotNow } from '../../../src/deletion/look-for-rest.js';
import { FreshLooks } from '../../../src/left-behind/fresh-looks.js';

const HOUR = 3_600_000;

/** A look that comes to its end when it is told to. */
function slow<T>() {
  let [end, fail] = [(_: T) => {}, (_: Error) => {}];
  const looking = new Promise<T>((resolve, reject) => ([end, fail] = [resolve, reject]));
  return { look: () => looking, end: (seen: T) => end(seen), fail: (error: Error) => fail(error) };
}

describe('looks right before something is disposed of', () => {
  it('are few at once: one more is told to come again, until one of them has ended, however it did', async () => {
    const looks = new FreshLooks({ atOnce: 2, withinMs: HOUR });
    const [first, second] = [slow<string>(), slow<string>()];
    const [one, another] = [looks.look(first.look), looks.look(second.look)];
    await expect(looks.look(() => Promise.resolve('third'))).rejects.toBeInstanceOf(NotNow);
    first.end('first');
    expect(await one).toBe('first');
    expect(await looks.look(() => Promise.resolve('third'))).toBe('third');
    second.fail(new Error('the storage is on fire'));
    await expect(another).rejects.toThrow('on fire');
    const again = [slow<string>(), slow<string>()].map(({ look, end }) => {
      const looking = looks.look(look);
      end('again');
      return looking;
    });
    expect(await Promise.all(again)).toEqual(['again', 'again']);
  });

  it('are not waited for without end, and keep their places until they come to it', async () => {
    const looks = new FreshLooks({ atOnce: 1, withinMs: 5 });
    const hanging = slow<string>();
    expect(await looks.look(hanging.look)).toBeNull();
    await expect(looks.look(() => Promise.resolve('next'))).rejects.toBeInstanceOf(NotNow);
    hanging.fail(new Error('far too late')); // concerns nobody
    await Promise.resolve();
    await new Promise(setImmediate);
    expect(await looks.look(() => Promise.resolve('next'))).toBe('next');
  });
});
