import { describe, expect, it } from '@jest/globals';
import {
  isClamped,
  lastMatch,
  LEAST_INTERVAL_MS,
  nextMatch,
  nextSlot,
  slots,
} from '../../../src/schedule/next-slot.js';
import { parsed } from './parsed.js';

const MINUTE = 60_000;
const at = (text: string) => Date.parse(`${text}Z`);
const shown = (instant: number | null) => (instant === null ? null : new Date(instant).toISOString().slice(0, 16));

/** All matches in a span, as text. */
function matches(text: string, zone: string, from: string, to: string): (string | null)[] {
  const found: (string | null)[] = [];
  const cron = parsed(text);
  let next = nextMatch(cron, zone, at(from) - 1);
  while (next !== null && next < at(to)) {
    found.push(shown(next));
    next = nextMatch(cron, zone, next);
  }
  return found;
}

describe('the next match', () => {
  const daily = parsed('0 3 * * *');

  it('comes strictly after the instant', () => {
    expect(shown(nextMatch(daily, 'UTC', at('2026-11-26T02:59:59.999')))).toBe('2026-11-26T03:00');
    expect(shown(nextMatch(daily, 'UTC', at('2026-11-26T03:00')))).toBe('2026-11-27T03:00');
    expect(shown(nextMatch(daily, 'UTC', at('2026-11-26T03:00') - 0.5))).toBe('2026-11-26T03:00');
  });

  it('may be eight years away, and no farther', () => {
    const leapDay = parsed('0 12 29 2 *');
    expect(shown(nextMatch(leapDay, 'UTC', at('2026-11-26T00:00')))).toBe('2028-02-29T12:00');
    expect(shown(nextMatch(leapDay, 'Europe/Berlin', at('2096-02-29T11:00')))).toBe('2104-02-29T11:00');
    expect(shown(nextMatch(parsed('0 * 29 2 *'), 'Europe/Berlin', at('2096-02-29T22:00')))).toBe('2104-02-28T23:00');
    const never = { ...leapDay, daysOfMonth: [30] };
    expect(nextMatch(never, 'UTC', at('2026-11-26T00:00'))).toBeNull();
    expect(nextMatch({ ...never, everyHour: true }, 'Europe/Berlin', at('2026-11-26T00:00'))).toBeNull();
    expect([...slots(never, 'UTC', { after: 0, previous: null }, 3, 0)]).toEqual([]);
    expect(lastMatch(never, 'UTC', 0, at('2026-11-26T00:00'))).toBeNull();
  });

  it('belongs to the days and the midnight of its zone', () => {
    expect(matches('0 0 1 * *', 'Pacific/Kiritimati', '2026-01-01T00:00', '2026-03-31T00:00')).toEqual([
      '2026-01-31T10:00',
      '2026-02-28T10:00',
    ]);
    expect(matches('45 23 * * SUN', 'Asia/Kathmandu', '2026-11-01T00:00', '2026-11-14T00:00')).toEqual([
      '2026-11-01T18:00',
      '2026-11-08T18:00',
    ]);
  });
});

