import { describe, expect, it } from '@jest/globals';
import { type CronFieldName, parseCron } from '../../../src/schedule/cron.js';
import { parsed } from './parsed.js';

/** Text, field, position, and what the remedy says. */
type Refused = [string, CronFieldName | null, number, string];

const shapes: Refused[] = [
  ['', null, 1, 'such as 0 3 * * *'],
  [' \t ', null, 1, 'such as 0 3 * * *'],
  ['*/10', null, 5, 'such as */10 * * * *.'],
  ['0 3 * *', null, 8, 'such as 0 3 * * *.'],
  ['  0 3 * * ', null, 10, 'such as 0 3 * * *.'],
  ['0 0 12 * * MON', null, 1, 'Leave the seconds out: 0 12 * * MON.'],
  [' 0 0 12 * * ?', null, 2, 'Leave the seconds out: 0 12 * * *.'],
  ['0 0 12 ? * 2', null, 1, 'Leave the seconds out: 0 12 * * 2 (1 is Monday, 7 is Sunday).'],
  ['0 12 * * ? 2026', null, 12, 'Leave the year out: 0 12 * * *.'],
  ['0 12 ? * MON *', null, 14, 'Leave the year out: 0 12 * * MON.'],
  ['0 0 12 ? * MON 2026', null, 1, 'Leave the seconds and the year out: 0 12 * * MON.'],
  ['0 3 * * * backup.sh', null, 11, 'Leave what follows the weekday out: 0 3 * * *.'],
  ['0 3 * * * /bin/backup --full now', null, 11, 'Leave what follows the weekday out: 0 3 * * *.'],
  ['CRON_TZ=UTC 0 3 * * *', null, 1, 'time zone'],
  ['TZ=Asia/Tokyo 0 3 * * *', null, 1, 'time zone'],
  ['@yearly', null, 1, 'Write 0 0 1 1 *.'],
  ['@annually', null, 1, 'Write 0 0 1 1 *.'],
  ['@monthly', null, 1, 'Write 0 0 1 * *.'],
  ['@weekly', null, 1, 'Write 0 0 * * SUN.'],
  [' @Daily', null, 2, 'Write 0 0 * * *.'],
  ['@midnight', null, 1, 'Write 0 0 * * *.'],
  ['@hourly', null, 1, 'Write 0 * * * *.'],
  ['@reboot', null, 1, 'Write the five fields'],
  ['@every 10m', null, 1, 'Write the five fields'],
  ['@constructor', null, 1, 'Write the five fields'],
  [`${'0,'.repeat(130)}0 0 * * *`, null, 251, 'ranges and steps'],
];

const signs: Refused[] = [
  ['? * * * *', 'minute', 1, 'Write * for any.'],
  ['0 0 ? * MON', 'dayOfMonth', 5, 'Write * for any.'],
  ['0 0 * * ?', 'dayOfWeek', 9, 'Write * for any.'],
  ['0 0 L * *', 'dayOfMonth', 5, 'Write 28'],
  ['0 0 L-3 * *', 'dayOfMonth', 5, 'Write 28'],
  ['0 0 LW * *', 'dayOfMonth', 5, 'Write 28'],
  ['0 0 15W * *', 'dayOfMonth', 7, 'MON-FRI'],
  ['0 0 * * L', 'dayOfWeek', 9, 'the weekday alone'],
  ['0 0 * * 5L', 'dayOfWeek', 10, 'the weekday alone'],
  ['0 0 * * friL', 'dayOfWeek', 9, 'the weekday alone'],
  ['0 0 * * FRI#2', 'dayOfWeek', 12, 'the weekday alone'],
  ['H * * * *', 'minute', 1, 'jitter'],
  ['0 h/2 * * *', 'hour', 3, 'jitter'],
  ['H(0-29)/10 * * * *', 'minute', 1, 'jitter'],
  ['0~30 * * * *', 'minute', 2, 'jitter'],
  ['1.5 * * * *', 'minute', 2, 'whole numbers'],
  ['+1 * * * *', 'minute', 1, '* , - / only'],
  ['0 0 * * !5', 'dayOfWeek', 9, '* , - / only'],
  ['0 0 * * 5;', 'dayOfWeek', 10, '* , - / only'],
  ['٣ 0 * * *', 'minute', 1, '* , - / only'],
  ['0 0 * JANUARY *', 'month', 7, 'Write JAN.'],
  ['0 0 * Sept *', 'month', 7, 'Write SEP.'],
  ['0 0 * * MON,Tuesday', 'dayOfWeek', 13, 'Write TUE.'],
  ['0 0 * * THURS', 'dayOfWeek', 9, 'Write THU.'],
  ['0 0 * MON *', 'month', 7, 'fifth field'],
  ['0 0 * * JAN', 'dayOfWeek', 9, 'fourth field'],
  ['0 0 FRI * *', 'dayOfMonth', 5, 'fifth field'],
  ['0 0 * * FOO', 'dayOfWeek', 9, 'one of MON, TUE'],
  ['0 0 * JANS *', 'month', 7, 'one of JAN, FEB'],
  ['0 noon * * *', 'hour', 3, 'Write 0 to 23.'],
];

