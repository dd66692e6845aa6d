import { registerEnumType } from 'type-graphql';

/** What may happen. Closed: a client may switch over it. */
export enum EventType {
  CLUSTER_REGISTERED = 'CLUSTER_REGISTERED',
  CLUSTER_UPDATED = 'CLUSTER_UPDATED',
  CLUSTER_CONFIRMED = 'CLUSTER_CONFIRMED',
  CLUSTER_REMOVED = 'CLUSTER_REMOVED',
  CLUSTER_REACHABLE = 'CLUSTER_REACHABLE',
  CLUSTER_UNREACHABLE = 'CLUSTER_UNREACHABLE',
  CLUSTER_CHANGED = 'CLUSTER_CHANGED',
  JOBMANAGER_CHANGED = 'JOBMANAGER_CHANGED',
  STORAGE_CREATED = 'STORAGE_CREATED',
  STORAGE_UPDATED = 'STORAGE_UPDATED',
  STORAGES_MERGED = 'STORAGES_MERGED',
  STORAGE_PROVEN_READABLE = 'STORAGE_PROVEN_READABLE',
  STORAGE_NOT_THE_SAME = 'STORAGE_NOT_THE_SAME',
  ARTIFACT_REMOVED = 'ARTIFACT_REMOVED',
  DEPLOYMENT_CREATED = 'DEPLOYMENT_CREATED',
  DEPLOYMENT_UPDATED = 'DEPLOYMENT_UPDATED',
  DEPLOYMENT_DELETED = 'DEPLOYMENT_DELETED',
  START_REQUESTED = 'START_REQUESTED',
  JOB_SUBMITTED = 'JOB_SUBMITTED',
  JOB_STARTED = 'JOB_STARTED',
  JOB_RESTARTING = 'JOB_RESTARTING',
  JOB_RUNNING_AGAIN = 'JOB_RUNNING_AGAIN',
  JOB_STOPPING = 'JOB_STOPPING',
  JOB_ENDED = 'JOB_ENDED',
  JOB_FAILED = 'JOB_FAILED',
  JOB_DECLARED_LOST = 'JOB_DECLARED_LOST',
  UNEXPECTED_RUN = 'UNEXPECTED_RUN',
  JOB_CAME_BACK = 'JOB_CAME_BACK',
  JOB_ADOPTED = 'JOB_ADOPTED',
  AMBIGUOUS_JOB = 'AMBIGUOUS_JOB',
  JOB_UNAMBIGUOUS = 'JOB_UNAMBIGUOUS',
  START_OVERDUE = 'START_OVERDUE',
  CHECKPOINT_FIRST_COMPLETED = 'CHECKPOINT_FIRST_COMPLETED',
  RESTORE_DIFFERS = 'RESTORE_DIFFERS',
  UIDS_NOT_SET = 'UIDS_NOT_SET',
  CHECKPOINT_FAILED = 'CHECKPOINT_FAILED',
  CHECKPOINT_RECOVERED = 'CHECKPOINT_RECOVERED',
  STOP_REQUESTED = 'STOP_REQUESTED',
  STOP_WAITS = 'STOP_WAITS',
  STOP_COMPLETED = 'STOP_COMPLETED',
  STOP_FAILED = 'STOP_FAILED',
  SCHEDULE_SET = 'SCHEDULE_SET',
  SCHEDULE_PAUSED = 'SCHEDULE_PAUSED',
  SCHEDULE_RESUMED = 'SCHEDULE_RESUMED',
  SCHEDULE_REMOVED = 'SCHEDULE_REMOVED',
  SCHEDULE_SET_ASIDE = 'SCHEDULE_SET_ASIDE',
  SCHEDULE_GOES_ON = 'SCHEDULE_GOES_ON',
  SLOT_SKIPPED = 'SLOT_SKIPPED',
  SLOTS_MISSED = 'SLOTS_MISSED',
  SAVEPOINT_REQUESTED = 'SAVEPOINT_REQUESTED',
  SAVEPOINT_IMPORTED = 'SAVEPOINT_IMPORTED',
  SAVEPOINT_IN_PROGRESS = 'SAVEPOINT_IN_PROGRESS',
  SAVEPOINT_NEW_ATTEMPT = 'SAVEPOINT_NEW_ATTEMPT',
  SAVEPOINT_RESULT_SOUGHT = 'SAVEPOINT_RESULT_SOUGHT',
  SAVEPOINT_COMPLETED = 'SAVEPOINT_COMPLETED',
  SAVEPOINT_DETAILS = 'SAVEPOINT_DETAILS',
  SAVEPOINT_TRIES_AGAIN = 'SAVEPOINT_TRIES_AGAIN',
  SAVEPOINT_FAILED = 'SAVEPOINT_FAILED',
  SAVEPOINT_FOUND_LATE = 'SAVEPOINT_FOUND_LATE',
  SAVEPOINT_DATA_MISSING = 'SAVEPOINT_DATA_MISSING',
  SAVEPOINT_DATA_DAMAGED = 'SAVEPOINT_DATA_DAMAGED',
  SAVEPOINT_DATA_FOUND = 'SAVEPOINT_DATA_FOUND',
  SAVEPOINT_MADE_TWICE = 'SAVEPOINT_MADE_TWICE',
  UNEXPECTED_LOCATION = 'UNEXPECTED_LOCATION',
  SAVEPOINT_UPDATED = 'SAVEPOINT_UPDATED',
  DELETION_REQUESTED = 'DELETION_REQUESTED',
  DELETION_WAITS = 'DELETION_WAITS',
  DELETION_FAILED = 'DELETION_FAILED',
  DELETION_TRIES_AGAIN = 'DELETION_TRIES_AGAIN',
  DELETION_FORGOTTEN = 'DELETION_FORGOTTEN',
  SAVEPOINT_DELETED = 'SAVEPOINT_DELETED',
  LEFT_BEHIND_GOES = 'LEFT_BEHIND_GOES',
  LEFT_BEHIND_KEPT = 'LEFT_BEHIND_KEPT',
  LEFT_BEHIND_WAITS = 'LEFT_BEHIND_WAITS',
  LEFT_BEHIND_FAILED = 'LEFT_BEHIND_FAILED',
  LEFT_BEHIND_GONE = 'LEFT_BEHIND_GONE',
  RETENTION_SET = 'RETENTION_SET',
  RETENTION_REMOVED = 'RETENTION_REMOVED',
  LARGE_CLEANUP_WAITING = 'LARGE_CLEANUP_WAITING',
  LARGE_CLEANUP_CONFIRMED = 'LARGE_CLEANUP_CONFIRMED',
  DRIFT_FORGOTTEN = 'DRIFT_FORGOTTEN',
  COMPATIBILITY_CHECKED = 'COMPATIBILITY_CHECKED',
  COMPATIBILITY_CHECK_FAILED = 'COMPATIBILITY_CHECK_FAILED',
}
registerEnumType(EventType, {
  name: 'EventType',
  description: 'What happened. Closed: a client may switch over it.',
  valuesConfig: {
    CLUSTER_REGISTERED: { description: 'A cluster was registered, seen or (force) unseen.' },
    CLUSTER_UPDATED: { description: 'Name, address or savepoint budget of a cluster was changed; it is read anew.' },
    CLUSTER_CONFIRMED: {
      description: 'A person said of a CHANGED cluster that it is the same one, or that another has taken its place.',
    },
    CLUSTER_REMOVED: { description: 'A cluster was removed: it is not asked any more, and its history stays.' },
    CLUSTER_REACHABLE: { description: 'A cluster answers again, or for the first time, with what is recorded of it.' },
    CLUSTER_UNREACHABLE: { description: 'A cluster does not answer; what runs there keeps its last known state.' },
    CLUSTER_CHANGED: {
      description:
        'A cluster answers with other storage roots or another high-availability id; nothing is started or triggered there.',
    },
    JOBMANAGER_CHANGED: {
      description: 'A cluster has a new JobManager process; what the old one held in memory is gone.',
    },
    STORAGE_CREATED: { description: 'A person named a place for state that no configuration of a cluster names.' },
    STORAGE_UPDATED: { description: 'The name of a storage, a root of it, or where it is read was changed.' },
    STORAGES_MERGED: { description: 'A person said that several storages are one place.' },
    STORAGE_PROVEN_READABLE: {
      description: 'A savepoint or checkpoint of Flink was seen in a storage: Stateward reads the same place.',
    },
    STORAGE_NOT_THE_SAME: {
      description: 'A savepoint just completed was not where Stateward reads: that folder is not looked at any more.',
    },
    ARTIFACT_REMOVED: { description: 'A jar was removed; runs that were made from it stay as history.' },
    DEPLOYMENT_CREATED: { description: 'A deployment was created; no cluster was touched.' },
    DEPLOYMENT_UPDATED: {
      description: 'The definition of a deployment was changed, from its next start on; the message says what.',
    },
    DEPLOYMENT_DELETED: { description: 'A deployment was archived: its history and its savepoints stay.' },
    START_REQUESTED: { description: 'A start was accepted; its run is not submitted yet.' },
    JOB_SUBMITTED: { description: 'Flink took the submission of a run.' },
    JOB_STARTED: { description: 'Every task of a run is RUNNING or FINISHED for the first time.' },
    JOB_RESTARTING: { description: 'Flink is recovering a run.' },
    JOB_RUNNING_AGAIN: { description: 'Every task of a run that had started is RUNNING or FINISHED again.' },
    JOB_STOPPING: { description: 'A run is being cancelled in Flink.' },
    JOB_ENDED: { description: 'A run was cancelled or has finished.' },
    JOB_FAILED: { description: 'A run was not taken by Flink, failed or was lost; the message says why.' },
    JOB_DECLARED_LOST: { description: 'A person declared a run lost while its cluster did not answer.' },
    UNEXPECTED_RUN: {
      description: 'Flink runs the job of an ended run beside the current one; the message names both.',
    },
    JOB_CAME_BACK: { description: 'The job of an ended run is alive in Flink: it is the current run again.' },
    JOB_ADOPTED: { description: 'A job that somebody else started is a run of this deployment now.' },
    AMBIGUOUS_JOB: { description: 'Two jobs answer to the name that a deployment follows: nothing is done to either.' },
    JOB_UNAMBIGUOUS: { description: 'One job at most answers to the name that a deployment follows again.' },
    START_OVERDUE: { description: 'A start has taken longer than the deployment allows; it goes on.' },
    CHECKPOINT_FIRST_COMPLETED: { description: 'The first checkpoint of a run has completed.' },
    RESTORE_DIFFERS: {
      description:
        'By the first snapshot of a run, operators have started empty, or state that it was started from was not taken; the message names them.',
    },
    UIDS_NOT_SET: {
      description: 'Operators with state have no uid: the next change of the job may lose it. Told once for each run.',
    },
    CHECKPOINT_FAILED: {
      description: 'A checkpoint failed after others had completed; told once until one completes again.',
    },
    CHECKPOINT_RECOVERED: { description: 'Checkpoints complete again after some had failed.' },
    STOP_REQUESTED: { description: 'A stop was accepted; the run is STOPPING from now on.' },
    STOP_WAITS: { description: 'A stop waits for a savepoint that is in progress, which it would abort.' },
    STOP_COMPLETED: { description: 'A run has been stopped as it was asked to.' },
    STOP_FAILED: {
      description: 'A stop has not come about as it was asked for; the message says what became of the job, and why.',
    },
    SCHEDULE_SET: { description: 'A deployment got a schedule of savepoints, or another one in the place of its own.' },
    SCHEDULE_PAUSED: { description: 'A schedule was paused: its slots go by until it is resumed.' },
    SCHEDULE_RESUMED: { description: 'A paused schedule was resumed; its slots are where they were.' },
    SCHEDULE_REMOVED: { description: 'A schedule has ended; the savepoints that it made stay.' },
    SCHEDULE_SET_ASIDE: {
      description:
        'The slots of a schedule cannot be decided, as a rule since it cannot be read: they wait, and the message says what to do. Told once.',
    },
    SCHEDULE_GOES_ON: {
      description: 'A schedule that was set aside is decided again, and with it the slots that have waited.',
    },
    SLOT_SKIPPED: {
      description:
        'A slot of a schedule was not used; the message says why. Of slots in a row with one reason, the first is told.',
    },
    SLOTS_MISSED: { description: 'Slots went by while no worker decided them; the message says which.' },
    SAVEPOINT_REQUESTED: { description: 'A savepoint was accepted.' },
    SAVEPOINT_IMPORTED: { description: 'A savepoint or checkpoint made elsewhere was recorded by its location.' },
    SAVEPOINT_IN_PROGRESS: { description: 'The turn of a savepoint has come: Flink is asked for it.' },
    SAVEPOINT_NEW_ATTEMPT: {
      description: 'The JobManager was restarted before a savepoint was sent: it goes with a new trigger id.',
    },
    SAVEPOINT_RESULT_SOUGHT: {
      description: "Flink forgot the trigger id: the result is looked for in the job's statistics and in the storage.",
    },
    SAVEPOINT_COMPLETED: { description: 'A savepoint is complete and can be restored from.' },
    SAVEPOINT_DETAILS: { description: 'Checkpoint id, size and duration of a completed savepoint are known.' },
    SAVEPOINT_TRIES_AGAIN: {
      description: 'An attempt at a scheduled savepoint failed; after a pause it goes with a new trigger id.',
    },
    SAVEPOINT_FAILED: { description: 'A savepoint ended as FAILED; the message says why.' },
    SAVEPOINT_FOUND_LATE: {
      description: 'A savepoint that had ended as RESULT_LOST or ABANDONED has shown up; it becomes COMPLETED.',
    },
    SAVEPOINT_DATA_MISSING: {
      description: 'A savepoint is complete by the word of Flink, and its data are not in the storage.',
    },
    SAVEPOINT_DATA_DAMAGED: {
      description:
        'A savepoint is complete by the word of Flink, and its _metadata cannot be read, or files that it points to are missing or of another size; the message and the details say which.',
    },
    SAVEPOINT_DATA_FOUND: {
      description: 'The data of a savepoint were missing, damaged or not looked at, and have been seen in the storage.',
    },
    SAVEPOINT_MADE_TWICE: {
      description:
        'More than one savepoint lies below the directory of one attempt; the message names those to be removed by hand.',
    },
    UNEXPECTED_LOCATION: {
      description: 'A savepoint lies elsewhere than it was asked into; it is recorded where it is.',
    },
    SAVEPOINT_UPDATED: { description: 'Description, pin or hold of a savepoint was changed.' },
    DELETION_REQUESTED: { description: 'A savepoint is being deleted: from now on it cannot be restored from.' },
    DELETION_WAITS: {
      description:
        'No cluster can delete a savepoint now, or the one that was asked does not tell what came of it; it goes on by itself when that has changed.',
    },
    DELETION_FAILED: {
      description: 'A savepoint could not be deleted; it is tried again, and the message says what is left.',
    },
    DELETION_TRIES_AGAIN: { description: 'A deletion that had failed is tried again.' },
    DELETION_FORGOTTEN: { description: 'A person gave up the deletion of a savepoint: its data may be left.' },
    SAVEPOINT_DELETED: { description: 'A savepoint is gone; the message says how that is known.' },
    LEFT_BEHIND_GOES: {
      description:
        'All checkpoints that an ended run has left are being disposed of: from now on none is restored from.',
    },
    LEFT_BEHIND_KEPT: {
      description:
        'What an ended run has left is kept after all, before anything of it was disposed of; the message says why.',
    },
    LEFT_BEHIND_WAITS: {
      description: 'The disposal of what an ended run has left waits; it goes on by itself when that has changed.',
    },
    LEFT_BEHIND_FAILED: {
      description: 'Something that an ended run has left could not be disposed of; it is tried again.',
    },
    LEFT_BEHIND_GONE: {
      description: 'All checkpoints that an ended run has left are gone; the message says how that is known.',
    },
    RETENTION_SET: { description: 'A retention policy was given to a deployment, or changed.' },
    RETENTION_REMOVED: {
      description: 'The retention policy of a deployment was removed: no rule deletes its savepoints.',
    },
    LARGE_CLEANUP_WAITING: {
      description: 'A pass would delete more than half of what its policy may touch: it waits for confirmCleanup.',
    },
    LARGE_CLEANUP_CONFIRMED: { description: 'A person let such a pass go.' },
    DRIFT_FORGOTTEN: {
      description: 'A person took what an attempt of a savepoint has left off the drift report; the message says why.',
    },
    COMPATIBILITY_CHECKED: { description: 'It is known whether a program would take a state; the message says it.' },
    COMPATIBILITY_CHECK_FAILED: {
      description: 'It could not be found out whether a program would take a state; the message says why.',
    },
  },
});
