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
  /** By its `_metadata` all that it points to lies in its own folder; null: that was not read. */
  selfContained: boolean | null;
  /** Its storage is marked: Flink puts random text into the paths of files there, so that they lie outside of the folder. */
  injectsEntropy: boolean;
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
export function problemOfPlace(where: WhereItLies): string | null {
  const { kind, origin, verified, storageId, path, attempts } = where;
  if (kind === 'CHECKPOINT') return 'it is a reference to a checkpoint, which may share files with others';
  if (storageId === null || path === null) return 'it lies in no storage that is known';
  const segments = path.split('/');
  const plain = segments.every((segment) => PLAIN_SEGMENT.test(segment)) && path.normalize('NFKC') === path;
  if (!plain) return 'its path is not a plain path below a root';
  if (!SAVEPOINT_NAME.test(segments.at(-1) ?? '')) return 'its folder is not named as Flink names savepoints';
  if (origin === 'IMPORTED' && !verified)
    return 'it was imported without having read its _metadata, so what belongs to it is not known';
  const shared = problemOfFiles(where);
  if (shared !== null || origin === 'IMPORTED') return shared;
  const above = segments.slice(0, -1).join('/');
  const ours = attempts.some(({ storageId: storage, directory }) => storage === storageId && directory === above);
  return ours && above !== '' ? null : 'it lies elsewhere than in the directory that Flink was asked to write it into';
}

/** A savepoint that Flink wrote counts as self-contained unless its `_metadata` or the mark of its storage says otherwise. */
function problemOfFiles({ origin, selfContained, injectsEntropy }: WhereItLies): string | null {
  if (selfContained === false)
    return 'its _metadata points to files outside of its own folder (fingerprint.selfContained), which others may need';
  if (selfContained) return null;
  if (injectsEntropy)
    return 'its storage injects entropy into the paths of files (Storage.injectsEntropy), and its _metadata was not read, so where its files lie is not known; recheckSavepoint reads it';
  return origin === 'IMPORTED' ? 'what its _metadata points to is not known; recheckSavepoint reads it' : null;
}

/** The location of a path without a problem, as it is reached by a root; null: it does not lie strictly below that root. */
export function locationBelow(root: string, path: string): string | null {
  if (problemOfRoot(root) !== null) return null;
  const location = joinLocation(root, path);
  return path !== '' && pathBelow(root, location) === path ? location : null;
}
