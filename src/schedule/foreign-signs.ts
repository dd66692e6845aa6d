import { type CronField, dayOfWeek, month, monthNames, weekdayNames } from './cron-fields.js';

interface ForeignSign {
  /** In the text of the field, from 0 on. */
  index: number;
  message: string;
  remedy: string;
}

/** The first sign or word of a field that other schedulers know and this one does not, and what to write instead. */
export function foreignSign(field: CronField, text: string): ForeignSign | null {
  for (const { 0: token, index } of text.matchAll(/[a-z]+|\d+|./giu)) {
    const remedy = /^[a-z]/i.test(token) ? remedyOfWord(field, token.toUpperCase()) : remedyOfCharacter(token);
    if (remedy) return { index, message: `"${token}" is not known in the ${field.words}.`, remedy };
  }
  return null;
}

const FIXED = 'Write a fixed value: the jitter of a schedule is what spreads deployments.';
const EVERY_WEEK = 'Write the weekday alone, such as FRI: single weeks of a month cannot be told.';

function remedyOfCharacter(token: string): string | null {
  if (/^[\d*,/-]/.test(token)) return null;
  if (token === '?') return 'Write * for any.';
  if (token === '#') return EVERY_WEEK;
  if (token === '~') return FIXED;
  if (token === '.') return 'Write whole numbers.';
  return 'Write numbers and names, and between them * , - / only.';
}

function remedyOfWord(field: CronField, word: string): string | null {
  if (field.names.includes(word)) return null;
  if (word === 'H') return FIXED;
  if (word === 'W') return 'Write a fixed day, or MON-FRI as the weekday: the nearest working day cannot be told.';
  if (word === 'L' || word === 'LW' || (word.endsWith('L') && field.names.includes(word.slice(0, -1))))
    return field === dayOfWeek ? EVERY_WEEK : 'Write 28, which every month has, or 1: the last day cannot be told.';
  const named = nameOf(word);
  if (named && named.owner === field) return `Write ${named.name}.`;
  if (named)
    return `${named.name} is a ${named.owner.words}: it belongs into the ${named.owner === month ? 'fourth' : 'fifth'} field.`;
  const names = field.names.length > 0 ? `, or one of ${field.names.join(', ')}` : '';
  return `Write ${field.least} to ${field.most}${names}.`;
}

const longNames = [...monthNames, ...weekdayNames].map((name) => name.toUpperCase());

/** Of a name that is written out, or stands in the wrong field. */
function nameOf(word: string): { name: string; owner: CronField } | null {
  const name = word.slice(0, 3);
  const owner = [month, dayOfWeek].find(({ names }) => names.includes(name));
  return owner && longNames.some((long) => long.startsWith(word)) ? { name, owner } : null;
}
