import type { Place } from '../savepoint/find-savepoint.js';
import type { Damage, Inspection } from '../savepoint/inspect-snapshot.js';
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

const NAMED = 3;

/** What a look says of the state that a start is to take. What cannot be told is never damage. Pure. */
export function findingOf(look: SnapshotLook): StateFinding {
  switch (look.kind) {
    case 'NOT_SEEN':
      return notTold(look.why);
    case 'NO_METADATA':
      return look.proven
        ? { result: 'DAMAGED', why: 'its _metadata is gone', data: DataState.MISSING }
        : notTold('no _metadata was seen, in a storage that is not proven to be the same place');
    case 'NOT_METADATA':
      return look.error.code === 'VERSION_NOT_SUPPORTED'
        ? notTold(`its _metadata is of a format that is not known here: ${look.error.message}`)
        : damaged(`its _metadata cannot be read: ${look.error.message}`);
    case 'READ':
      return findingOfFiles(look.inspection);
  }
}

function findingOfFiles({ damaged: count, damages, files, notReached }: Inspection): StateFinding {
  if (count > 0) {
    const named = damages.slice(0, NAMED).map(inWords).join('; ');
    const more = count > NAMED ? `; and ${count - Math.min(NAMED, damages.length)} more` : '';
    return damaged(`${count} of its ${files} files ${count === 1 ? 'is' : 'are'} gone or cut short: ${named}${more}`);
  }
  if (notReached > 0) return notTold(`${notReached} of its ${files} files lie where Stateward cannot look`);
  return { result: 'WHOLE', why: null, data: DataState.PRESENT };
}

const inWords = ({ file, expectedBytes, foundBytes }: Damage): string =>
  foundBytes === null ? `${file} is gone` : `${file} has ${foundBytes} bytes and should have ${expectedBytes}`;

const damaged = (why: string): StateFinding => ({ result: 'DAMAGED', why, data: DataState.DAMAGED });
const notTold = (why: string): StateFinding => ({ result: 'NOT_TOLD', why, data: DataState.NOT_CHECKED });