const values: Refused[] = [
  ['60 * * * *', 'minute', 1, 'The full hour is 0.'],
  ['0,61 * * * *', 'minute', 3, 'Write 0 to 59.'],
  ['0 24 * * *', 'hour', 3, 'Midnight is 0.'],
  ['0 8-25 * * *', 'hour', 5, 'Write 0 to 23.'],
  ['0 0 0 * *', 'dayOfMonth', 5, 'first day of the month is 1'],
  ['0 0 32 * *', 'dayOfMonth', 5, 'Write 1 to 31.'],
  ['0 0 * 0 *', 'month', 7, 'January is 1'],
  ['0 0 * 13 *', 'month', 7, 'Write 1 to 12, or JAN to DEC.'],
  ['0 0 * * 0', 'dayOfWeek', 9, 'Sunday is 7 or SUN'],
  ['0 0 * * 1,0', 'dayOfWeek', 11, 'Sunday is 7 or SUN'],
  ['0 0 * * 0-5', 'dayOfWeek', 9, 'Sunday is 7 or SUN'],
  ['0 0 * * 0/2', 'dayOfWeek', 9, 'Sunday is 7 or SUN'],
  ['0 0 * * 00', 'dayOfWeek', 9, 'Sunday is 7 or SUN'],
  ['0 0 * * 8', 'dayOfWeek', 9, 'Write 1 to 7, or MON to SUN.'],
  ['001 * * * *', 'minute', 1, 'Write 0 to 59.'],
  ['0 0 * * MON5', 'dayOfWeek', 9, 'MON to SUN'],
  ['-1 * * * *', 'minute', 1, 'Write 0 to 59.'],
  ['1- * * * *', 'minute', 3, 'Write 0 to 59.'],
  ['/5 * * * *', 'minute', 1, 'Write 0 to 59.'],
  ['*5 * * * *', 'minute', 1, '* stands alone'],
  ['** * * * *', 'minute', 1, '* stands alone'],
  ['*-5 * * * *', 'minute', 1, '* stands alone'],
  ['0-* * * * *', 'minute', 3, '* stands alone'],
  ['1,,2 * * * *', 'minute', 3, 'leave the comma out'],
  ['1, * * * *', 'minute', 3, 'leave the comma out'],
  ['0 ,1 * * *', 'hour', 3, 'leave the comma out'],
  ['1-2-3 * * * *', 'minute', 4, 'a comma between two ranges'],
  ['50-10 * * * *', 'minute', 1, 'write 50-59,0-10.'],
  ['0 22-4 * * *', 'hour', 3, 'write 22-23,0-4.'],
  ['0 23-0 * * *', 'hour', 3, 'write 23,0.'],
  ['0 1,5-4/2 * * *', 'hour', 5, 'write 5-23,0-4.'],
  ['0 0 * NOV-feb *', 'month', 7, 'write NOV-DEC,JAN-FEB.'],
  ['0 0 * * SUN-TUE', 'dayOfWeek', 9, 'write SUN,MON-TUE.'],
  ['0 0 * * 7-2', 'dayOfWeek', 9, 'write 7,1-2.'],
  ['*/0 * * * *', 'minute', 3, 'from 1 to 59'],
  ['5/00 * * * *', 'minute', 3, 'from 1 to 59'],
  ['*/ * * * *', 'minute', 3, 'from 1 to 59'],
  ['*/x * * * *', 'minute', 3, 'Write 0 to 59.'],
  ['5/* * * * *', 'minute', 3, 'from 1 to 59'],
  ['*/005 * * * *', 'minute', 3, 'from 1 to 59'],
  ['1/2/3 * * * *', 'minute', 4, 'such as 1/2.'],
  ['*/60 * * * *', 'minute', 3, 'For once an hour'],
  ['0,5/100 * * * *', 'minute', 5, 'For once an hour'],
  ['0 */24 * * *', 'hour', 5, 'For once a day'],
  ['0 0 1-31/31 * *', 'dayOfMonth', 10, 'For once a month'],
  ['0 0 1 */12 *', 'month', 9, 'For once a year'],
  ['0 0 * * */7', 'dayOfWeek', 11, 'For once a week'],
  ['0 0 30 2 *', 'dayOfMonth', 5, 'up to 29'],
  ['0 0 30-31 FEB *', 'dayOfMonth', 5, 'up to 29'],
  ['0 0 31 4 *', 'dayOfMonth', 5, 'up to 30'],
  ['0 0 31 2,4,6,9,11 1-7', 'dayOfMonth', 5, 'up to 30'],
];

