import type { SnapshotLook } from './look-at-snapshot.js';
import type { LookEnded } from './look-within.js';
import { DataState } from './savepoint.enums.js';

/**
 * What a look says of the data of a snapshot; null: nothing, and what was known before stays. NOT_CHECKED: there is a `_metadata` that
 * is not understood here, so that nobody can tell what belongs to it; that is no damage. It is of a version that is not known, or it
 * begins as none does and never did otherwise (`wasRead`): what Flink writes may be encrypted or wrapped on its way to the storage.
 */
export function dataOfLook(look: SnapshotLook | LookEnded, wasRead: boolean): DataState | null {
  switch (look.kind) {
    case 'READ':
      return look.inspection.damaged > 0 ? DataState.DAMAGED : DataState.PRESENT;
    case 'NO_METADATA':
      return look.proven ? DataState.MISSING : null;
    case 'NOT_METADATA':
      return isOtherVersion(look) || (isForeign(look) && !wasRead) ? DataState.NOT_CHECKED : DataState.DAMAGED;
    case 'NOT_SEEN':
    case 'ENDED':
      return null;
  }
}

export const isOtherVersion = ({ error }: Extract<SnapshotLook, { kind: 'NOT_METADATA' }>): boolean =>
  error.code === 'VERSION_NOT_SUPPORTED';

/** It begins as no `_metadata` does. */
export const isForeign = ({ error }: Extract<SnapshotLook, { kind: 'NOT_METADATA' }>): boolean =>
  error.code === 'NOT_METADATA';

/** Why a `_metadata` that is there is not understood, where that is no damage: within a sentence. */
export function strangeInWords(look: Extract<SnapshotLook, { kind: 'NOT_METADATA' }>): string {
  return isOtherVersion(look)
    ? `its _metadata is of a format that is not known here: ${withoutStop(look.error.message)}`
    : `its _metadata does not begin as Flink writes it, and was never read here: it may be encrypted or wrapped on its way to the storage`;
}

/** So many files are named in a sentence. */
const NAMED = 3;

/** What is wrong with the data, without a full stop; null: nothing that is seen. */
export function damageInWords(look: SnapshotLook | LookEnded): string | null {
  if (look.kind === 'NOT_METADATA')
    return isOtherVersion(look) ? null : `its _metadata cannot be read (${withoutStop(look.error.message)})`;
  if (look.kind !== 'READ' || look.inspection.damaged === 0) return null;
  const { damages, damaged, files } = look.inspection;
  const named = damages.slice(0, NAMED).map(({ file, expectedBytes, foundBytes }) => {
    return foundBytes === null ? `${file} is not there` : `${file} has ${foundBytes} of ${expectedBytes} bytes`;
  });
  const more = damaged > named.length ? [`and ${damaged - named.length} more`] : [];
  return `${damaged} of its ${files} files ${damaged === 1 ? 'is' : 'are'} missing or of another size: ${[...named, ...more].join(', ')}`;
}

export const withoutStop = (text: string): string => text.replace(/\.$/, '');

/** The same for a program: of an event. */
export function damageInDetail(look: SnapshotLook | LookEnded): Record<string, unknown> {
  if (look.kind === 'NOT_METADATA') return { metadata: look.error.code, atByte: look.error.offset };
  if (look.kind !== 'READ') return {};
  const { damaged, absent, damages } = look.inspection;
  return { damaged, absent, damages };
}
