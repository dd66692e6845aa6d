import type { Sql, Transaction } from './database.js';

/** Stack traces and the like: in a table of their own, never in a list's select. */
export async function keepText(tx: Transaction, ownerId: string, kind: 'FAILURE', text: string): Promise<void> {
  await tx.changed(
    `insert into long_text (owner_id, kind, text) values ($1, $2, $3)
     on conflict (owner_id, kind) do update set text = excluded.text, at = now()`,
    [ownerId, kind, text],
  );
}

export async function findText(sql: Sql, ownerId: string, kind: 'FAILURE'): Promise<string | null> {
  const row = await sql.row<{ text: string }>('select text from long_text where owner_id = $1 and kind = $2', [
    ownerId,
    kind,
  ]);
  return row?.text ?? null;
}
