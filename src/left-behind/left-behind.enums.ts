import { registerEnumType } from 'type-graphql';

export enum LeftBehindKeptBecause {
  RUNS_AGAIN = 'RUNS_AGAIN',
  SAME_JOB_ID = 'SAME_JOB_ID',
  END_NOT_READ = 'END_NOT_READ',
  END_UNSEEN = 'END_UNSEEN',
  START_UNDER_WAY = 'START_UNDER_WAY',
  SOURCE_OF_LIVE_RUN = 'SOURCE_OF_LIVE_RUN',
  CLAIM_MODE_UNKNOWN = 'CLAIM_MODE_UNKNOWN',
  SOURCE_UNSEEN = 'SOURCE_UNSEEN',
  LATEST_STATE = 'LATEST_STATE',
  LAST_STATE = 'LAST_STATE',
  RECORDED = 'RECORDED',
  NO_LATER_RUN = 'NO_LATER_RUN',
  TOO_SOON = 'TOO_SOON',
  NOT_CONTAINED = 'NOT_CONTAINED',
  NOT_READ = 'NOT_READ',
  NOT_RECORDED_BESIDE = 'NOT_RECORDED_BESIDE',
  FILES_ELSEWHERE = 'FILES_ELSEWHERE',
  SHARED_FILES = 'SHARED_FILES',
  CLEANING_WAITS = 'CLEANING_WAITS',
  POLICY = 'POLICY',
}
registerEnumType(LeftBehindKeptBecause, {
  name: 'LeftBehindKeptBecause',
  description: 'Why the checkpoints that an ended run left behind are kept.',
  valuesConfig: {
    RUNS_AGAIN: { description: 'Flink runs a job with the id of that run again.' },
    SAME_JOB_ID: { description: 'Another run has the same job id, so that a path does not tell whose it is.' },
    END_NOT_READ: { description: 'What the run left is being read, or the record of that may not be whole.' },
    END_UNSEEN: {
      description:
        'The run was given up with its cluster and may go on there; or it ended unseen, and its directory was not read.',
    },
    START_UNDER_WAY: { description: 'A start from one of them is under way.' },
    SOURCE_OF_LIVE_RUN: {
      description:
        'A live run would go back to one of them at a failure, or one that was given up before its first checkpoint, and may go on.',
    },
    CLAIM_MODE_UNKNOWN: {
      description: 'Somebody else has started a run from one of them, in a mode that Flink does not tell.',
    },
    SOURCE_UNSEEN: { description: 'A live run was adopted that may have been started from one of them.' },
    LATEST_STATE: { description: 'LATEST_STATE would start a stopped deployment from one of them.' },
    LAST_STATE: { description: 'Nothing else is left that the stopped deployment could be started from.' },
    RECORDED: { description: 'One of them was imported. End that record first (deleteSavepoint).' },
    NO_LATER_RUN: { description: 'No later run of the deployment has completed a checkpoint.' },
    TOO_SOON: { description: 'A later run has completed its first checkpoint, less than 24 h ago.' },
    NOT_CONTAINED: {
      description: 'They do not lie in a directory of their run alone, below a root of one storage, by a plain path.',
    },
    NOT_READ: { description: 'The _metadata of one of them was not read; the message says why.' },
    NOT_RECORDED_BESIDE: { description: 'Checkpoints lie beside them that are not recorded, and may share files.' },
    FILES_ELSEWHERE: { description: "One of them uses files outside of its run's directory." },
    SHARED_FILES: { description: 'A snapshot that is kept uses, or may use, files of theirs.' },
    CLEANING_WAITS: { description: 'They would go if cleaning did not wait.' },
    POLICY: { description: 'The policy keeps what ended runs leave behind (leftBehind: KEEP).' },
  },
});
