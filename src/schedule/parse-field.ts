import { type CronField, type CronFieldName, type CronProblem, isCronProblem, type Part } from './cron-fields.js';
import { foreignSign } from './foreign-signs.js';

/** The sorted set of its values. */
export function parseField(field: CronField, { text, column }: Part): readonly number[] | CronProblem {
  const foreign = foreignSign(field, text);
  if (foreign) return problem(field, column + foreign.index, foreign.message, foreign.remedy);
  const values = new Set<number>();
  let at = column;
  for (const member of text.split(',')) {
    const found = parseMember(field, { text: member, column: at });
    if (isCronProblem(found)) return found;
    for (let value = found.first; value <= found.last; value += found.step) values.add(value);
    at += member.length + 1;
  }
  return [...values].sort((a, b) => a - b);
}

interface Stretch {
  first: number;
  last: number;
  step: number;
}

/** One member of a list: `*`, a value, a range, each with or without a step. `n/s` goes from n to the end (SC-2). */
function parseMember(field: CronField, { text, column }: Part): Stretch | CronProblem {
  const { words, least, most } = field;
  if (text === '')
    return problem(
      field,
      column,
      `A value of the ${words} is missing beside a comma.`,
      'Write it, or leave the comma out.',
    );
  const [base = '', stepText, secondStep] = text.split('/');
  const stepAt = column + base.length + 1;
  if (secondStep !== undefined) {
    const secondAt = stepAt + (stepText ?? '').length;
    return problem(field, secondAt, `"${text}" has two steps.`, `Write one, such as ${base}/${stepText}.`);
  }
  const step = stepText === undefined ? 1 : parseStep(field, { text: stepText, column: stepAt });
  if (typeof step !== 'number') return step;
  if (base === '*') return { first: least, last: most, step };
  const [from = '', to, third] = base.split('-');
  const toAt = column + from.length + 1;
  if (third !== undefined) {
    const remedy = 'Write a range as first-last, and a comma between two ranges.';
    return problem(field, toAt + (to ?? '').length, `"${base}" has more than two ends.`, remedy);
  }
  const first = parseValue(field, { text: from, column });
  if (typeof first !== 'number') return first;
  if (to === undefined) return { first, last: stepText === undefined ? first : most, step };
  const last = parseValue(field, { text: to, column: toAt });
  if (typeof last !== 'number') return last;
  return first <= last ? { first, last, step } : backwards(field, { text: base, column }, first, last);
}

function backwards(field: CronField, { text, column }: Part, first: number, last: number): CronProblem {
  const { least, most } = field;
  const named = (value: number) => (/[a-z]/i.test(text) ? field.names[value - least] : null) ?? String(value);
  const tail = first === most ? named(first) : `${named(first)}-${named(most)}`;
  const head = last === least ? named(last) : `${named(least)}-${named(last)}`;
  const message = `"${text}" runs backwards: ${named(first)} comes after ${named(last)}.`;
  return problem(field, column, message, `If it shall go round, write ${tail},${head}.`);
}

function parseStep(field: CronField, { text, column }: Part): number | CronProblem {
  const most = field.most - field.least;
  const range = `Steps of the ${field.words} go from 1 to ${most}.`;
  if (text === '') return problem(field, column, 'The step behind / is missing.', range);
  if (!/^\d+$/.test(text)) return problem(field, column, `The step "${text}" is no number.`, range);
  const step = Number(text);
  if (step > most)
    return problem(field, column, `The step ${text} is too long.`, `${range} ${insteadOfLong[field.name]}`);
  if (text.length > 2) return problem(field, column, `The step ${text} has more than two digits.`, range);
  return step > 0 ? step : problem(field, column, 'A step of 0 never moves on.', range);
}

const insteadOfLong: Readonly<Record<CronFieldName, string>> = {
  minute: 'For once an hour write one minute, such as 0; for every second hour, */2 in the hour field.',
  hour: 'For once a day write one hour, such as 0.',
  dayOfMonth: 'For once a month write one day, such as 1.',
  month: 'For once a year write one month, such as JAN.',
  dayOfWeek: 'For once a week write one weekday, such as MON.',
};

function parseValue(field: CronField, { text, column }: Part): number | CronProblem {
  const { words, least, most, names } = field;
  const range = `Write ${least} to ${most}${names.length > 0 ? `, or ${names[0]} to ${names.at(-1)}` : ''}.`;
  if (text === '') return problem(field, column, `A value of the ${words} is missing.`, range);
  const name = names.indexOf(text.toUpperCase());
  if (name >= 0) return least + name;
  if (text.includes('*'))
    return problem(field, column, `"${text}" is no value.`, '* stands alone, or with a step: */2.');
  if (!/^\d+$/.test(text)) return problem(field, column, `"${text}" is no value of the ${words}.`, range);
  if (text.length > 2) return problem(field, column, `"${text}" has more than two digits.`, range);
  const value = Number(text);
  if (value >= least && value <= most) return value;
  return problem(field, column, `There is no ${words} ${text}.`, hints[`${field.name} ${value}`] ?? range);
}

/** What people mean who come from other schedulers. */
const hints: Readonly<Record<string, string>> = {
  'minute 60': 'The full hour is 0.',
  'hour 24': 'Midnight is 0.',
  'dayOfMonth 0': 'The first day of the month is 1.',
  'month 0': 'January is 1 or JAN.',
  'dayOfWeek 0': 'Sunday is 7 or SUN, Monday is 1.',
};

const problem = (field: CronField, position: number, message: string, remedy: string): CronProblem => ({
  field: field.name,
  position,
  message,
  remedy,
});
