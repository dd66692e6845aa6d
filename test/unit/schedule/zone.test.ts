import { describe, expect, it } from '@jest/globals';
import { clockChanges, isZone, offsetAt, zoneName } from '../../../src/schedule/zone.js';

const HOUR = 3_600_000;
const at = (text: string) => Date.parse(text);

describe('names of zones', () => {
  it.each(['Europe/Berlin', 'UTC', 'Etc/GMT+5', 'America/Port-au-Prince', 'Asia/Kolkata', 'Europe/Kyiv', 'EST', 'GMT'])(
    '%s is one, and stays as it is',
    (name) => expect(zoneName(name)).toBe(name),
  );

  it.each([
    ['europe/berlin', 'Europe/Berlin'],
    ['utc', 'UTC'],
    ['AMERICA/PORT-AU-PRINCE', 'America/Port-au-Prince'],
  ])('%s is %s', (written, name) => expect(zoneName(written)).toBe(name));

  it.each([
    '',
    ' ',
    '+05:30',
    '-03',
    'GMT+5',
    'UTC+5',
    'Europe/Atlantis',
    'Europe/Berlin ',
    'Local',
    'Z',
    '../UTC',
    'Ünder/Way',
  ])('"%s" is none', (name) => {
    expect(isZone(name)).toBe(false);
    expect(zoneName(name)).toBeNull();
  });

  it.each(['BST', 'IST', 'PST', 'AST', 'SystemV/PST8'])(
    '%s, which means something else than people think, is none',
    (name) => expect(isZone(name)).toBe(false),
  );
});

describe('clock changes', () => {
  it.each<[string, string, string, number, number]>([
    ['Europe/Berlin', '2026-03-29T01:00:00Z', 'March', 1, 2],
    ['Europe/Berlin', '2026-10-25T01:00:00Z', 'October', 2, 1],
    ['Australia/Lord_Howe', '2026-04-04T15:00:00Z', 'half an hour', 11, 10.5],
    ['Antarctica/Troll', '2026-03-29T01:00:00Z', 'two hours', 0, 2],
    ['Pacific/Apia', '2011-12-30T10:00:00Z', 'a day', -10, 14],
    ['America/St_Johns', '2010-03-14T03:31:00Z', 'a minute past midnight', -3.5, -2.5],
    ['Africa/Monrovia', '1972-01-07T00:44:30Z', 'an offset with seconds', -0.741666667, 0],
  ])('%s at %s (%s)', (zone, instant, _, before, after) => {
    const change = at(instant);
    const [found, ...others] = clockChanges(zone, change - 30 * 24 * HOUR, change + 24 * HOUR);
    expect(others).toEqual([]);
    expect(found?.at).toBe(change);
    expect((found?.before ?? NaN) / HOUR).toBeCloseTo(before);
    expect((found?.after ?? NaN) / HOUR).toBeCloseTo(after);
    expect(offsetAt(zone, change - 1)).toBe(found?.before);
    expect(offsetAt(zone, change)).toBe(found?.after);
  });

  it('of a span: after its start, up to and with its end, over the years', () => {
    const march = at('2026-03-29T01:00:00Z');
    const october = at('2026-10-25T01:00:00Z');
    const instants = (from: number, to: number) => clockChanges('Europe/Berlin', from, to).map((change) => change.at);
    expect(instants(march, october)).toEqual([october]);
    expect(instants(march - 1, october - 1)).toEqual([march]);
    expect(instants(march, march)).toEqual([]);
    expect(instants(at('2020-01-01T00:00:00Z'), at('2030-01-01T00:00:00Z'))).toHaveLength(20);
    expect(clockChanges('Asia/Kathmandu', at('2020-01-01T00:00:00Z'), at('2030-01-01T00:00:00Z'))).toEqual([]);
  });

  it('a zone that changed four times in a year', () => {
    const found = clockChanges('Africa/Cairo', at('2014-01-01T00:00:00Z'), at('2015-01-01T00:00:00Z'));
    expect(found.map((change) => new Date(change.at).toISOString().slice(0, 10))).toEqual([
      '2014-05-15',
      '2014-06-26',
      '2014-07-31',
      '2014-09-25',
    ]);
  });

  it('what is remembered of more years and zones than there is room for is read again', () => {
    const zones = Array.from(
      { length: 29 },
      (_, index) => `Etc/GMT${index < 15 ? `-${index}` : `+${index - 14}`}`,
    ).filter(isZone);
    expect(zones.length).toBeGreaterThan(25);
    for (const zone of [...zones, 'Europe/Berlin'])
      for (let year = 1975; year < 2030; year++) offsetAt(zone, Date.UTC(year, 6, 1));
    expect(offsetAt('Europe/Berlin', at('1990-07-01T00:00:00Z'))).toBe(2 * HOUR);
    expect(offsetAt('Etc/GMT+5', at('1990-07-01T00:00:00Z'))).toBe(-5 * HOUR);
  });

  it('a zone that does not exist is no UTC', () => {
    expect(() => offsetAt('Europe/Atlantis', 0)).toThrow(RangeError);
  });
});
