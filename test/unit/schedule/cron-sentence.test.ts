import { describe, expect, it } from '@jest/globals';
import { describeCron } from '../../../src/schedule/cron-sentence.js';
import { LEAST_INTERVAL_MS } from '../../../src/schedule/next-slot.js';
import { SCHEDULE_PRESETS } from '../../../src/schedule/presets.js';
import { parsed } from './parsed.js';

describe('an expression in words', () => {
  it.each([
    ['*/10 * * * *', 'Every 10 minutes'],
    ['0,30 * * * *', 'Every 30 minutes'],
    ['0 * * * *', 'Every hour'],
    ['15 * * * *', 'At minute 15 of every hour'],
    ['5,35 * * * *', 'At minutes 5 and 35 of every hour'],
    ['5/15 * * * *', 'Every 15 minutes from minute 5 to minute 50 of every hour'],
    ['*/11 * * * *', 'Every 11 minutes from minute 0 to minute 55 of every hour'],
    ['0-2,20,40 * * * *', 'At minutes 0 to 2, 20 and 40 of every hour'],
    ['*/20 * * * 1-5', 'Every 20 minutes on Mondays to Fridays'],
    ['0 */2 * * *', 'Every 2 hours from 00:00 to 22:00 every day'],
    ['0 9-17 * * *', 'Every hour from 09:00 to 17:00 every day'],
    ['0 8-20/3 * 1 *', 'Every 3 hours from 08:00 to 20:00 every day in January'],
    ['0,20,40 9 * * *', 'At 09:00, 09:20 and 09:40 every day'],
    ['0,10 9,10 * * *', 'At 09:00, 09:10, 10:00 and 10:10 every day'],
    ['3,17 9-17 * * *', 'At minutes 3 and 17 of the hours 9 to 17 every day'],
    ['*/15 1,5,9,13 * * *', 'Every 15 minutes of the hours 1, 5, 9 and 13 every day'],
    ['0 12 1,15 * *', 'At 12:00 on days 1 and 15 of the month'],
    ['0 12 1-7,15 * *', 'At 12:00 on days 1 to 7 and 15 of the month'],
    ['0 12 */2 * *', 'At 12:00 on every 2nd day from day 1 to day 31 of the month'],
    ['0 12 5/4 6 *', 'At 12:00 on every 4th day from day 5 to day 29 of June'],
    ['0 12 29 2 *', 'At 12:00 on day 29 of February'],
    ['0 12 1 1,7 *', 'At 12:00 on day 1 of the month, in January and July'],
    ['0 12 1 1-3 5', 'At 12:00 on day 1 of the month or on Fridays, in January to March'],
    ['0 12 1 3 5', 'At 12:00 on day 1 of the month or on Fridays, in March'],
    ['0 12 * * SAT,SUN', 'At 12:00 on Saturdays and Sundays'],
    ['0 12 * */3 1,3,5', 'At 12:00 on Mondays, Wednesdays and Fridays in January, April, July and October'],
    ['* * 1-31 * 1-7', 'Every minute'],
  ])('%s: %s', (text, sentence) => {
    expect(describeCron(parsed(text), 'Europe/Berlin')).toBe(`${sentence}, Europe/Berlin`);
  });

  it.each([
    ['* * * * *', 'every 10 minutes, counted from the first'],
    ['*/4 * * * *', 'every 12 minutes, counted from the first'],
    ['* * * * MON-FRI', 'every 10 minutes'],
    ['*/7 * * * *', 'some of these are left out'],
    ['0,55 0,23 * * *', 'some of these are left out'],
    ['0,5 * * * *', 'every hour'],
    ['0,5,30 9-17 * * *', 'every 30 minutes from 09:00 to 17:30'],
    ['*/5 1,5,9,13 * * *', 'every 10 minutes of the hours 1, 5, 9 and 13'],
    ['0,5 9,12 * * *', 'at 09:00 and 12:00'],
    ['7/9 9-17 * * *', 'at minutes 7, 25 and 43 of the hours 9 to 17'],
    ['8/9 9-10 * * *', 'every 18 minutes from 09:08 to 09:44 and from 10:08 to 10:44'],
    ['3,8,14 9,12 * * *', 'at 09:03, 09:14, 12:03 and 12:14'],
    ['*/7 9-14 * * *', 'at 09:00, 09:14, 09:28, 09:42, … and 14:49'],
  ])('with the floor, %s: %s', (text, left) => {
    const cron = parsed(text);
    const sentence = `${describeCron(cron, 'UTC')}; at least 10 minutes apart, so ${left}`;
    expect(describeCron(cron, 'UTC', LEAST_INTERVAL_MS)).toBe(sentence);
  });

  it('with another floor', () => {
    expect(describeCron(parsed('* * * * *'), 'UTC', 7 * 60_000)).toBe(
      'Every minute, UTC; at least 7 minutes apart, so every 7 minutes, counted from the first',
    );
  });

  it('says nothing of a floor that changes nothing', () => {
    for (const text of ['*/10 * * * *', '0 12 1 * 5', '0,55 0,23 * * MON'])
      expect(describeCron(parsed(text), 'UTC', LEAST_INTERVAL_MS)).toBe(describeCron(parsed(text), 'UTC'));
  });
});

it('the presets', () => {
  expect(SCHEDULE_PRESETS).toEqual([
    { name: 'every 10 minutes', expression: '*/10 * * * *', sentence: 'Every 10 minutes' },
    { name: 'every 30 minutes', expression: '*/30 * * * *', sentence: 'Every 30 minutes' },
    { name: 'every hour', expression: '0 * * * *', sentence: 'Every hour' },
    { name: 'every 2 hours', expression: '0 */2 * * *', sentence: 'Every 2 hours from 00:00 to 22:00 every day' },
    { name: 'every 6 hours', expression: '0 */6 * * *', sentence: 'Every 6 hours from 00:00 to 18:00 every day' },
    { name: 'every 12 hours', expression: '0 */12 * * *', sentence: 'At 00:00 and 12:00 every day' },
    { name: 'daily', expression: '0 3 * * *', sentence: 'At 03:00 every day' },
    { name: 'weekly', expression: '0 3 * * SUN', sentence: 'At 03:00 on Sundays' },
  ]);
});