describe('a clock change', () => {
  // Berlin: 29 March 2026 01:00 UTC, 02:00 to 03:00; 25 October 2026 01:00 UTC, 03:00 to 02:00.
  const [spring, autumn] = [
    ['2026-03-29T00:00', '2026-03-29T04:00'],
    ['2026-10-25T00:00', '2026-10-25T04:00'],
  ] as const;
  const berlin = (text: string, [from, to]: readonly [string, string]) =>
    matches(text, 'Europe/Berlin', from, to).map((instant) => instant?.slice(11));

  it('skips times of a schedule that fires in every hour, and repeats them', () => {
    expect(berlin('20 * * * *', spring)).toEqual(['00:20', '01:20', '02:20', '03:20']);
    expect(berlin('20 * * * *', autumn)).toEqual(['00:20', '01:20', '02:20', '03:20']);
    expect(matches('20 * * * *', 'Australia/Lord_Howe', '2026-10-03T14:00', '2026-10-03T17:00')).toEqual([
      '2026-10-03T14:50', // 01:20; 02:20 does not exist
      '2026-10-03T16:20',
    ]);
    expect(matches('40 * * * *', 'Australia/Lord_Howe', '2026-04-04T14:00', '2026-04-04T17:00')).toEqual([
      '2026-04-04T14:40',
      '2026-04-04T15:10', // 01:40 again
      '2026-04-04T16:10',
    ]);
  });

  it('lets skipped times of the wall clock fire once, together, at its end', () => {
    expect(berlin('30 2 * * *', spring)).toEqual(['01:00']);
    expect(berlin('*/15 2 * * *', spring)).toEqual(['01:00']);
    expect(berlin('0,30 2,3 * * *', spring)).toEqual(['01:00', '01:30']);
    expect(berlin('59 1 * * *', spring)).toEqual(['00:59']);
    expect(berlin('1 3 * * *', spring)).toEqual(['01:01']);
    expect(matches('15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T00:00', '2026-10-04T00:00')).toEqual([
      '2026-10-03T15:30',
    ]);
    expect(matches('0 0 * * *', 'Africa/Cairo', '2026-04-22T12:00', '2026-04-25T12:00')).toEqual([
      '2026-04-22T22:00',
      '2026-04-23T22:00', // 24 April begins at 01:00
      '2026-04-24T21:00',
    ]);
  });

  it('lets repeated times of the wall clock fire the first time', () => {
    expect(berlin('30 2 * * *', autumn)).toEqual(['00:30']);
    expect(berlin('*/30 2,3 * * *', autumn)).toEqual(['00:00', '00:30', '02:00', '02:30']);
    expect(matches('30 0 * * *', 'America/Havana', '2026-11-01T00:00', '2026-11-02T00:00')).toEqual([
      '2026-11-01T04:30',
    ]);
    expect(matches('0 9 * * *', 'Australia/Lord_Howe', '2026-04-03T00:00', '2026-04-06T00:00')).toEqual([
      '2026-04-03T22:00',
      '2026-04-04T22:30',
      '2026-04-05T22:30',
    ]);
  });

  it('goes by the first time too when it is asked for in the middle of the second', () => {
    expect(shown(nextMatch(parsed('30 2 * * *'), 'Europe/Berlin', at('2026-10-25T01:10')))).toBe('2026-10-26T01:30');
    expect(shown(nextMatch(parsed('0 2-3 * * *'), 'Europe/Berlin', at('2026-10-25T01:10')))).toBe('2026-10-25T02:00');
    expect(shown(nextMatch(parsed('30 2-3 * * *'), 'Europe/Berlin', at('2026-10-25T01:10')))).toBe('2026-10-25T02:30');
    expect(shown(nextMatch(parsed('30 * * * *'), 'Europe/Berlin', at('2026-10-25T01:10')))).toBe('2026-10-25T01:30');
  });

  it('may swallow a day: what it skips fires when the next begins', () => {
    const apia = (text: string) => matches(text, 'Pacific/Apia', '2011-12-29T11:00', '2011-12-31T11:00');
    expect(apia('0 12 * * *')).toEqual(['2011-12-29T22:00', '2011-12-30T10:00', '2011-12-30T22:00']);
    expect(apia('0 12 30 12 *')).toEqual(['2011-12-30T10:00']);
    expect(apia('0 12 * * FRI')).toEqual(['2011-12-30T10:00']); // 30 December was to be a Friday
    expect(apia('0 */6 * * FRI')).toEqual(['2011-12-30T10:00']);
    expect(apia('0 * 30 12 *')).toEqual([]);
  });
});

describe('the chain of slots', () => {
  const everyMinute = parsed('* * * * *');
  const start = (after: string, previous: string | null = null) => ({
    after: at(after),
    previous: previous === null ? null : at(previous),
  });
  const chain = (text: string, from: ReturnType<typeof start>, count: number, zone = 'UTC') =>
    [...slots(parsed(text), zone, from, count, LEAST_INTERVAL_MS)].map(shown).map((slot) => slot?.slice(11));

  it('begins with the first match after it was saved', () => {
    expect(chain('* * * * *', start('2026-11-26T10:53:20'), 3)).toEqual(['10:54', '11:04', '11:14']);
    expect(chain('*/7 * * * *', start('2026-11-26T10:40'), 5)).toEqual(['10:42', '10:56', '11:07', '11:21', '11:35']);
  });

  it('begins the least interval after the last slot of what it replaces', () => {
    expect(chain('* * * * *', start('2026-11-26T10:53:20', '2026-11-26T10:50'), 2)).toEqual(['11:00', '11:10']);
    expect(chain('* * * * *', start('2026-11-26T10:53:20', '2026-11-26T09:00'), 1)).toEqual(['10:54']);
    const next = (previous: string) =>
      shown(nextSlot(everyMinute, 'UTC', { ...start('2026-11-26T10:53', previous), floorMs: LEAST_INTERVAL_MS }));
    expect(next('2026-11-26T10:44')).toBe('2026-11-26T10:54');
    expect(next('2026-11-26T10:44:00.001')).toBe('2026-11-26T10:55');
  });

  it('no slot follows itself, even without a least interval', () => {
    const previous = at('2026-11-26T10:54');
    expect(shown(nextSlot(everyMinute, 'UTC', { after: previous - 1, previous, floorMs: 0 }))).toBe('2026-11-26T10:55');
  });

  it('holds the least interval in elapsed time, over a change of the clock as well', () => {
    const from = start('2026-10-25T00:50');
    expect(chain('0,55 * * * *', from, 3, 'Europe/Berlin')).toEqual(['00:55', '01:55', '02:55']);
    const spring = start('2026-03-29T00:57');
    expect(chain('5,59 1-3 * * *', spring, 3, 'Europe/Berlin')).toEqual(['00:59', '01:59', '23:05']);
  });
});

