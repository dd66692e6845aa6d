/**
 * Instants at which a crash would hurt most, by name. Each says what has happened already and what has not. The fault
 * suite ends or freezes the process at them and looks whether anything was lost or done twice.
 */
export const failPoints = [
  // API: a request was accepted in a transaction that is not committed, committed but not queued, queued but not answered
  'request.before-commit',
  'request.committed',
  'request.queued',
  // worker, a savepoint: claimed; the send written down but not made; made but not known as accepted; accepted
  'savepoint.claimed',
  'savepoint.send-stored',
  'savepoint.triggered',
  'savepoint.accepted',
  // Flink has answered that it is over, nothing is written yet; written and not committed; committed
  'savepoint.polled',
  'savepoint.end-before-commit',
  'savepoint.ended',
  // its details and data were read, and are not written
  'savepoint.details-read',
  // worker, a start: its state was looked at, and nothing is written
  'start.state-looked-at',
  // worker, a start: the jar lies on the cluster, unknown to us; the run written down but not made; made but not known
  'start.uploaded',
  'start.run-stored',
  'start.run-made',
  // what it was started from and a snapshot of its own were read and compared, and nothing is written
  'start.own-snapshot-read',
  // worker, a stop: its savepoint is stored and not sent; the cancel written down but not made
  'stop.savepoint-stored',
  'stop.cancel-stored',
  // worker, a deletion: the disposal written down but not made; made but its id not known; its id known
  'deletion.marked',
  'deletion.sent',
  'deletion.replied',
  // it is over, or waits, in a transaction that is not committed; committed
  'deletion.ended-before-commit',
  'deletion.ended',
  // slots of schedules are decided in a transaction that is not committed; committed, and nothing of it is admitted
  'slots.before-commit',
  'slots.decided',
  // a cleaning pass has locked what goes and looks once more; it is marked in a transaction that is not committed
  'retention.locked',
  'retention.before-commit',
  // checkpoints were read and written in a transaction that is not committed; an end was read and is not written
  'checkpoints.before-commit',
  'checkpoints.end-read',
  // a worker has taken clusters over and has not looked at them
  'clusters.owned',
] as const;

export type FailPoint = (typeof failPoints)[number];

/** Does nothing. The fault suite runs a build of its own in which this file is exchanged for one that can be armed. */
export function failPoint(_point: FailPoint): void {
  // nothing: see above
}
