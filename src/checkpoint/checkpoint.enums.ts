import { registerEnumType } from 'type-graphql';

export enum CheckpointState {
  IN_PROGRESS = 'IN_PROGRESS',
  COMPLETED = 'COMPLETED',
  FAILED = 'FAILED',
}
registerEnumType(CheckpointState, {
  name: 'CheckpointState',
  description: 'Where a checkpoint stood when Flink last told of it.',
  valuesConfig: {
    IN_PROGRESS: { description: 'Flink was making it.' },
    COMPLETED: { description: 'Every subtask has acknowledged it. It may have been deleted since: see discarded.' },
    FAILED: { description: 'There is none; failureMessage says why.' },
  },
});

export enum SnapshotOwner {
  FLINK = 'FLINK',
  STATEWARD = 'STATEWARD',
  OTHER = 'OTHER',
  NOBODY = 'NOBODY',
}
registerEnumType(SnapshotOwner, {
  name: 'SnapshotOwner',
  description: 'Who decides how long a snapshot stays.',
  valuesConfig: {
    FLINK: { description: 'A checkpoint: Flink makes and deletes it by itself.' },
    STATEWARD: { description: 'A savepoint that was asked for here, or was imported.' },
    OTHER: {
      description:
        'Somebody else triggered it; an import of it becomes STATEWARD. Also an imported reference to a checkpoint.',
    },
    NOBODY: {
      description:
        'Left behind: a checkpoint that an ended run retained. Flink has forgotten it, and no later run deletes it.',
    },
  },
});

export enum RestoreObstacle {
  NOT_COMPLETED = 'NOT_COMPLETED',
  SNAPSHOT_FAILED = 'SNAPSHOT_FAILED',
  DISCARDED = 'DISCARDED',
  NOT_ADDRESSABLE = 'NOT_ADDRESSABLE',
  CHECKPOINT_OF_LIVE_JOB = 'CHECKPOINT_OF_LIVE_JOB',
  END_NOT_READ_YET = 'END_NOT_READ_YET',
  NOT_RETAINED = 'NOT_RETAINED',
  DATA_MISSING = 'DATA_MISSING',
  DATA_DAMAGED = 'DATA_DAMAGED',
  BEING_DELETED = 'BEING_DELETED',
  DELETED = 'DELETED',
  DRAINED = 'DRAINED',
}
registerEnumType(RestoreObstacle, {
  name: 'RestoreObstacle',
  description: 'Why a snapshot cannot be restored from.',
  valuesConfig: {
    NOT_COMPLETED: { description: 'It is not complete yet.' },
    SNAPSHOT_FAILED: { description: 'It failed: there is nothing to restore from.' },
    DISCARDED: { description: 'Flink has deleted its data.' },
    NOT_ADDRESSABLE: { description: 'It has no location: it lay in the memory of the JobManager.' },
    CHECKPOINT_OF_LIVE_JOB: {
      description: 'Its job is live, and Flink may delete it at any moment. Take a savepoint.',
    },
    END_NOT_READ_YET: { description: 'Its run has just ended; what was left behind is not read yet.' },
    NOT_RETAINED: { description: 'It is not among the checkpoints that its run left behind.' },
    DATA_MISSING: { description: 'Its data are not in its storage.' },
    DATA_DAMAGED: { description: 'Its _metadata cannot be read, or files of it are gone or of another size.' },
    BEING_DELETED: { description: 'It is being deleted, or a deletion has failed: parts of it may be gone.' },
    DELETED: { description: 'It was deleted.' },
    DRAINED: {
      description: 'It was made by a stop with drain: restoring from it must be asked for with acceptDrained: true.',
    },
  },
});

export enum DeletionObstacle {
  UNDER_WAY = 'UNDER_WAY',
  NOTHING_THERE = 'NOTHING_THERE',
  OWNED_BY_FLINK = 'OWNED_BY_FLINK',
  OWNED_BY_NOBODY = 'OWNED_BY_NOBODY',
  OWNED_BY_OTHERS = 'OWNED_BY_OTHERS',
  NOT_VERIFIED = 'NOT_VERIFIED',
  BEING_DELETED = 'BEING_DELETED',
  NOT_CONTAINED = 'NOT_CONTAINED',
  PROTECTED = 'PROTECTED',
}
registerEnumType(DeletionObstacle, {
  name: 'DeletionObstacle',
  description: 'Why a snapshot cannot be deleted here.',
  valuesConfig: {
    UNDER_WAY: { description: 'It is not complete yet.' },
    NOTHING_THERE: { description: 'It failed or is gone: there is nothing to delete.' },
    OWNED_BY_FLINK: { description: 'Flink deletes its checkpoints by itself.' },
    OWNED_BY_NOBODY: {
      description:
        'A checkpoint left behind may share files with others: no request deletes it. A retention policy may dispose of all that one run has left (leftBehind).',
    },
    OWNED_BY_OTHERS: { description: 'Somebody else made it, and decides about it.' },
    NOT_VERIFIED: {
      description: 'Imported without having read its _metadata: its data are never deleted by Stateward.',
    },
    BEING_DELETED: { description: 'Its deletion was asked for already.' },
    NOT_CONTAINED: { description: 'It lies elsewhere than in the directory that Flink was asked to write it into.' },
    PROTECTED: { description: 'Something needs it; protections says what.' },
  },
});

export enum GapReason {
  COUNTED_MORE = 'COUNTED_MORE',
  ID_MISSING = 'ID_MISSING',
  JOBMANAGER_CHANGED = 'JOBMANAGER_CHANGED',
}
registerEnumType(GapReason, {
  name: 'GapReason',
  description: 'How it is known that something of the history is missing.',
  valuesConfig: {
    COUNTED_MORE: { description: 'Flink counted more completed ones than are recorded.' },
    ID_MISSING: { description: 'Ids are missing below the newest one.' },
    JOBMANAGER_CHANGED: {
      description: 'The JobManager was restarted between two looks, and its statistics began anew.',
    },
  },
});
