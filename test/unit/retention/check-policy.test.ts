import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { checkPolicy } from '../../../src/retention/check-policy.js';

const HOUR = 3_600_000;

describe('a policy', () => {
  it.each([
    { maxCount: 1 },
    { maxCount: 1, maxAgeMs: null },
    { maxAgeMs: HOUR },
    { maxCount: 1_000_000, maxAgeMs: 100 * 365 * 24 * HOUR },
  ])('may say %j', (policy) => {
    expect(checkPolicy(policy)).toBeNull();
  });

  it.each([
    [{}, 'maxCount', 'give maxCount, maxAgeMs or both'],
    [{ maxCount: null, maxAgeMs: null }, 'maxCount', 'removeRetentionPolicy'],
    [{ maxCount: 0 }, 'maxCount', 'maxCount: 0 is no whole number from 1 to 1000000. Leave it out'],
    [{ maxCount: -3, maxAgeMs: HOUR }, 'maxCount', '-3'],
    [{ maxCount: 1.5 }, 'maxCount', '1.5'],
    [{ maxCount: Number.NaN }, 'maxCount', 'NaN'],
    [{ maxCount: 1_000_001 }, 'maxCount', '1000001'],
    [{ maxAgeMs: HOUR - 1 }, 'maxAgeMs', 'maxAgeMs: 3599999 is no whole number of ms from 3600000 (1 h) to'],
    [{ maxCount: 3, maxAgeMs: 0 }, 'maxAgeMs', 'Leave it out'],
    [{ maxAgeMs: -HOUR }, 'maxAgeMs', '-3600000'],
    [{ maxAgeMs: HOUR + 0.5 }, 'maxAgeMs', '3600000.5'],
    [{ maxAgeMs: Number.MAX_SAFE_INTEGER }, 'maxAgeMs', '100 years'],
    [{ maxAgeMs: Infinity }, 'maxAgeMs', 'Infinity'],
  ])('may not say %j: names %s, and what would do', (policy, field, words) => {
    expect(checkPolicy(policy)).toMatchObject({
      code: 'INVALID_INPUT',
      field,
      message: expect.stringContaining(words),
    });
  });
});
