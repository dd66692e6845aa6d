import type { KeptOperator, SnapshotContents } from './snapshot-contents.js';

/** Bytes of state, as Flink's statistics count them: those of subtasks. null: not all of it is known. */
export function stateBytesOf(contents: SnapshotContents): number | null {
  const all =
    contents.source === 'METADATA'
      ? contents.metadata.operators.map(bytesOf)
      : contents.vertices.map(({ stateBytes }) => stateBytes);
  return all.reduce((sum, bytes) => (sum === null || bytes === null ? null : sum + bytes), 0);
}

/** Without what its coordinator keeps, which Flink does not count. */
export const bytesOf = ({ stateBytes }: KeptOperator): number =>
  stateBytes.operator + stateBytes.keyed + stateBytes.channel;