describe('the last match', () => {
  const last = (text: string, after: string, until: string) =>
    shown(lastMatch(parsed(text), 'UTC', at(after), at(until)));

  it('lies after the one bound, and may be the other', () => {
    expect(last('0 3 * * *', '2026-11-26T02:59', '2026-11-26T03:00')).toBe('2026-11-26T03:00');
    expect(last('0 3 * * *', '2026-11-26T03:00', '2026-11-26T04:00')).toBeNull();
    expect(last('0 3 * * *', '2026-11-20T00:00', '2026-11-26T02:59:59.999')).toBe('2026-11-25T03:00');
  });

  it('is the last of many', () => {
    expect(last('* * * * *', '2026-11-01T00:00', '2026-11-26T09:17:59')).toBe('2026-11-26T09:17');
    expect(last('* * * * *', '2026-11-01T00:00', '2026-11-26T09:17')).toBe('2026-11-26T09:17');
    expect(last('*/5 3 * * *', '2026-11-01T00:00', '2026-11-26T23:00')).toBe('2026-11-26T03:55');
    expect(last('*/5 3 20 * *', '2026-11-01T00:00', '2026-11-26T23:00')).toBe('2026-11-20T03:55');
  });
});

describe('whether the floor takes anything away', () => {
  const from = at('2026-01-01T00:00');
  const clamped = (text: string, zone = 'UTC') => isClamped(parsed(text), zone, from, LEAST_INTERVAL_MS);

  it.each(['* * * * *', '*/9 * * * *', '0,5 3 * * *', '0/5 14,18 * * *', '0-59/30,1 9 1 1 *', '*/7 * 29 2 *'])(
    'it does of %s',
    (text) => expect(clamped(text)).toBe(true),
  );

  it.each(['*/10 * * * *', '0,10 3 * * *', '5/10 * * * *', '0 12 29 2 *', '0,50 0-23/2 * * *'])(
    'it does not of %s',
    (text) => expect(clamped(text)).toBe(false),
  );

  it('looks at neighbouring days', () => {
    expect(clamped('0,55 0,23 * * *')).toBe(true);
    expect(clamped('0,50 0,23 * * *')).toBe(false);
    expect(clamped('0,55 0,23 * * MON')).toBe(false);
    expect(clamped('0,55 0,23 * * SUN,MON')).toBe(true);
    expect(clamped('0,55 0,23 1,31 * *')).toBe(true);
    expect(clamped('0,55 0,23 1,30 2,4 *')).toBe(false);
    expect(clamped('0,55 0,23 1,29 2,3 *')).toBe(true); // in a leap year
    expect(clamped('0,55 0,23 29 2 THU')).toBe(true); // such as Thursday 28 and Friday 29 February 2036
  });

  it('looks at the clock changes of the coming year', () => {
    expect(clamped('5,30 2,3 * * *')).toBe(false);
    expect(clamped('5,30 2,3 * * *', 'Europe/Berlin')).toBe(true); // 01:00 and 01:05 UTC on 29 March
    expect(clamped('10,30 2,3 * * *', 'Europe/Berlin')).toBe(false); // 01:00 and 01:10
    expect(clamped('5,30 2,3 * 6 *', 'Europe/Berlin')).toBe(false);
    expect(clamped('0,35 2 * * *', 'Europe/Berlin')).toBe(false);
    expect(clamped('30,58 * * * *', 'Australia/Lord_Howe')).toBe(true); // 01:58, then 02:30
    expect(clamped('30,45 * * * *', 'Australia/Lord_Howe')).toBe(false);
    expect(clamped('5,30 2,3 * 3 *', 'Asia/Kathmandu')).toBe(false);
  });

  it('agrees with a walk through the year', () => {
    const texts = ['5,30 2,3 * * *', '*/20 * * * *', '30,58 * * * *', '7/13 * * * *', '0,55 0,23 * * *', '0 2,3 * * *'];
    for (const text of texts)
      for (const zone of ['UTC', 'Europe/Berlin', 'Australia/Lord_Howe', 'America/Havana', 'Antarctica/Troll']) {
        const cron = parsed(text);
        let dense = false;
        let next = nextMatch(cron, zone, from);
        for (let before = next; next !== null && next < from + 366 * 1440 * MINUTE; before = next) {
          next = nextMatch(cron, zone, next);
          dense ||= before !== null && next !== null && next - before < LEAST_INTERVAL_MS;
        }
        expect([text, zone, clamped(text, zone)]).toEqual([text, zone, dense]);
      }
  });
});
