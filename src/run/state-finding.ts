import { damageInWords, dataOfLook, strangeInWords, withoutStop } from '../savepoint/data-of-look.js';
import type { Place } from '../savepoint/find-savepoint.js';
import type { SnapshotLook } from '../savepoint/look-at-snapshot.js';
import { DataState } from '../savepoint/savepoint.enums.js';

/** A state that is to be looked at; place null: no storage of Stateward holds it, or it cannot be told which. */
export interface StateToLookAt {
  location: string;
  place: Place | null;
}

export type StateLookResult = 'WHOLE' | 'DAMAGED' | 'NOT_TOLD';

/** How the state of a start was found, before it is submitted. */
export interface StateFinding {
  result: StateLookResult;
  /** null where it is WHOLE: nothing is to be said. */
  why: string | null;
  /** What is known of its data by that; NOT_CHECKED: nothing that was not known before. */
  data: DataState;
}

/** What a look says of the state that a start is to take; `wasRead`: an earlier one read it. What cannot be told is never damage. Pure. */
export function findingOf(look: SnapshotLook, wasRead: boolean): StateFinding {
  const data = dataOfLook(look, wasRead);
  if (data === DataState.MISSING) return { result: 'DAMAGED', why: 'its _metadata is gone', data };
  if (data === DataState.DAMAGED) return { result: 'DAMAGED', why: damageInWords(look), data };
  const why = whyNotTold(look);
  if (why === null) return { result: 'WHOLE', why, data: DataState.PRESENT };
  return { result: 'NOT_TOLD', why, data: DataState.NOT_CHECKED };
}

/** Of what is not damaged; null: all of it was seen. */
function whyNotTold(look: SnapshotLook): string | null {
  switch (look.kind) {
    case 'NOT_SEEN':
      return withoutStop(look.why);
    case 'NO_METADATA':
      return 'no _metadata was seen, in a storage that is not proven to be the same place';
    case 'NOT_METADATA':
      return strangeInWords(look);
    case 'READ': {
      const { notReached, files } = look.inspection;
      return notReached > 0 ? `${notReached} of its ${files} files lie where Stateward cannot look` : null;
    }
  }
}
