import { jest } from '@jest/globals';
import { storageCalls, StorageSilent } from '../../src/storage/storage-calls.js';

export interface HangingStorage {
  /** Looks that were turned away since it hangs. */
  readonly turnedAway: number;
  /** From here on it is well. */
  answer(): void;
}

/** A storage that does not answer this process; after 2 s it is slow, after 15 s it is silent. */
export function hang(readRoot: string): HangingStorage {
  let [turnedAway, answer] = [0, () => {}];
  const call = storageCalls.call.bind(storageCalls);
  call(readRoot, () => new Promise<void>((resolve) => (answer = resolve))).catch(() => undefined); // by then it is silent
  const spy = jest.spyOn(storageCalls, 'call').mockImplementation((root, work) => {
    const answered = call(root, work);
    answered.catch((error: unknown) => (turnedAway += root === readRoot && error instanceof StorageSilent ? 1 : 0));
    return answered;
  });
  return {
    get turnedAway() {
      return turnedAway;
    },
    answer() {
      spy.mockRestore();
      answer();
    },
  };
}
