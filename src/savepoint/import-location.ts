import { SnapshotKind } from '../job/snapshot-kind.js';
import { schemeOf } from '../flink/location.js';

/** What is wrong with a text that should be the location of a snapshot; null: nothing. */
export function problemOfLocation(text: string): string | null {
  if (text === '') return 'give the place where it lies.';
  if (text.length > 2_000) return 'it is longer than 2,000 characters.';
  if (/\p{Cc}/u.test(text)) return 'it holds a control character.';
  if (text.split(/[/\\]/).includes('..')) return 'it holds "..", which leads out of the place that it names.';
  if (!/^[a-z][a-z0-9+.-]*$/.test(schemeOf(text))) {
    return `"${text.slice(0, 200)}" is not a location. Write it as Flink does, such as s3://bucket/savepoints/savepoint-1a2b3c.`;
  }
  return null;
}

/** What the name of its folder says: Flink names those of checkpoints `chk-<id>` (seen on 1.20.5 and 2.3.0), and savepoints never so. */
export function kindByName(path: string): { kind: SnapshotKind; flinkCheckpointId: number | null } {
  const number = /(?:^|\/)chk-(\d{1,15})$/.exec(path)?.[1];
  return number === undefined
    ? { kind: SnapshotKind.SAVEPOINT, flinkCheckpointId: null }
    : { kind: SnapshotKind.CHECKPOINT, flinkCheckpointId: Number(number) };
}
