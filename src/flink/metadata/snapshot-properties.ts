import type { ByteWindow } from './byte-window.js';
import type { SnapshotProperties } from './metadata.types.js';

/** How each Java object stream begins. */
const OBJECT_STREAM = Buffer.from([0xac, 0xed, 0x00, 0x05]);

/**
 * What the Java object at the end of versions 4 and later says: Flink's CheckpointProperties. Its class names and constants stand there as
 * they are, so it is not deserialized.
 */
export function propertiesIn(tail: Buffer, bytes: ByteWindow): SnapshotProperties {
  if (!tail.subarray(0, OBJECT_STREAM.length).equals(OBJECT_STREAM))
    throw bytes.fault(
      tail.length < OBJECT_STREAM.length ? 'TRUNCATED' : 'CORRUPT',
      'no properties of the snapshot follow its operators',
      tail.length,
    );
  if (says(tail, 'org.apache.flink.runtime.checkpoint.SavepointType')) {
    const format = says(tail, 'CANONICAL') ? 'CANONICAL' : says(tail, 'NATIVE') ? 'NATIVE' : null;
    const action = ['NONE', 'SUSPEND', 'TERMINATE'].find((one) => says(tail, one));
    if (!format || !action) throw bytes.fault('TRUNCATED', 'the properties of the savepoint are not whole');
    return { kind: 'SAVEPOINT', format, drained: action === 'TERMINATE' };
  }
  if (says(tail, 'org.apache.flink.runtime.checkpoint.CheckpointType')) {
    if (!['FORWARD_BACKWARD', 'FORWARD', 'NO_SHARING'].some((one) => says(tail, one)))
      throw bytes.fault('TRUNCATED', 'the properties of the checkpoint are not whole');
    return { kind: 'CHECKPOINT', format: null, drained: false };
  }
  throw bytes.fault('TRUNCATED', 'the properties end without a word of savepoint or checkpoint');
}

/** As a text of that very length. */
function says(tail: Buffer, text: string): boolean {
  const written = Buffer.from(text, 'latin1');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(written.length);
  return tail.includes(Buffer.concat([length, written]));
}
