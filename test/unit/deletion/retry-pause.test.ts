import 'reflect-metadata';
import { expect, it } from '@jest/globals';
import { retryPauseMs } from '../../../src/deletion/end-deletion.js';

it('a deletion that fails is tried again after a minute, then after twice as long each time, up to an hour', () => {
  const minutes = [1, 2, 3, 6, 7, 8, 1_000].map((failedTimes) => retryPauseMs(failedTimes) / 60_000);
  expect(minutes).toEqual([1, 2, 4, 32, 60, 60, 60]);
});
