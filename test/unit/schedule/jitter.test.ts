import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { jitterMs } from '../../../src/schedule/jitter.js';

describe('the jitter of a deployment', () => {
  it('is always the same', () => {
    expect(jitterMs('0197f2b0-7c1e-7000-8000-000000000001', 60)).toBe(
      jitterMs('0197f2b0-7c1e-7000-8000-000000000001', 60),
    );
    expect(jitterMs('0197f2b0-7c1e-7000-8000-000000000001', 60)).not.toBe(
      jitterMs('0197f2b0-7c1e-7000-8000-000000000002', 60),
    );
  });

  it('is none where none is wanted', () => {
    expect(jitterMs('any', 0)).toBe(0);
  });

  it('spreads deployments evenly, from 0 to the most', () => {
    const most = 60;
    const tenths = new Array<number>(10).fill(0);
    for (let count = 0; count < 20_000; count++) {
      const ms = jitterMs(randomUUID(), most);
      const tenth = Math.min(9, Math.floor(ms / 6_000));
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    // 2,000 each; six standard deviations are 255.
    for (const count of tenths) expect(Math.abs(count - 2_000)).toBeLessThan(260);
  });

  it('is whole milliseconds, and reaches both ends', () => {
    const seen = new Set(Array.from({ length: 20_000 }, (_, index) => jitterMs(`deployment ${index}`, 1)));
    expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 1_001 }, (_, ms) => ms));
  });
});
