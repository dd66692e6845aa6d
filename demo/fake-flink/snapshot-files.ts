import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { FlinkVersion } from './captured-replies.js';

/** Locations as Flink folds them, and the `_metadata` files that the fake really writes. */

/** Schemes taken for installed file system plugins; any other is refused as on a cluster without the plugin. */
const PLUGIN_SCHEMES = new Set(['s3', 's3a', 's3p', 'gs', 'hdfs', 'abfs', 'abfss', 'wasb', 'wasbs', 'oss', 'viewfs']);
const METADATA_MAGIC = 0x4960672d;
/** Written by 2.3.0 and by 1.20.5. Each reads all up to its own. */
export const METADATA_VERSION: Record<FlinkVersion, number> = { '2.3.0': 6, '1.20.5': 4 };

export type FoldedLocation =
  | { kind: 'location'; location: string }
  | { kind: 'empty' }
  | { kind: 'authority'; authority: string }
  | { kind: 'scheme'; scheme: string };

/** As seen on 2.3.0 and 1.20.5: one slash after `file:`, `//` and `..` folded, nothing decoded, relative = working directory. */
export function foldLocation(text: string, workingDirectory: string): FoldedLocation {
  if (text === '') return { kind: 'empty' };
  const [, scheme, rest = text] = /^([A-Za-z][A-Za-z0-9+.-]*):(.*)$/s.exec(text) ?? [];
  if (scheme !== undefined && scheme !== 'file') {
    if (!PLUGIN_SCHEMES.has(scheme)) return { kind: 'scheme', scheme };
    return { kind: 'location', location: text.replace(/\/+$/, '') };
  }
  const authority = /^\/\/([^/]+)/.exec(rest)?.[1];
  if (scheme === 'file' && authority !== undefined) return { kind: 'authority', authority };
  const folded = path.resolve(workingDirectory, rest.replace(/\/{2,}/g, '/'));
  return { kind: 'location', location: `file:${folded}` };
}

/** Path on this machine of a folded location; null for anything but `file:`. */
export function localPath(location: string): string | null {
  return location.startsWith('file:/') ? location.slice('file:'.length) : null;
}

export function isBelow(folder: string, file: string): boolean {
  return file.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep);
}

