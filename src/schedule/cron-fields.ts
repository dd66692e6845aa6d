export type CronFieldName = 'minute' | 'hour' | 'dayOfMonth' | 'month' | 'dayOfWeek';

export interface CronField {
  name: CronFieldName;
  words: string;
  least: number;
  most: number;
  /** Of its values, from the least on; empty: numbers only. */
  names: readonly string[];
}

export const monthNames = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
];
export const weekdayNames = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

const short = (names: readonly string[]) => names.map((name) => name.slice(0, 3).toUpperCase());

export const minute: CronField = { name: 'minute', words: 'minute', least: 0, most: 59, names: [] };
export const hour: CronField = { name: 'hour', words: 'hour', least: 0, most: 23, names: [] };
export const dayOfMonth: CronField = { name: 'dayOfMonth', words: 'day of the month', least: 1, most: 31, names: [] };
export const month: CronField = { name: 'month', words: 'month', least: 1, most: 12, names: short(monthNames) };
export const dayOfWeek: CronField = {
  name: 'dayOfWeek',
  words: 'weekday',
  least: 1,
  most: 7,
  names: short(weekdayNames),
};

export interface CronProblem {
  /** null: the expression as a whole. */
  field: CronFieldName | null;
  /** Column in the given text, from 1 on. */
  position: number;
  message: string;
  remedy: string;
}

export const isCronProblem = <T extends object>(result: T | CronProblem): result is CronProblem => 'remedy' in result;

/** A part of the given text. */
export interface Part {
  text: string;
  /** Column of its first character. */
  column: number;
}
