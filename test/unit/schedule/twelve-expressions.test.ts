import { describe, expect, it } from '@jest/globals';
import { describeCron } from '../../../src/schedule/cron-sentence.js';
import { isClamped, LEAST_INTERVAL_MS, slots } from '../../../src/schedule/next-slot.js';
import { parsed } from './parsed.js';

/** Monday 1 to Sunday 7 March 2027, unless something else is said. */
interface Week {
  monday?: string;
  /** Days of March on which it fires. */
  days: number[];
  /** On each of them. */
  times: string;
  sentence: string;
  /** What the floor leaves of it; the sentence goes on with it. */
  floor?: { times: string; sentence: string };
}

const everyDay = [1, 2, 3, 4, 5, 6, 7];

const weeks: Record<string, Week> = {
  '15 10 * * *': { days: everyDay, times: '10:15', sentence: 'At 10:15 every day, UTC' },
  '0 12 * * *': { days: everyDay, times: '12:00', sentence: 'At 12:00 every day, UTC' },
  '0 10,14,16 * * *': {
    days: everyDay,
    times: '10:00 14:00 16:00',
    sentence: 'At 10:00, 14:00 and 16:00 every day, UTC',
  },
  '0/30 9-17 * * *': {
    days: everyDay,
    times: `09:00 09:30 10:00 10:30 11:00 11:30 12:00 12:30 13:00 13:30 14:00 14:30 15:00 15:30 16:00 16:30
      17:00 17:30`,
    sentence: 'Every 30 minutes from 09:00 to 17:30 every day, UTC',
  },
  '* 14 * * *': {
    days: everyDay,
    times: `14:00 14:01 14:02 14:03 14:04 14:05 14:06 14:07 14:08 14:09 14:10 14:11 14:12 14:13 14:14 14:15 14:16 14:17
      14:18 14:19 14:20 14:21 14:22 14:23 14:24 14:25 14:26 14:27 14:28 14:29 14:30 14:31 14:32 14:33 14:34 14:35 14:36
      14:37 14:38 14:39 14:40 14:41 14:42 14:43 14:44 14:45 14:46 14:47 14:48 14:49 14:50 14:51 14:52 14:53 14:54 14:55
      14:56 14:57 14:58 14:59`,
    sentence: 'Every minute from 14:00 to 14:59 every day, UTC',
    floor: {
      times: '14:00 14:10 14:20 14:30 14:40 14:50',
      sentence: '; at least 10 minutes apart, so every 10 minutes from 14:00 to 14:50',
    },
  },
  '0-5 14 * * *': {
    days: everyDay,
    times: '14:00 14:01 14:02 14:03 14:04 14:05',
    sentence: 'Every minute from 14:00 to 14:05 every day, UTC',
    floor: { times: '14:00', sentence: '; at least 10 minutes apart, so at 14:00' },
  },
  '0/5 14 * * *': {
    days: everyDay,
    times: '14:00 14:05 14:10 14:15 14:20 14:25 14:30 14:35 14:40 14:45 14:50 14:55',
    sentence: 'Every 5 minutes from 14:00 to 14:55 every day, UTC',
    floor: {
      times: '14:00 14:10 14:20 14:30 14:40 14:50',
      sentence: '; at least 10 minutes apart, so every 10 minutes from 14:00 to 14:50',
    },
  },
  '0/5 14,18 * * *': {
    days: everyDay,
    times: `14:00 14:05 14:10 14:15 14:20 14:25 14:30 14:35 14:40 14:45 14:50 14:55
      18:00 18:05 18:10 18:15 18:20 18:25 18:30 18:35 18:40 18:45 18:50 18:55`,
    sentence: 'Every 5 minutes from 14:00 to 14:55 and from 18:00 to 18:55 every day, UTC',
    floor: {
      times: '14:00 14:10 14:20 14:30 14:40 14:50 18:00 18:10 18:20 18:30 18:40 18:50',
      sentence: '; at least 10 minutes apart, so every 10 minutes from 14:00 to 14:50 and from 18:00 to 18:50',
    },
  },
  '0 12 * * WED': { days: [3], times: '12:00', sentence: 'At 12:00 on Wednesdays, UTC' },
  '15 10 15 * *': {
    monday: '2027-03-15',
    days: [15],
    times: '10:15',
    sentence: 'At 10:15 on day 15 of the month, UTC',
  },
  '10,44 14 * 3 WED': { days: [3], times: '14:10 14:44', sentence: 'At 14:10 and 14:44 on Wednesdays in March, UTC' },
  '0 12 1 * 5': { days: [1, 5], times: '12:00', sentence: 'At 12:00 on day 1 of the month or on Fridays, UTC' },
};

describe.each(Object.entries(weeks))('%s', (text, { monday = '2027-03-01', days, times, sentence, floor }) => {
  const cron = parsed(text);
  const start = Date.parse(`${monday}T00:00:00Z`);
  const inWeek = (floorMs: number) => {
    const found: string[] = [];
    for (const slot of slots(cron, 'UTC', { after: start - 1, previous: null }, 500, floorMs)) {
      if (slot >= start + 7 * 86_400_000) break;
      found.push(new Date(slot).toISOString());
    }
    return found;
  };
  const onDays = (timesOfDay: string) =>
    days.flatMap((day) =>
      timesOfDay.split(/\s+/).map((time) => `2027-03-${String(day).padStart(2, '0')}T${time}:00.000Z`),
    );

  it('fires when it is meant to, in a week', () => {
    expect(inWeek(0)).toEqual(onDays(times));
  });

  it('fires at least ten minutes apart', () => {
    expect(inWeek(LEAST_INTERVAL_MS)).toEqual(onDays(floor?.times ?? times));
    expect(isClamped(cron, 'UTC', start, LEAST_INTERVAL_MS)).toBe(floor !== undefined);
  });

  it('is told in a sentence', () => {
    expect(describeCron(cron, 'UTC')).toBe(sentence);
    expect(describeCron(cron, 'UTC', LEAST_INTERVAL_MS)).toBe(`${sentence}${floor?.sentence ?? ''}`);
  });
});

it('15 10 15 * * does not fire in a week without a 15th', () => {
  const [next] = slots(
    parsed('15 10 15 * *'),
    'UTC',
    { after: Date.parse('2027-03-01T00:00:00Z'), previous: null },
    1,
    0,
  );
  expect(next).toBe(Date.parse('2027-03-15T10:15:00Z'));
});
