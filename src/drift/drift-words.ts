import { inWordsBytes } from '../deletion/words.js';
import { DriftRemedyKind } from './drift.enums.js';
import type { DriftRemedy } from './drift.types.js';

/** The sentences of the report, for a person at three in the morning. */

const given = (value: string) => JSON.stringify(value);

/** More whole savepoints below one directory are not expected; each is in `snapshots`. */
const NAMED_AT_MOST = 3;

export function importOf(location: string, storageId: string | null, reachable: boolean): DriftRemedy {
  const call = `importSavepoint(location: ${given(location)}${storageId ? `, storageId: ${given(storageId)}` : ''})`;
  const first = storageId
    ? 'No cluster reaches its storage now: give it a root first (updateStorage). Then '
    : 'It lies in no storage that is known: name that place first (createStorage). Then ';
  return {
    kind: DriftRemedyKind.IMPORT,
    message: `${reachable ? '' : first}${call} records it: it can be restored from. Its data are never deleted by Stateward while its _metadata was not read.`,
  };
}

export const forgetImport: DriftRemedy = {
  kind: DriftRemedyKind.FORGET,
  message:
    'If it is to stay where it is and not be listed, import it and end that record again (deleteSavepoint): its data are not touched.',
};

export const forgetLeftover = (savepointId: string, attempt: number): DriftRemedy => ({
  kind: DriftRemedyKind.FORGET,
  message: `When it has been dealt with, or is to stay: forgetLeftover(savepointId: ${given(savepointId)}, attempt: ${attempt}, reason: …). It is not listed any more.`,
});

export const adoptLate = (savepointId: string, attempt: number, sought: boolean): DriftRemedy => ({
  kind: DriftRemedyKind.ADOPT_LATE,
  message:
    `adoptLeftover(savepointId: ${given(savepointId)}, attempt: ${attempt}) makes the savepoint COMPLETED: then it can be restored from, or deleted with its data (deleteSavepoint). ` +
    (sought ? 'Stateward looks for it by itself, too, at least once an hour for a day after it failed.' : ''),
});

export const byHand = (location: string): DriftRemedy => ({
  kind: DriftRemedyKind.BY_HAND,
  message: `When nothing needs it, whoever owns the storage removes ${location}. Stateward does not: without a record, or without _metadata, Flink and Stateward cannot tell what belongs to it.`,
});

/** What lies below the directory of an attempt. */
export interface LeftWords {
  savepointId: string;
  attempt: number;
  outcome: string;
  /** The savepoint has its data elsewhere. */
  becameAnother: boolean;
  location: string;
  storageId: string;
  reachable: boolean;
  files: number;
  bytes: number | null;
  cutShort: boolean;
  /** Whole savepoints. */
  snapshots: readonly string[];
  /** Flink's history tells of it; the storage cannot be read. */
  told: boolean;
  /** Runs that were started from what lies there. */
  usedBy: readonly string[];
  adoptable: boolean;
  sought: boolean;
}

export function leftMessage(words: LeftWords): string {
  const { savepointId, attempt, outcome, becameAnother, location, files, bytes, cutShort, snapshots, told, usedBy } =
    words;
  const { adoptable, sought } = words;
  const how =
    outcome === 'COMPLETED'
      ? `Below the directory of savepoint ${savepointId} lies more than what is recorded`
      : `Attempt ${attempt} of savepoint ${savepointId} ended as ${outcome}${becameAnother ? ', and another one became the savepoint' : ''}`;
  const amount = `${cutShort ? 'more than ' : ''}${files} ${files === 1 ? 'file' : 'files'} (${cutShort ? 'over ' : ''}${inWordsBytes(bytes)})`;
  const there = told
    ? `Flink's history shows a completed savepoint (${inWordsBytes(bytes)}) at ${location}; whether it is still there cannot be seen from here`
    : `${amount} ${files === 1 ? 'lies' : 'lie'} at ${location}`;
  const what =
    snapshots.length === 0
      ? 'No _metadata is among them, so this is no savepoint, and nothing can be started from it.'
      : snapshots.length === 1
        ? 'It is a whole savepoint of which there is no record.'
        : `There are ${snapshots.length} whole savepoints of which there is no record.`;
  const waits =
    sought && !adoptable
      ? ' Its last attempt is still looked for, for a day after it failed: until then it cannot be imported.'
      : '';
  const used = usedBy.length > 0 ? ` Do not remove it: ${usedBy.join(' and ')} was started from it.` : '';
  return `${how}. ${there}. ${what}${waits}${used}`;
}

export function leftRemedies(words: LeftWords): DriftRemedy[] {
  const { savepointId, attempt, location, storageId, reachable, snapshots, usedBy, adoptable, sought } = words;
  const remedies: DriftRemedy[] = [];
  if (snapshots.length > 0 && adoptable) remedies.push(adoptLate(savepointId, attempt, sought));
  // Whatever lies below the directory of one that is still looked for is taken for that one.
  else if (!sought)
    for (const one of snapshots.slice(0, NAMED_AT_MOST)) remedies.push(importOf(one, storageId, reachable));
  if (usedBy.length === 0 && !sought) remedies.push(byHand(location));
  return [...remedies, forgetLeftover(savepointId, attempt)];
}

export const unseenMessage = (savepointId: string, attempt: number, location: string, why: string): string =>
  `What attempt ${attempt} of savepoint ${savepointId} has left at ${location} cannot be seen: ${why}`;

export function twoRecordsRemedies(
  imports: readonly string[],
  { certain, storageIds }: { certain: boolean; storageIds: readonly [string, string] },
): DriftRemedy[] {
  const [one] = imports;
  const remedies: DriftRemedy[] = [];
  if (one !== undefined)
    remedies.push({
      kind: DriftRemedyKind.END_RECORD,
      message: `${certain ? '' : 'If it is one place: '}deleteSavepoint(savepointId: ${given(one)}) ends the record of the imported one, without alsoData: its data are those of the other, and stay.`,
    });
  if (!certain)
    remedies.push({
      kind: DriftRemedyKind.MERGE_STORAGES,
      message: `If it is one place, say so once one record has ended: mergeStorages(keep: ${given(storageIds[0])}, into: [${given(storageIds[1])}]).`,
    });
  return remedies;
}

export const remediesWithoutData = (id: string, location: string | null, imported: boolean): DriftRemedy[] => [
  {
    kind: DriftRemedyKind.BRING_BACK,
    message: `Bring the data back to ${location ?? 'their place'}, if they lie elsewhere; then recheckSavepoint(savepointId: ${given(id)}).`,
  },
  {
    kind: DriftRemedyKind.END_RECORD,
    message: imported
      ? `deleteSavepoint(savepointId: ${given(id)}) ends its record.`
      : `deleteSavepoint(savepointId: ${given(id)}) ends it as DELETED where nothing of it is left, and deletes the rest where something is.`,
  },
];

export const remediesOfDeletion = (id: string, location: string | null): DriftRemedy[] => [
  {
    kind: DriftRemedyKind.RETRY_DELETION,
    message: `When the cause is gone, retryDeletion(savepointId: ${given(id)}) tries at once; it is tried again by itself, too.`,
  },
  ...(location === null ? [] : [byHand(location)]),
  {
    kind: DriftRemedyKind.FORGET,
    message: `forgetSavepoint(savepointId: ${given(id)}) gives it up: it is DELETED with proof NONE, and what may be left stays in this report.`,
  },
];
