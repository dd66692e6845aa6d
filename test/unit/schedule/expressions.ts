import fc from 'fast-check';
import type { Values } from './minute-table.js';

/** An expression, and the values that each of its fields has by the rules (SC-1, SC-2). */
export interface Expression {
  text: string;
  values: Values;
}

interface Piece {
  text: string;
  values: number[];
}

const monthNames = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const weekdayNames = 'mon tue wed thu fri sat sun'.split(' ');

const from = (first: number, last: number, step = 1) => {
  const values: number[] = [];
  for (let value = first; value <= last; value += step) values.push(value);
  return values;
};

function valueText(least: number, names: string[]) {
  return (value: number) => {
    const name = names[value - least];
    const padded = String(value).padStart(2, '0');
    const spellings = [
      String(value),
      padded,
      ...(name ? [name, name.toUpperCase(), name[0]?.toUpperCase() + name.slice(1)] : []),
    ];
    return fc.constantFrom(...spellings);
  };
}

function memberOf(
  least: number,
  most: number,
  names: string[],
): Record<'value' | 'range' | 'stepped' | 'all', fc.Arbitrary<Piece>> {
  const spelled = valueText(least, names);
  const value = fc.integer({ min: least, max: most });
  const pair = fc.tuple(value, value).map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)]);
  const step = fc.integer({ min: 1, max: most - least });
  const rangeText = pair.chain(([a, b]) =>
    fc.tuple(spelled(a), spelled(b)).map(([x, y]) => ({ text: `${x}-${y}`, a, b })),
  );
  return {
    value: value.chain((n) => spelled(n).map((text) => ({ text, values: [n] }))),
    range: rangeText.map(({ text, a, b }) => ({ text, values: from(a, b) })),
    stepped: fc.oneof(
      fc.tuple(rangeText, step).map(([{ text, a, b }, s]) => ({ text: `${text}/${s}`, values: from(a, b, s) })),
      fc
        .tuple(
          value.chain((n) => spelled(n).map((text) => ({ text, n }))),
          step,
        )
        .map(([{ text, n }, s]) => ({
          text: `${text}/${s}`,
          values: from(n, most, s),
        })),
      step.map((s) => ({ text: `*/${s}`, values: from(least, most, s) })),
    ),
    all: fc
      .constantFrom('*', '*/1', `${least}-${most}`, `${least}/1`)
      .map((text) => ({ text, values: from(least, most) })),
  };
}

type Weights = Record<'value' | 'range' | 'stepped' | 'all', number>;

function field(least: number, most: number, names: string[], weights: Weights): fc.Arbitrary<Piece> {
  const members = memberOf(least, most, names);
  const member = fc.oneof(
    { weight: weights.value, arbitrary: members.value },
    { weight: weights.range, arbitrary: members.range },
    { weight: weights.stepped, arbitrary: members.stepped },
  );
  const list = fc.array(member, { minLength: 1, maxLength: 3 }).map((pieces) => ({
    text: pieces.map(({ text }) => text).join(','),
    values: [...new Set(pieces.flatMap(({ values }) => values))],
  }));
  return fc.oneof({ weight: weights.all, arbitrary: members.all }, { weight: 100 - weights.all, arbitrary: list });
}

/** Seldom dense, so that many can be tried; days and months leave enough to be seen around any change. */
export const expressions: fc.Arbitrary<Expression> = fc
  .tuple(
    field(0, 59, [], { value: 60, range: 1, stepped: 2, all: 1 }),
    field(0, 23, [], { value: 6, range: 1, stepped: 1, all: 20 }),
    field(1, 31, [], { value: 3, range: 2, stepped: 2, all: 60 }),
    field(1, 12, monthNames, { value: 1, range: 3, stepped: 1, all: 70 }),
    field(1, 7, weekdayNames, { value: 3, range: 2, stepped: 2, all: 50 }),
  )
  .map(([minute, hour, dayOfMonth, month, dayOfWeek]) => ({
    text: [minute, hour, dayOfMonth, month, dayOfWeek].map(({ text }) => text).join(' '),
    values: {
      minute: minute.values,
      hour: hour.values,
      dayOfMonth: dayOfMonth.values,
      month: month.values,
      dayOfWeek: dayOfWeek.values,
    },
  }))
  .filter(({ values }) => comesAtAll(values));

const comesAtAll = ({ dayOfMonth, month, dayOfWeek }: Values) =>
  dayOfWeek.length < 7 || month.some((m) => dayOfMonth.some((day) => day <= new Date(2024, m, 0).getDate()));