/** Java's length-prefixed text; also the form used inside the object stream. */
export function utf(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

export function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const checkpointPackage = 'org.apache.flink.runtime.checkpoint.';
const enumHead = (className: string): Buffer =>
  Buffer.concat([hex('7e 72'), utf(className), hex('0000000000000000 12 0000 78 72')]);

export type SnapshotKind = { format: 'CANONICAL' | 'NATIVE'; end: 'NONE' | 'SUSPEND' | 'TERMINATE' } | 'CHECKPOINT';

/** The Java object at the end of `_metadata`, byte for byte as both versions write it. */
function properties(kind: SnapshotKind): Buffer {
  const flags = ['Cancelled', 'Failed', 'Finished', 'Subsumed', 'Suspended'].map((what) => `discard${what}`);
  const head = [
    hex('aced 0005 73 72'),
    utf(`${checkpointPackage}CheckpointProperties`),
    hex('0000000000000002 02 0008'),
    ...[...flags, 'forced', 'unclaimed'].flatMap((flag) => [Buffer.from('Z'), utf(flag)]),
    Buffer.from('L'),
    utf('checkpointType'),
    hex('74'),
    utf('Lorg/apache/flink/runtime/checkpoint/SnapshotType;'),
    hex('78 70'),
  ];
  const javaEnum = [utf('java.lang.Enum'), hex('0000000000000000 12 0000 78 70 74')];
  if (kind === 'CHECKPOINT') {
    return Buffer.concat([
      ...head,
      hex('00 00 01 01 00 00 00 73 72'),
      utf(`${checkpointPackage}CheckpointType`),
      hex('d6de4f0305ae1d3a 02 0002 4c'),
      utf('name'),
      hex('74'),
      utf('Ljava/lang/String;'),
      hex('4c'),
      utf('sharingFilesStrategy'),
      hex('74'),
      utf('Lorg/apache/flink/runtime/checkpoint/SnapshotType$SharingFilesStrategy;'),
      hex('78 70 74'),
      utf('Checkpoint'),
      enumHead(`${checkpointPackage}SnapshotType$SharingFilesStrategy`),
      ...javaEnum,
      utf('FORWARD_BACKWARD'),
    ]);
  }
  const name = { NONE: 'Savepoint', SUSPEND: 'Suspend Savepoint', TERMINATE: 'Terminate Savepoint' }[kind.end];
  return Buffer.concat([
    ...head,
    hex('00 00 00 00 00 01 00 73 72'),
    utf(`${checkpointPackage}SavepointType`),
    hex('a087d308a45814b8 02 0003 4c'),
    utf('formatType'),
    hex('74'),
    utf('Lorg/apache/flink/core/execution/SavepointFormatType;'),
    hex('4c'),
    utf('name'),
    hex('74'),
    utf('Ljava/lang/String;'),
    hex('4c'),
    utf('postCheckpointAction'),
    hex('74'),
    utf('Lorg/apache/flink/runtime/checkpoint/SavepointType$PostCheckpointAction;'),
    hex('78 70'),
    enumHead('org.apache.flink.core.execution.SavepointFormatType'),
    ...javaEnum,
    utf(kind.format),
    hex('74'),
    utf(name),
    hex('7e 72'),
    utf(`${checkpointPackage}SavepointType$PostCheckpointAction`),
    hex('0000000000000000 12 0000 78 71 007e0009 74'),
    utf(kind.end),
  ]);
}

export interface SnapshotContent {
  version: FlinkVersion;
  checkpointId: number;
  kind: SnapshotKind;
  /** Listed without state, as Flink lists operators whose subtasks hold none. */
  operators: { id: string; name: string; parallelism: number }[];
  /** In place of those. */
  held?: HeldByOperators | null | undefined;
}

/** Operators with what they hold, as Flink's serializers write them, and the files that this lies in beside `_metadata`. */
export interface HeldByOperators {
  operators: Buffer[];
  files: Record<string, Buffer>;
}

/** A valid `_metadata` file, whose operators hold no state unless that is given. */
export function encodeMetadata({ version, checkpointId, kind, operators, held }: SnapshotContent): Buffer {
  const id = Buffer.alloc(8);
  id.writeBigInt64BE(BigInt(checkpointId));
  const format = METADATA_VERSION[version];
  const listed = operators.flatMap((operator) => [
    ...(format >= 5 ? [utf(operator.name), utf('')] : []),
    hex(operator.id),
    int(operator.parallelism),
    int(128),
    hex('00'),
    int(0),
  ]);
  return Buffer.concat([
    int(METADATA_MAGIC),
    int(format),
    id,
    int(0),
    int(held ? held.operators.length : operators.length),
    ...(held ? held.operators : listed),
    properties(kind),
  ]);
}

/** null when it is there, or not to be made; else the `Caused by` lines of why not. */
export function makeFolder(folder: string | null): string | null {
  if (folder === null) return null;
  try {
    mkdirSync(folder, { recursive: true });
    return null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const inTheWay = code === 'EEXIST' || code === 'ENOTDIR';
    return inTheWay ? `Caused by: java.nio.file.FileAlreadyExistsException: ${folder}\n\t... 17 more\n` : '';
  }
}

/** Creates the folder and its `_metadata`. */
export function writeSnapshot(folder: string, content: SnapshotContent): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(content.held?.files ?? {})) writeFileSync(path.join(folder, name), bytes);
  writeFileSync(path.join(folder, '_metadata'), encodeMetadata(content));
}

/** The files that a `_metadata` names by their whole location, as Java has written it: its length in two bytes, then the text. */
export function filesNamedIn(metadata: Buffer): string[] {
  const files = new Set<string>();
  for (let at = metadata.indexOf('file:/'); at >= 2; at = metadata.indexOf('file:/', at + 1)) {
    const location = metadata.toString('utf8', at, at + metadata.readUInt16BE(at - 2));
    const file = localPath(location.replace(/^file:\/+/, 'file:/'));
    if (file !== null) files.add(file);
  }
  return [...files];
}

export type SnapshotOnDisk =
  | { kind: 'whole'; checkpointId: number; formatVersion: number }
  | { kind: 'no-such-path' }
  | { kind: 'no-metadata' }
  | { kind: 'bad-magic' }
  | { kind: 'truncated' };

/** What Flink would find when asked to restore or dispose of this path (a folder or its `_metadata`). */
export function inspectSnapshot(file: string): SnapshotOnDisk {
  if (!existsSync(file)) return { kind: 'no-such-path' };
  const metadata = statSync(file).isDirectory() ? path.join(file, '_metadata') : file;
  if (!existsSync(metadata)) return { kind: 'no-metadata' };
  const bytes = readFileSync(metadata);
  if (bytes.length < 4) return { kind: 'truncated' };
  if (bytes.readInt32BE(0) !== METADATA_MAGIC) return { kind: 'bad-magic' };
  if (bytes.length < 24) return { kind: 'truncated' };
  return { kind: 'whole', checkpointId: Number(bytes.readBigInt64BE(8)), formatVersion: bytes.readInt32BE(4) };
}
