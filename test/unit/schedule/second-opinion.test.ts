import { describe, expect, it } from '@jest/globals';
import { CronExpressionParser } from 'cron-parser';
import fc from 'fast-check';
import type { Cron } from '../../../src/schedule/cron.js';
import { nextMatch } from '../../../src/schedule/next-slot.js';
import { expressions } from './expressions.js';
import { parsed } from './parsed.js';

/** Without a clock change in sight. */
const zones = ['UTC', 'Asia/Kathmandu', 'Asia/Tokyo', 'America/Phoenix', 'Pacific/Kiritimati', 'America/Sao_Paulo'];
const firstDay = Date.parse('2026-01-01T00:00:00Z') / 86_400_000;

describe('against cron-parser, where both mean the same', () => {
  it('the next ten times are the same', () => {
    const minutes = fc
      .integer({ min: 0, max: 3 * 365 * 1440 })
      .map((minute) => firstDay * 86_400_000 + minute * 60_000);
    fc.assert(
      fc.property(expressions, fc.constantFrom(...zones), minutes, ({ text }, zone, start) => {
        const cron = parsed(text);
        const other = CronExpressionParser.parse(inItsDialect(cron), { currentDate: new Date(start), tz: zone });
        let own: number | null = start;
        for (let count = 0; count < 10; count++) {
          own = nextMatch(cron, zone, own ?? NaN);
          expect(own).toBe(other.next().getTime());
        }
      }),
      { numRuns: 400 },
    );
  });
});

/** Lists alone, `*` for all of them, and Sunday is 0. */
function inItsDialect({ minutes, hours, daysOfMonth, months, daysOfWeek }: Cron): string {
  const list = (values: readonly number[], all: number) => (values.length === all ? '*' : values.join(','));
  const weekdays = daysOfWeek.map((day) => day % 7).sort();
  return [list(minutes, 60), list(hours, 24), list(daysOfMonth, 31), list(months, 12), list(weekdays, 7)].join(' ');
}
