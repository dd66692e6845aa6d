import { registerEnumType } from 'type-graphql';

export enum SavepointOrigin {
  MANUAL = 'MANUAL',
  STOP = 'STOP',
  SCHEDULED = 'SCHEDULED',
  IMPORTED = 'IMPORTED',
}
registerEnumType(SavepointOrigin, {
  name: 'SavepointOrigin',
  description: 'Why a savepoint exists.',
  valuesConfig: {
    MANUAL: { description: 'Asked for with createSavepoint.' },
    STOP: { description: 'Made when its deployment was stopped.' },
    SCHEDULED: { description: "Made by its deployment's schedule." },
    IMPORTED: { description: 'Made outside Stateward, and recorded afterwards.' },
  },
});

export enum SavepointState {
  PENDING = 'PENDING',
  IN_PROGRESS = 'IN_PROGRESS',
  COMPLETED = 'COMPLETED',
  FAILED = 'FAILED',
  DELETING = 'DELETING',
  DELETED = 'DELETED',
  DELETION_FAILED = 'DELETION_FAILED',
}
registerEnumType(SavepointState, {
  name: 'SavepointState',
  description: 'Where a savepoint stands. Only a COMPLETED one can be restored from.',
  valuesConfig: {
    PENDING: {
      description:
        "Accepted and durable, not yet sent: it waits for the cluster's budget, or for the cluster or the job to come back.",
    },
    IN_PROGRESS: { description: 'The attempt is stored; Flink has been or is being asked.' },
    COMPLETED: { description: 'It can be restored from.' },
    FAILED: { description: 'There is no savepoint; failure says why.' },
    DELETING: { description: 'It is being deleted and cannot be restored from.' },
    DELETED: { description: 'Proven gone; the record stays as history.' },
    DELETION_FAILED: { description: 'It could not be deleted; the reason and what is left are shown.' },
  },
});

export enum SavepointFailureCode {
  TASKS_NOT_RUNNING = 'TASKS_NOT_RUNNING',
  ABORTED = 'ABORTED',
  STORAGE_ERROR = 'STORAGE_ERROR',
  EXPIRED = 'EXPIRED',
  RESULT_LOST = 'RESULT_LOST',
  FLINK_ERROR = 'FLINK_ERROR',
  JOB_ENDED = 'JOB_ENDED',
  ABORTED_BY_STOP = 'ABORTED_BY_STOP',
  OVERTAKEN = 'OVERTAKEN',
  WITHDRAWN_BY_STOP = 'WITHDRAWN_BY_STOP',
  ABANDONED = 'ABANDONED',
}
registerEnumType(SavepointFailureCode, {
  name: 'SavepointFailureCode',
  description: 'Why a savepoint FAILED. docs/errors.md tells what to do about each.',
  valuesConfig: {
    TASKS_NOT_RUNNING: { description: 'Flink declined it because not every task was running.' },
    ABORTED: { description: 'A task failed, the job was cancelled, or a TaskManager was lost while it was made.' },
    STORAGE_ERROR: { description: 'Flink could not write to the storage.' },
    EXPIRED: { description: 'It took longer than the checkpoint timeout of the job.' },
    RESULT_LOST: {
      description:
        'Flink forgot the trigger id and nothing of it was found. Should it show up later, it becomes COMPLETED.',
    },
    FLINK_ERROR: { description: 'Flink answered with another error; rootCause says which.' },
    JOB_ENDED: { description: 'The job had ended.' },
    ABORTED_BY_STOP: { description: 'A stop of the job ended it.' },
    OVERTAKEN: { description: 'A manual request took the place of a scheduled one that still waited.' },
    WITHDRAWN_BY_STOP: { description: 'It still waited when a stop was accepted.' },
    ABANDONED: { description: 'A person gave it up. Should it show up later, it becomes COMPLETED.' },
  },
});

export enum DataState {
  NOT_CHECKED = 'NOT_CHECKED',
  PRESENT = 'PRESENT',
  MISSING = 'MISSING',
  DAMAGED = 'DAMAGED',
}
registerEnumType(DataState, {
  name: 'DataState',
  description: 'Whether the data of a savepoint were seen in their storage.',
  valuesConfig: {
    NOT_CHECKED: {
      description:
        'Not looked for yet, the storage cannot be read by Stateward, or _metadata is of a version that is not known here, or begins as none does and was never read otherwise, as where it is encrypted on its way; it says nothing about the data.',
    },
    PRESENT: {
      description:
        'Its _metadata file, which Flink writes last, was seen and, where fingerprint says so, read: all files that it points to are there, as far as they can be looked at.',
    },
    MISSING: {
      description: 'Its _metadata file is not in a storage that is PROVEN readable, in which what lay above it is.',
    },
    DAMAGED: {
      description:
        'Its _metadata cannot be read, or files that it points to are gone or of another size: not restored from.',
    },
  },
});

export enum DetailsState {
  NOT_YET_REPORTED = 'NOT_YET_REPORTED',
  REPORTED = 'REPORTED',
  NEVER_REPORTED = 'NEVER_REPORTED',
}
registerEnumType(DetailsState, {
  name: 'DetailsState',
  description: "Whether Flink's statistics have told the numbers of a completed savepoint.",
  valuesConfig: {
    NOT_YET_REPORTED: { description: "Flink's statistics lag up to some seconds behind." },
    REPORTED: { description: 'Checkpoint id, trigger time, size and duration are known.' },
    NEVER_REPORTED: { description: "The job's statistics were gone before they told." },
  },
});

export enum DeletionProof {
  EMPTY = 'EMPTY',
  FLINK_CONFIRMED = 'FLINK_CONFIRMED',
  RECORD_ONLY = 'RECORD_ONLY',
  NONE = 'NONE',
}
registerEnumType(DeletionProof, {
  name: 'DeletionProof',
  description: 'How a DELETED savepoint, or what an ended run had left, is known to be gone.',
  valuesConfig: {
    EMPTY: { description: 'Its storage was looked into: nothing is left in its directory.' },
    FLINK_CONFIRMED: {
      description: 'Its storage cannot be looked into; Flink ended the disposal without a failure.',
    },
    RECORD_ONLY: { description: 'An imported one: its record ended, and its data were not touched.' },
    NONE: { description: 'A person gave it up (forgetSavepoint): data may be left.' },
  },
});

export enum NoProgressReason {
  NOT_YET_REPORTED = 'NOT_YET_REPORTED',
  SEVERAL_IN_PROGRESS = 'SEVERAL_IN_PROGRESS',
  NOT_OURS = 'NOT_OURS',
}
registerEnumType(NoProgressReason, {
  name: 'NoProgressReason',
  description:
    'Why there are no numbers: an entry in progress carries no path, so it is only shown where it can be nobody else’s.',
  valuesConfig: {
    NOT_YET_REPORTED: { description: 'Flink does not show it yet.' },
    SEVERAL_IN_PROGRESS: { description: 'Several savepoints are in progress there and cannot be told apart.' },
    NOT_OURS: { description: 'The one in progress began before ours was asked for.' },
  },
});