describe('what is refused', () => {
  it.each([...shapes, ...signs, ...values])('"%s"', (text, field, position, remedy) => {
    expect(parseCron(text)).toEqual({
      field,
      position,
      message: expect.stringMatching(/\.$/),
      remedy: expect.stringContaining(remedy),
    });
  });

  it('is called by its name', () => {
    expect(parseCron('0 3 * * 1,0')).toMatchObject({ message: 'There is no weekday 0.' });
    expect(parseCron('0 5-4 * * *')).toMatchObject({ message: '"5-4" runs backwards: 5 comes after 4.' });
    expect(parseCron('0 0 31 4,6 *')).toMatchObject({
      message: 'It would never fire: there is no day 31 in APR or JUN.',
    });
    expect(parseCron('0 0 3 * * *')).toMatchObject({
      message: 'It has 6 fields, and five fields are needed: minute, hour, day of the month, month, weekday.',
    });
  });
});

describe('what is read', () => {
  const to = (first: number, last: number, step = 1) =>
    Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, index) => first + index * step);

  it.each<[string, number[]]>([
    ['*', to(0, 59)],
    ['7', [7]],
    ['07', [7]],
    ['0/15', [0, 15, 30, 45]],
    ['3/20', [3, 23, 43]],
    ['59/5', [59]],
    ['10-20/15', [10]],
    ['*/59', [0, 59]],
    ['5-5', [5]],
    ['1,1,1', [1]],
    ['1-5,3', to(1, 5)],
    ['*,5', to(0, 59)],
    ['40,2-4,0/30', [0, 2, 3, 4, 30, 40]],
  ])('minute %s', (text, minutes) => {
    expect(parsed(`${text} * * * *`).minutes).toEqual(minutes);
  });

  it.each<[string, number[]]>([
    ['1', [1]],
    ['7', [7]],
    ['sun', [7]],
    ['Mon', [1]],
    ['*/2', [1, 3, 5, 7]],
    ['FRI-SUN', [5, 6, 7]],
    ['sat-SUN', [6, 7]],
    ['5-7', [5, 6, 7]],
    ['FRI-7', [5, 6, 7]],
    ['WED/2', [3, 5, 7]],
    ['MON-FRI/2', [1, 3, 5]],
    ['SUN,MON-TUE', [1, 2, 7]],
  ])('weekday %s', (text, daysOfWeek) => {
    expect(parsed(`0 0 * * ${text}`).daysOfWeek).toEqual(daysOfWeek);
  });

  it.each<[string, number[]]>([
    ['JAN/3', [1, 4, 7, 10]],
    ['nov-Dec,1', [1, 11, 12]],
    ['*/11', [1, 12]],
  ])('month %s', (text, months) => {
    expect(parsed(`0 0 1 ${text} *`).months).toEqual(months);
  });

  it('keeps its text, with single blanks', () => {
    expect(parsed('  0\t3   * *\u00a0Sun\n').text).toBe('0 3 * * Sun');
  });

  it('a day field matters when it leaves something out, whatever it is written like', () => {
    expect(parsed('0 0 * * *')).toMatchObject({ dayMatters: false, weekdayMatters: false });
    expect(parsed('0 0 1-31 * */1')).toMatchObject({ dayMatters: false, weekdayMatters: false });
    expect(parsed('0 0 */2 * 1-7')).toMatchObject({ dayMatters: true, weekdayMatters: false });
    expect(parsed('0 0 1/1 * 1-6')).toMatchObject({ dayMatters: false, weekdayMatters: true });
  });

  it('all hours are all hours, whatever they are written like', () => {
    const everyHour = (hours: string) => parsed(`0 ${hours} * * *`).everyHour;
    expect(['*', '*/1', '0-23', '12-23,0-11', '0/1'].map(everyHour)).toEqual([true, true, true, true, true]);
    expect(['1-23', '*/2', '0'].map(everyHour)).toEqual([false, false, false]);
  });

  it('a day that only some of its months have, or that has a weekday beside it, is fine', () => {
    for (const text of ['0 0 29 2 *', '0 0 31 2,3 *', '0 0 30 2 MON', '0 0 31 4,6,9,11 SUN', '0 0 29-31 2 *'])
      expect(parsed(text).text).toBe(text);
  });
});
