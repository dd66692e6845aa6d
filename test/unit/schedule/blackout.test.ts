import { describe, expect, it } from '@jest/globals';
import { allSwallowed, type Blackout, blackoutAt } from '../../../src/schedule/blackout.js';
import { LEAST_INTERVAL_MS } from '../../../src/schedule/next-slot.js';
import { parsed } from './parsed.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const at = (text: string) => Date.parse(`${text}Z`);
const blackout = (start: string, durationMs: number, zone = 'UTC'): Blackout => ({
  start: parsed(start),
  durationMs,
  zone,
});

describe('the blackout at an instant', () => {
  const night = blackout('0 22 * * *', 8 * HOUR);

  it('covers its start and not its end', () => {
    const from = at('2026-11-25T22:00');
    const until = at('2026-11-26T06:00');
    const there = { blackout: night, from, until };
    expect(blackoutAt([night], from - 1)).toBeNull();
    expect(blackoutAt([night], from)).toEqual(there);
    expect(blackoutAt([night], at('2026-11-26T02:17:03'))).toEqual(there);
    expect(blackoutAt([night], until - 1)).toEqual(there);
    expect(blackoutAt([night], until)).toBeNull();
    expect(blackoutAt([], from)).toBeNull();
  });

  it('is the one that ends last, of several and of those of one', () => {
    const early = blackout('0 1 * * *', 2 * HOUR);
    const late = blackout('0 2 * * *', 2 * HOUR);
    expect(blackoutAt([late, early], at('2026-11-26T02:30'))).toMatchObject({ blackout: late });
    expect(blackoutAt([early, late], at('2026-11-26T02:30'))).toMatchObject({ until: at('2026-11-26T04:00') });
    expect(blackoutAt([early, late], at('2026-11-26T01:30'))).toMatchObject({ blackout: early });
    const often = blackout('*/20 * * * *', HOUR);
    expect(blackoutAt([often], at('2026-11-26T02:30'))).toMatchObject({
      from: at('2026-11-26T02:20'),
      until: at('2026-11-26T03:20'),
    });
  });

  it('begins by the wall clock of its zone, and lasts in elapsed time', () => {
    const berlin = blackout('0 1 * * SUN', 3 * HOUR, 'Europe/Berlin');
    expect(blackoutAt([berlin], at('2026-03-29T02:59'))).toEqual({
      blackout: berlin,
      from: at('2026-03-29T00:00'),
      until: at('2026-03-29T03:00'), // 05:00 there
    });
    expect(blackoutAt([berlin], at('2026-10-25T01:59'))).toMatchObject({ until: at('2026-10-25T02:00') });
    expect(blackoutAt([berlin], at('2026-10-25T02:00'))).toBeNull();
  });
});

describe('whether blackouts cover all coming slots', () => {
  const start = { after: at('2026-11-26T00:00'), previous: null };
  const swallowed = (text: string, blackouts: Blackout[], zone = 'UTC', count?: number) =>
    allSwallowed(parsed(text), zone, blackouts, start, LEAST_INTERVAL_MS, count);

  it('they do where each slot lies in one', () => {
    expect(swallowed('0 3 * * *', [blackout('0 0 * * *', 6 * HOUR)])).toBe(true);
    expect(swallowed('*/10 * * * *', [blackout('0 0 * * *', 24 * HOUR)])).toBe(true);
    expect(swallowed('0 3,15 * * *', [blackout('0 3 * * *', MINUTE), blackout('0 15 * * *', MINUTE)])).toBe(true);
  });

  it('they do not where one slot is free, however late', () => {
    expect(swallowed('0 3 * * *', [])).toBe(false);
    expect(swallowed('0 3,15 * * *', [blackout('0 3 * * *', MINUTE)])).toBe(false);
    expect(swallowed('0 3 * * *', [blackout('0 0 * * MON-SAT', 6 * HOUR)])).toBe(false);
    // 03:30 in Berlin is 01:30 UTC from 29 March on.
    expect(swallowed('30 3 * * *', [blackout('0 2 * * *', 2 * HOUR)], 'Europe/Berlin')).toBe(false);
  });

  it('looks at slots that the floor leaves, and at no more than asked for', () => {
    expect(swallowed('0,5 3 * * *', [blackout('0 3 * * *', MINUTE)])).toBe(true);
    expect(swallowed('0 3 * * *', [blackout('0 0 * 11-12 *', 6 * HOUR)])).toBe(false);
    expect(swallowed('0 3 * * *', [blackout('0 0 * 11-12 *', 6 * HOUR)], 'UTC', 20)).toBe(true);
  });

  it('looks a year ahead, and at the first slot in any case', () => {
    expect(swallowed('0 3 29 2 *', [blackout('0 0 * * *', 24 * HOUR)])).toBe(true);
    expect(swallowed('0 3 29 2 *', [blackout('0 0 28 2 *', 6 * HOUR)])).toBe(false);
    // 1 January is a Friday in 2027, and a Saturday in 2028.
    expect(swallowed('0 3 1 1 *', [blackout('0 0 * * FRI', 6 * HOUR)])).toBe(true);
  });

  it('there is nothing to cover where no slot comes', () => {
    const never = { ...parsed('0 3 29 2 *'), daysOfMonth: [30] };
    expect(allSwallowed(never, 'UTC', [blackout('* * * * *', HOUR)], start, LEAST_INTERVAL_MS)).toBe(false);
  });
});
