import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LEAST_INTERVAL_MS, nextMatch, slots } from '../../../src/schedule/next-slot.js';
import { type Expression, expressions } from './expressions.js';
import { changesIn, type MinuteTable, minuteTable, watch } from './minute-table.js';
import { parsed } from './parsed.js';

/** First of three years, and how many clock changes lie in them. */
const zones: [string, number, number][] = [
  ['UTC', 2026, 0],
  ['Asia/Kathmandu', 2026, 0],
  ['America/New_York', 2026, 6],
  ['Europe/Berlin', 2026, 6],
  ['Australia/Lord_Howe', 2026, 6], // by half an hour
  ['Antarctica/Troll', 2026, 6], // by two hours
  ['America/Havana', 2024, 6], // at midnight
  ['Africa/Cairo', 2023, 6],
  ['Asia/Tehran', 2020, 6],
  ['America/Sao_Paulo', 2017, 5],
  ['America/St_Johns', 2010, 6], // one minute past midnight, until 2011
  ['Pacific/Apia', 2010, 6], // without 30 December 2011
];
const RUNS = 834;
const AROUND = 36 * 60;

describe('against a clock that is watched minute by minute', () => {
  it.each(zones)('%s from %i on: every firing is the same, with the floor and without', (zone, firstYear, count) => {
    const table = minuteTable(zone, firstYear, 3);
    const changes = changesIn(table);
    expect(changes).toHaveLength(count);
    const days = fc.array(fc.integer({ min: 2, max: 3 * 365 - 2 }), { minLength: 20, maxLength: 20 });
    fc.assert(
      fc.property(expressions, days, (expression, chosen) => {
        const compare = comparing(table, expression);
        for (const change of changes) compare(change - AROUND, change + AROUND);
        for (const day of chosen) compare(table.start + day * 1440, table.start + day * 1440 + 1439);
      }),
      { numRuns: RUNS },
    );
  });
});

/** Of spans that are given in epoch minutes. */
function comparing(table: MinuteTable, { text, values }: Expression): (from: number, to: number) => void {
  const { zone } = table;
  const cron = parsed(text);
  const firings = watch(table, values);
  return (from, to) => {
    const expected = firings(from, to);
    const start = from * 60_000 - 1;
    const end = to * 60_000;
    // One more than there should be is enough to tell.
    const found: number[] = [];
    let at = nextMatch(cron, zone, start);
    while (at !== null && at <= end && found.length <= expected.length) {
      found.push(at);
      at = nextMatch(cron, zone, at);
    }
    expectSame(found, expected, `"${text}" in ${zone}`);

    const chain: number[] = [];
    for (const slot of slots(cron, zone, { after: start, previous: null }, expected.length + 1, LEAST_INTERVAL_MS)) {
      if (slot > end) break;
      chain.push(slot);
    }
    const apart: number[] = [];
    for (const minute of expected) if (minute - (apart.at(-1) ?? -Infinity) >= 10) apart.push(minute);
    expectSame(chain, apart, `"${text}" in ${zone}, with the floor`);
  };
}

function expectSame(found: readonly number[], expected: readonly number[], what: string): void {
  const differs = (instant: number | undefined, minute: number | undefined) =>
    instant !== (minute === undefined ? undefined : minute * 60_000);
  if (found.length === expected.length && !found.some((instant, index) => differs(instant, expected[index]))) return;
  const at = Array.from({ length: found.length + 1 }).findIndex((_, index) => differs(found[index], expected[index]));
  const shown = (instant: number | undefined) => (instant === undefined ? 'none' : new Date(instant).toISOString());
  const wanted = expected[at];
  throw new Error(
    `${what}: ${shown(found[at])} instead of ${shown(wanted === undefined ? wanted : wanted * 60_000)}, after ${shown(found[at - 1])}`,
  );
}
