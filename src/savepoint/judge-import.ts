import { InvalidInput } from '../api/user-error.js';
import type { SavepointFormat } from '../deployment/savepoint-format.js';
import type { MetadataError } from '../flink/metadata/metadata-error.js';
import { SnapshotKind } from '../job/snapshot-kind.js';
import { damageInWords, dataOfLook, isOtherVersion, withoutStop } from './data-of-look.js';
import { kindByName } from './import-location.js';
import type { SnapshotLook } from './look-at-snapshot.js';
import type { LookEnded } from './look-within.js';
import type { SavepointWarning } from './savepoint.entity.js';
import { DataState } from './savepoint.enums.js';
import { contentsOf, type ContentsOfMetadata } from './snapshot-contents.js';
import { stateBytesOf } from './state-of-contents.js';

/** What is recorded of a snapshot that is imported. */
export interface Found {
  kind: SnapshotKind;
  format: SavepointFormat | null;
  drained: boolean;
  flinkCheckpointId: number | null;
  /** Of its state, as Flink counts it for those that Stateward makes. */
  sizeBytes: number | null;
  /** `_metadata` was read: all of this comes from it. */
  verified: boolean;
  data: DataState;
  /** It was looked at, and that told something. */
  checked: boolean;
  warnings: SavepointWarning[];
  contents: ContentsOfMetadata | null;
}

export interface ImportToJudge {
  look: SnapshotLook | LookEnded;
  location: string;
  place: { path: string; name: string };
  /** As the caller names it. */
  format: SavepointFormat | null;
}

/** What is recorded of it by a look, or why it is not imported. Pure. */
export function judgeImport(asked: ImportToJudge): Found | InvalidInput {
  const { look, location, place } = asked;
  if (look.kind === 'READ') return ofMetadata(contentsOf(look.inspection), look, asked);
  if (look.kind === 'NO_METADATA' && look.proven)
    return new InvalidInput(
      'location',
      `there is no _metadata in ${location}, and Stateward reads the storage ${place.name}. A snapshot without it is not whole and cannot be restored from.`,
    );
  if (look.kind === 'NOT_METADATA' && !isOtherVersion(look)) return unreadable(location, look.error);
  return unread(asked);
}

const unreadable = (location: string, error: MetadataError) =>
  new InvalidInput(
    'location',
    `the _metadata in ${location} cannot be read, and no Flink can restore from it: ${withoutStop(error.message)}. ` +
      (error.code === 'NOT_METADATA'
        ? 'Name the folder that Flink has written (savepoint-… or chk-…).'
        : 'Copy the whole folder again from where Flink has written it, and import that.'),
  );

function ofMetadata(
  contents: ContentsOfMetadata,
  look: SnapshotLook,
  { location, place, format }: ImportToJudge,
): Found | InvalidInput {
  const { properties, checkpointId } = contents.metadata;
  const byName = kindByName(place.path).kind;
  const kind = properties.kind === null ? byName : SnapshotKind[properties.kind];
  if (format && kind === SnapshotKind.CHECKPOINT)
    return new InvalidInput(
      'format',
      `${location} is a checkpoint by its ${properties.kind === null ? 'name' : '_metadata'}, and those have no format of savepoints such as ${format}. Leave format out.`,
    );
  if (format && properties.format !== null && format !== properties.format)
    return new InvalidInput(
      'format',
      `${format} was given, and by its _metadata ${location} is a ${properties.format} savepoint. Leave format out, or look whether that is the place that you mean.`,
    );
  const damage = damageInWords(look);
  return {
    kind,
    format: properties.format === null ? format : (properties.format as SavepointFormat),
    drained: properties.drained ?? false,
    flinkCheckpointId: checkpointId,
    sizeBytes: stateBytesOf(contents),
    verified: true,
    data: dataOfLook(look, false) ?? DataState.NOT_CHECKED,
    checked: true,
    warnings: damage === null ? [] : [{ code: 'DATA_DAMAGED', message: warningOf(damage) }],
    contents,
  };
}

const warningOf = (damage: string) =>
  `Its data are damaged: ${damage}. It is not restored from. If the files are kept elsewhere, bring them to its folder; then recheckSavepoint.`;

/** By its name and the word of the caller alone. */
function unread({ look, location, place, format }: ImportToJudge): Found | InvalidInput {
  const { kind, flinkCheckpointId } = kindByName(place.path);
  if (format && kind === SnapshotKind.CHECKPOINT)
    return new InvalidInput(
      'format',
      `${location} is a checkpoint by its name, and those have no format of savepoints.`,
    );
  return {
    kind,
    format,
    drained: false,
    flinkCheckpointId,
    sizeBytes: null,
    verified: false,
    data: DataState.NOT_CHECKED,
    checked: false,
    warnings: whyUnread(look),
    contents: null,
  };
}

function whyUnread(look: SnapshotLook | LookEnded): SavepointWarning[] {
  const message = `Its _metadata was not read (${reasonOf(look)}): it is recorded by its name alone, can be tried as the state of a start, and its data are never deleted by Stateward. To have it verified, end this record (deleteSavepoint) and import it again when its _metadata can be read.`;
  return [{ code: 'NOT_VERIFIED', message }];
}

function reasonOf(look: SnapshotLook | LookEnded): string {
  switch (look.kind) {
    case 'NOT_METADATA':
      return withoutStop(look.error.message);
    case 'ENDED':
      return `the look at it was ended after ${look.afterMs / 1_000} s`;
    case 'NOT_SEEN':
      return withoutStop(look.why);
    default:
      return 'it is not seen, in a storage that is not proven to be the place that Flink writes to';
  }
}
