import { registerEnumType } from 'type-graphql';

export enum DriftKind {
  UNKNOWN_SAVEPOINT = 'UNKNOWN_SAVEPOINT',
  MISSING_DATA = 'MISSING_DATA',
  TWO_RECORDS = 'TWO_RECORDS',
  LEFTOVER = 'LEFTOVER',
  FORGOTTEN = 'FORGOTTEN',
  DELETION_FAILED = 'DELETION_FAILED',
}
registerEnumType(DriftKind, {
  name: 'DriftKind',
  description: 'In what way the record and what lies in a storage differ.',
  valuesConfig: {
    UNKNOWN_SAVEPOINT: {
      description:
        "A completed savepoint in Flink's history that somebody else triggered, and of which there is no record.",
    },
    MISSING_DATA: { description: 'A savepoint of ours whose data are not where they should be, or not whole.' },
    TWO_RECORDS: {
      description:
        'Two savepoints are recorded at what is, or by its text may be, one place; or more than one savepoint lies below the directory of one attempt.',
    },
    LEFTOVER: {
      description:
        'Below the directory of an attempt that failed, or that another one took the place of, something lies.',
    },
    FORGOTTEN: {
      description: 'The deletion of a savepoint was given up (forgetSavepoint): its data may be left.',
    },
    DELETION_FAILED: { description: 'A savepoint could not be deleted; it is tried again.' },
  },
});

export enum DriftRemedyKind {
  IMPORT = 'IMPORT',
  ADOPT_LATE = 'ADOPT_LATE',
  BRING_BACK = 'BRING_BACK',
  END_RECORD = 'END_RECORD',
  MERGE_STORAGES = 'MERGE_STORAGES',
  RETRY_DELETION = 'RETRY_DELETION',
  FORGET = 'FORGET',
  BY_HAND = 'BY_HAND',
}
registerEnumType(DriftRemedyKind, {
  name: 'DriftRemedyKind',
  description: 'What can be done about an entry of the drift report.',
  valuesConfig: {
    IMPORT: { description: 'importSavepoint records it: it can be restored from.' },
    ADOPT_LATE: {
      description:
        'adoptLeftover makes the FAILED savepoint COMPLETED: what was asked for is there. Then it can be restored from, or deleted with its data.',
    },
    BRING_BACK: { description: 'Bring the data back, then recheckSavepoint.' },
    END_RECORD: { description: 'deleteSavepoint ends the record of what is not there, or is recorded twice.' },
    MERGE_STORAGES: { description: 'mergeStorages says that two storages are one place.' },
    RETRY_DELETION: { description: 'retryDeletion tries at once.' },
    FORGET: { description: 'It has been dealt with, or stays as it is: it is not listed any more.' },
    BY_HAND: {
      description:
        'Whoever owns the storage removes it: Stateward deletes only what Flink can, and what is proven to be its own.',
    },
  },
});
