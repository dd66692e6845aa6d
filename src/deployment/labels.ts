import { InvalidInput } from '../api/user-error.js';

const MOST = 32;
const KEY = /^[A-Za-z0-9](?:[\w./-]{0,61}[A-Za-z0-9])?$/;

/** Labels as a record; or the refusal that names what cannot be one. */
export function readLabels(
  field: string,
  labels: readonly { key: string; value: string }[],
): Record<string, string> | InvalidInput {
  const read = new Map<string, string>();
  for (const { key, value } of labels) {
    const shown = key.slice(0, 80);
    if (!KEY.test(key))
      return new InvalidInput(
        field,
        `"${shown}" is no name of a label: 1 to 63 letters, digits, and _ . / - between them.`,
      );
    if (value.length > 255) return new InvalidInput(field, `the value of ${shown} is longer than 255 characters.`);
    if (read.has(key)) return new InvalidInput(field, `${shown} is given twice. Keep one.`);
    read.set(key, value);
  }
  if (read.size > MOST) return new InvalidInput(field, `${read.size} labels are more than ${MOST}.`);
  return Object.fromEntries(read);
}
