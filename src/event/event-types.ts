import { registerEnumType } from 'type-graphql';

/** What may happen. Closed: a client may switch over it. */
export enum EventType {
  CLUSTER_REGISTERED = 'CLUSTER_REGISTERED',
  CLUSTER_REACHABLE = 'CLUSTER_REACHABLE',
  CLUSTER_UNREACHABLE = 'CLUSTER_UNREACHABLE',
  CLUSTER_CHANGED = 'CLUSTER_CHANGED',
  JOBMANAGER_CHANGED = 'JOBMANAGER_CHANGED',
  STORAGE_PROVEN_READABLE = 'STORAGE_PROVEN_READABLE',
  STORAGE_NOT_THE_SAME = 'STORAGE_NOT_THE_SAME',
  DEPLOYMENT_CREATED = 'DEPLOYMENT_CREATED',
  START_REQUESTED = 'START_REQUESTED',
  JOB_SUBMITTED = 'JOB_SUBMITTED',
  JOB_STARTED = 'JOB_STARTED',
  JOB_RESTARTING = 'JOB_RESTARTING',
  JOB_RUNNING_AGAIN = 'JOB_RUNNING_AGAIN',
  JOB_STOPPING = 'JOB_STOPPING',
  JOB_ENDED = 'JOB_ENDED',
  JOB_FAILED = 'JOB_FAILED',
  UNEXPECTED_RUN = 'UNEXPECTED_RUN',
  SAVEPOINT_REQUESTED = 'SAVEPOINT_REQUESTED',
  SAVEPOINT_IN_PROGRESS = 'SAVEPOINT_IN_PROGRESS',
  SAVEPOINT_NEW_ATTEMPT = 'SAVEPOINT_NEW_ATTEMPT',
  SAVEPOINT_RESULT_SOUGHT = 'SAVEPOINT_RESULT_SOUGHT',
  SAVEPOINT_COMPLETED = 'SAVEPOINT_COMPLETED',
  SAVEPOINT_DETAILS = 'SAVEPOINT_DETAILS',
  SAVEPOINT_FAILED = 'SAVEPOINT_FAILED',
  SAVEPOINT_FOUND_LATE = 'SAVEPOINT_FOUND_LATE',
  SAVEPOINT_DATA_MISSING = 'SAVEPOINT_DATA_MISSING',
  SAVEPOINT_MADE_TWICE = 'SAVEPOINT_MADE_TWICE',
  UNEXPECTED_LOCATION = 'UNEXPECTED_LOCATION',
}
registerEnumType(EventType, {
  name: 'EventType',
  description: 'What happened. Closed: a client may switch over it.',
  valuesConfig: {
    CLUSTER_REGISTERED: { description: 'A cluster was registered, seen or (force) unseen.' },
    CLUSTER_REACHABLE: { description: 'A cluster answers again, or for the first time, with what is recorded of it.' },
    CLUSTER_UNREACHABLE: { description: 'A cluster does not answer; what runs there keeps its last known state.' },
    CLUSTER_CHANGED: {
      description:
        'A cluster answers with other storage roots or another high-availability id; nothing is started or triggered there.',
    },
    JOBMANAGER_CHANGED: {
      description: 'A cluster has a new JobManager process; what the old one held in memory is gone.',
    },
    STORAGE_PROVEN_READABLE: {
      description: 'A savepoint of Flink was seen in a storage: Stateward reads the same place.',
    },
    STORAGE_NOT_THE_SAME: {
      description: 'A savepoint just completed was not where Stateward reads: that folder is not looked at any more.',
    },
    DEPLOYMENT_CREATED: { description: 'A deployment was created; no cluster was touched.' },
    START_REQUESTED: { description: 'A start was accepted; its run is not submitted yet.' },
    JOB_SUBMITTED: { description: 'Flink took the submission of a run.' },
    JOB_STARTED: { description: 'Every task of a run is RUNNING or FINISHED for the first time.' },
    JOB_RESTARTING: { description: 'Flink is recovering a run.' },
    JOB_RUNNING_AGAIN: { description: 'Every task of a run that had started is RUNNING or FINISHED again.' },
    JOB_STOPPING: { description: 'A run is being cancelled in Flink.' },
    JOB_ENDED: { description: 'A run was cancelled or has finished.' },
    JOB_FAILED: { description: 'A run was not taken by Flink, failed or was lost; the message says why.' },
    UNEXPECTED_RUN: {
      description:
        'Comes with a later version: Flink runs a submission that had been given up, beside the current run.',
    },
    SAVEPOINT_REQUESTED: { description: 'A savepoint was accepted.' },
    SAVEPOINT_IN_PROGRESS: { description: 'The turn of a savepoint has come: Flink is asked for it.' },
    SAVEPOINT_NEW_ATTEMPT: {
      description: 'The JobManager was restarted before a savepoint was sent: it goes with a new trigger id.',
    },
    SAVEPOINT_RESULT_SOUGHT: {
      description: "Flink forgot the trigger id: the result is looked for in the job's statistics and in the storage.",
    },
    SAVEPOINT_COMPLETED: { description: 'A savepoint is complete and can be restored from.' },
    SAVEPOINT_DETAILS: { description: 'Checkpoint id, size and duration of a completed savepoint are known.' },
    SAVEPOINT_FAILED: { description: 'A savepoint ended as FAILED; the message says why.' },
    SAVEPOINT_FOUND_LATE: {
      description: 'A savepoint that had ended as RESULT_LOST or ABANDONED has shown up; it becomes COMPLETED.',
    },
    SAVEPOINT_DATA_MISSING: {
      description: 'A savepoint is complete by the word of Flink, and its data are not in the storage.',
    },
    SAVEPOINT_MADE_TWICE: {
      description:
        'More than one savepoint lies below the directory of one attempt; the message names those to be removed by hand.',
    },
    UNEXPECTED_LOCATION: {
      description: 'A savepoint lies elsewhere than it was asked into; it is recorded where it is.',
    },
  },
});
