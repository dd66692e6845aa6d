import { problemOfRoot } from '../cluster/storage-root.js';
import { joinLocation, pathBelow } from '../flink/location.js';
import type { SavepointOrigin } from '../savepoint/savepoint.enums.js';

/**
 * Where Stateward deletes anything at all (RT-7). Flink deletes whatever the `_metadata` at a path lists, and takes paths in many
 * spellings: so only the plainest one counts, of what Flink was seen to write into a directory that we had named to it.
 */
export interface WhereItLies {
  kind: 'SAVEPOINT' | 'CHECKPOINT';
  origin: `${SavepointOrigin}`;
  /** Of an imported one: its `_metadata` was read. */
  verified: boolean;
  storageId: string | null;
  /** Below a root of that storage. */
  path: string | null;
  /** The directories that were named to Flink for it. */
  attempts: readonly { storageId: string; directory: string }[];
}

/** Flink's own names (1.20.5, 2.3.0): `savepoint-<six of the job id>-<twelve>`. */
const SAVEPOINT_NAME = /^savepoint(?:-[0-9a-z]{1,64}){1,4}$/i;
/** Without what any file system or client may take for something else: `.`, `..`, `%2e`, `\`, `//`, what cannot be seen; full-width dots are told by NFKC. */
const PLAIN_SEGMENT = /^(?!\s*\.{0,2}\s*$)[^\p{C}\\/%?#;*:]+$/u;

/** Why nothing is deleted there: goes on from "Savepoint … is not deleted: ". null: it may be. */
export function problemOfPlace({ kind, origin, verified, storageId, path, attempts }: WhereItLies): string | null {
  if (kind === 'CHECKPOINT') return 'it is a reference to a checkpoint, which may share files with others';
  if (storageId === null || path === null) return 'it lies in no storage that is known';
  const segments = path.split('/');
  const plain = segments.every((segment) => PLAIN_SEGMENT.test(segment)) && path.normalize('NFKC') === path;
  if (!plain) return 'its path is not a plain path below a root';
  if (!SAVEPOINT_NAME.test(segments.at(-1) ?? '')) return 'its folder is not named as Flink names savepoints';
  if (origin === 'IMPORTED')
    return verified ? null : 'it was imported without having read its _metadata, so what belongs to it is not known';
  const above = segments.slice(0, -1).join('/');
  const ours = attempts.some(({ storageId: storage, directory }) => storage === storageId && directory === above);
  return ours && above !== '' ? null : 'it lies elsewhere than in the directory that Flink was asked to write it into';
}

/** The location of a path without a problem, as it is reached by a root; null: it does not lie strictly below that root. */
export function locationBelow(root: string, path: string): string | null {
  if (problemOfRoot(root) !== null) return null;
  const location = joinLocation(root, path);
  return path !== '' && pathBelow(root, location) === path ? location : null;
}
