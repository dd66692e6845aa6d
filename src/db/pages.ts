import type { EntityTarget, ObjectLiteral } from 'typeorm';
import { AppError } from '../errors.js';
import { isMalformed, type Sql } from './database.js';

/** Where a page goes on: after the row with this time and id, newest first. Time in µs, as PostgreSQL keeps it. */
export interface Keyset {
  at: string;
  id: string;
}

export interface Page {
  first: number;
  after: Keyset | null;
}

/** A row and where it stands in its list. */
export interface Placed<T> {
  node: T;
  place: Keyset;
}

/**
 * One page of a table, newest first, by keyset over (created_at, id): a deep page costs what the first costs, and new
 * rows do not shift it. `where` is SQL of our code over the table's columns, with $1… of `values`.
 */
export async function pageOf<E extends ObjectLiteral & { id: string }>(
  sql: Sql,
  entity: EntityTarget<E>,
  table: string,
  page: Page,
  where: string[] = [],
  values: unknown[] = [],
  time = 'created_at',
): Promise<Placed<E>[]> {
  const all = [...values];
  const conditions = [...where];
  if (page.after) {
    conditions.push(`(${time}, id) < ($${all.push(page.after.at)}::timestamptz, $${all.push(page.after.id)})`);
  }
  const text = `select *, ${placeOf(time)} as place_at from ${table}
    ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''} order by ${time} desc, id desc limit $${all.push(page.first + 1)}`;
  const places: string[] = [];
  try {
    const nodes = await sql.entities(entity, text, all, (record) => places.push(String(record.place_at)));
    return nodes.map((node, index) => ({ node, place: { at: places[index] ?? '', id: node.id } }));
  } catch (error) {
    throw asWrongCursor(page, error);
  }
}

/** BAD_USER_INPUT when a page failed on its cursor: of the form of one, but made by hand or by a list whose ids are of another type. */
export function asWrongCursor(page: Page, error: unknown): unknown {
  if (!page.after || !isMalformed(error)) return error;
  const problem = 'after: this is not a cursor of this list. Use endCursor of the page before.';
  return new AppError('BAD_USER_INPUT', problem, { cause: error });
}

/** Microseconds are kept: a cursor cut to milliseconds would repeat or skip rows of the same millisecond. */
export const placeOf = (time: string) => `to_char(${time} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
