import type { Sql } from '../db/database.js';
import { type Keyset, type Placed, placeOf } from '../db/pages.js';

/** Lists of the report in SQL: every kind by the same keyset, so that a page of several can be merged. */

/** Where a list of one kind goes on, and how many it answers at most. */
export interface Asked {
  /** null: of all storages. */
  storageId: string | null;
  after: Keyset | null;
  limit: number;
}

export interface List {
  columns: string;
  from: string;
  where: string;
  /** What it is ordered by, and what tells rows of one instant apart; the same from look to look. */
  at: string;
  key: string;
}

/** Newest first behind a cursor, by (at, md5 of the key). */
export function listOf({ columns, from, where, at, key }: List, { after, limit }: Asked, values: unknown[]): string {
  const id = `md5(${key}) collate "C"`;
  const behind = after
    ? `and (${at}, ${id}) < ($${values.push(after.at)}::timestamptz, $${values.push(after.id)}::text)`
    : '';
  return `(select ${columns}, ${at} as at, ${id} as key from ${from} where ${where} ${behind} order by ${at} desc, ${id} desc limit $${values.push(limit)})`;
}

export const merged = (lists: string[], limit: number, values: unknown[]) =>
  `select x.*, ${placeOf('x.at')} as place_at from (${lists.join(' union all ')}) x order by x.at desc, x.key desc limit $${values.push(limit)}`;

export async function placed<T extends object>(
  sql: Sql,
  text: string,
  values: unknown[],
): Promise<Placed<T & { at: Date }>[]> {
  const rows = await sql.rows<T & { at: Date; key: string; place_at: string }>(text, values);
  return rows.map((node) => ({ node, place: { at: node.place_at, id: node.key } }));
}
