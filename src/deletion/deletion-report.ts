import type { Sql, Transaction } from '../db/database.js';

/** What a repeated request is answered with; dropped with the keys of such requests. */
export const keepReport = (tx: Transaction, id: string, report: object) =>
  tx.changed('insert into deletion_report (id, report) values ($1, $2)', [id, JSON.stringify(report)]);

/** As it was kept; null: it was dropped. */
export async function findReport<T extends object>(sql: Sql, id: string): Promise<T | null> {
  const row = await sql.row<{ report: T }>('select report from deletion_report where id = $1', [id]);
  return row?.report ?? null;
}

export const dropReports = (sql: Sql, olderThanHours: number) =>
  sql.changed(`delete from deletion_report where created_at < now() - $1 * interval '1 hour'`, [olderThanHours]);
