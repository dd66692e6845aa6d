import { EventType } from '../event/event-types.js';
import type { NewEvent } from '../event/record-event.js';
import { damageInDetail, damageInWords, isForeign } from './data-of-look.js';
import type { SnapshotLook } from './look-at-snapshot.js';
import { DataState } from './savepoint.enums.js';

/** What a look has shown of the data of a savepoint, where that is news; `about` names whom it concerns. */
export function dataNews(
  { id, location }: { id: string; location: string | null },
  data: DataState,
  look: SnapshotLook,
  about: Omit<NewEvent, 'type' | 'message' | 'details'>,
): NewEvent {
  switch (data) {
    case DataState.PRESENT:
      return {
        ...about,
        type: EventType.SAVEPOINT_DATA_FOUND,
        message: `The data of savepoint ${id} are at ${location}: it can be restored from.`,
      };
    case DataState.MISSING:
      return {
        ...about,
        type: EventType.SAVEPOINT_DATA_MISSING,
        message: `The data of savepoint ${id} are not at ${location}: it is not restored from. If they lie elsewhere, bring them back; then recheckSavepoint.`,
      };
    case DataState.DAMAGED:
      return {
        ...about,
        type: EventType.SAVEPOINT_DATA_DAMAGED,
        message: `The data of savepoint ${id} at ${location} are damaged: ${damageInWords(look)}. It is not restored from. If the files are kept elsewhere, bring them back; then recheckSavepoint.`,
        details: damageInDetail(look),
      };
    case DataState.NOT_CHECKED:
      return {
        ...about,
        type: EventType.SAVEPOINT_DATA_FOUND,
        message: `A _metadata of savepoint ${id} is at ${location}, ${strangeness(look)}: whether all of its data are there cannot be told.`,
      };
  }
}

const strangeness = (look: SnapshotLook): string =>
  look.kind === 'NOT_METADATA' && isForeign(look)
    ? 'which does not begin as Flink writes it, and was never read here; it may be encrypted or wrapped on its way to the storage'
    : 'of a version that is not known here';
