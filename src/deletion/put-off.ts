const SHORTEST_MS = 250;
const LONGEST_MS = 10_000;
/** So many come in turn at a time: the pause grows by its shortest for each such round that waits. */
const A_ROUND = 16;
/** Whoever has not come back by then does not wait any more: another worker has it, or it has ended. */
const FORGOTTEN_MS = 2 * LONGEST_MS;

/** By storage: the rows that were turned away and have not had their turn, and when; who was turned away first comes first. */
const waiting = new Map<string, Map<string, number>>();

/** The pause of one that is turned away while so many others of its storage wait: all of them together ask no more often than few would. */
export const putOffMs = (others: number): number =>
  Math.round(Math.min(LONGEST_MS, SHORTEST_MS * (1 + others / A_ROUND)));

/** It is turned away, for as long as it answers. */
export function putOff(storageId: string, rowId: string, atLeastMs = 0): number {
  const now = performance.now();
  const rows = waiting.get(storageId) ?? new Map<string, number>();
  waiting.set(storageId, rows);
  for (const [id, at] of rows) {
    if (now - at < FORGOTTEN_MS) break;
    rows.delete(id);
  }
  rows.delete(rowId);
  const pauseMs = Math.max(atLeastMs, putOffMs(rows.size));
  rows.set(rowId, now);
  return pauseMs;
}

/** It has had its turn. */
export function hadTurn(storageId: string, rowId: string): void {
  const rows = waiting.get(storageId);
  if (rows?.delete(rowId) && rows.size === 0) waiting.delete(storageId);
}
