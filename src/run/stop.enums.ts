import { registerEnumType } from 'type-graphql';

export enum StopMode {
  WITH_SAVEPOINT = 'WITH_SAVEPOINT',
  WITH_DRAIN = 'WITH_DRAIN',
  WITHOUT_SAVEPOINT = 'WITHOUT_SAVEPOINT',
}
registerEnumType(StopMode, {
  name: 'StopMode',
  description: 'How a deployment is stopped.',
  valuesConfig: {
    WITH_SAVEPOINT: { description: 'Flink makes a savepoint and ends the job with it: nothing is processed twice.' },
    WITH_DRAIN: {
      description:
        'As WITH_SAVEPOINT, and the job is told before that its data are at an end: windows fire, sources are finished. Not meant to be gone on from.',
    },
    WITHOUT_SAVEPOINT: {
      description: 'Flink cancels the job. What it has done since its newest checkpoint is done again by the next run.',
    },
  },
});

export enum StopState {
  WAITING = 'WAITING',
  IN_PROGRESS = 'IN_PROGRESS',
  COMPLETED = 'COMPLETED',
  FAILED = 'FAILED',
}
registerEnumType(StopState, {
  name: 'StopState',
  description: 'Where a stop stands. COMPLETED and FAILED are the ends.',
  valuesConfig: {
    WAITING: { description: 'Accepted and durable; a savepoint that runs is waited for.' },
    IN_PROGRESS: { description: 'Flink has been or is being asked.' },
    COMPLETED: { description: 'The job has ended as it was asked to.' },
    FAILED: { description: 'It has not ended as it was asked to; outcome says what became of the job, failure why.' },
  },
});

export enum StopOutcome {
  STOPPED = 'STOPPED',
  STILL_RUNNING = 'STILL_RUNNING',
  RESTARTED = 'RESTARTED',
  CANCELLED_INSTEAD = 'CANCELLED_INSTEAD',
  JOB_FAILED = 'JOB_FAILED',
}
registerEnumType(StopOutcome, {
  name: 'StopOutcome',
  description: 'What became of the job.',
  valuesConfig: {
    STOPPED: { description: 'It has ended.' },
    STILL_RUNNING: { description: 'It runs on as before.' },
    RESTARTED: { description: 'Flink has restarted it from its newest checkpoint, and it runs on.' },
    CANCELLED_INSTEAD: { description: 'It was cancelled: by onFailure, by a later stop, or by somebody else.' },
    JOB_FAILED: { description: 'It has ended as FAILED.' },
  },
});

export enum StopFailureCode {
  SAVEPOINT_FAILED = 'SAVEPOINT_FAILED',
  STOP_FAILED_AFTER = 'STOP_FAILED_AFTER',
  JOB_RUNS_ON = 'JOB_RUNS_ON',
  STATE_WOULD_BE_LOST = 'STATE_WOULD_BE_LOST',
  JOB_ENDED = 'JOB_ENDED',
  SUPERSEDED = 'SUPERSEDED',
  NOT_FOLLOWED = 'NOT_FOLLOWED',
}
registerEnumType(StopFailureCode, {
  name: 'StopFailureCode',
  description: 'Why a stop FAILED. docs/errors.md tells what to do about each.',
  valuesConfig: {
    SAVEPOINT_FAILED: { description: 'Its savepoint was not made; the failure of the savepoint says why.' },
    STOP_FAILED_AFTER: {
      description: 'Its savepoint is whole, and the job failed or was cancelled before it had ended.',
    },
    JOB_RUNS_ON: {
      description: 'Its savepoint is whole, and another JobManager has recovered the job, which runs on.',
    },
    STATE_WOULD_BE_LOST: { description: 'Right before the cancel it was seen that state would be lost by it.' },
    JOB_ENDED: { description: 'The job ended by itself, failed, or was cancelled by somebody else meanwhile.' },
    SUPERSEDED: { description: 'A later stop WITHOUT_SAVEPOINT took its place.' },
    NOT_FOLLOWED: { description: 'Stateward could not follow it; the message says why.' },
  },
});

export enum WhenSavepointRuns {
  WAIT = 'WAIT',
  ABORT = 'ABORT',
}
registerEnumType(WhenSavepointRuns, {
  name: 'WhenSavepointRuns',
  description: 'What a stop does about a savepoint that is in progress; Flink would abort it.',
  valuesConfig: {
    WAIT: { description: 'Waits for its end.' },
    ABORT: { description: 'Does not wait: that savepoint ends as FAILED, ABORTED_BY_STOP.' },
  },
});

export enum OnFailureAction {
  LEAVE = 'LEAVE',
  CANCEL_IF_CHECKPOINT_YOUNGER_THAN = 'CANCEL_IF_CHECKPOINT_YOUNGER_THAN',
}
registerEnumType(OnFailureAction, {
  name: 'OnFailureAction',
  description: 'What is done when the savepoint of a stop fails and the job runs on.',
  valuesConfig: {
    LEAVE: { description: 'The job runs on.' },
    CANCEL_IF_CHECKPOINT_YOUNGER_THAN: {
      description: 'It is cancelled if its newest completed checkpoint is young enough and outlives that.',
    },
  },
});
