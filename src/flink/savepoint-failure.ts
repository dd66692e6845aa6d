import type { FlinkCause } from './flink.types.js';

export type SavepointFailureKind =
  'TASKS_NOT_RUNNING' | 'ABORTED' | 'STORAGE_ERROR' | 'EXPIRED' | 'JOB_ENDED' | 'FLINK_ERROR';

/** Texts of `CheckpointFailureReason` and of the schedulers, 1.20.5 and 2.3.0. The first match counts. */
const MESSAGE_KINDS: [RegExp, SavepointFailureKind][] = [
  [/Checkpoint expired before completing/, 'EXPIRED'],
  [/IO-problem detected/, 'STORAGE_ERROR'],
  [/Can not create a Path/, 'STORAGE_ERROR'],
  [/Found local file path with authority/, 'STORAGE_ERROR'],
  [/Failed to create savepoint directory/, 'STORAGE_ERROR'],
  [/Not all required tasks are currently running/, 'TASKS_NOT_RUNNING'],
  [/is not being executed at the moment/, 'TASKS_NOT_RUNNING'],
  [/Checkpoint was declined \(tasks not ready\)/, 'TASKS_NOT_RUNNING'],
  // The adaptive scheduler says these two of a streaming job that is restarting.
  [/Job \S+ is not a streaming job/, 'TASKS_NOT_RUNNING'],
  [/job is currently not executing/, 'TASKS_NOT_RUNNING'],
  [/Checkpoint ?Coordinator (?:is suspending|shutdown|is shutting down)/, 'ABORTED'],
  [/Periodic checkpoint scheduler is shut down/, 'ABORTED'],
  [/FailoverRegion is restarting|Task has failed|Checkpoint has been subsumed|Checkpoint was declined/, 'ABORTED'],
  [/barrier from newer checkpoint|Task received cancellation|one of its inputs/, 'ABORTED'],
  [/The job was cancelled/, 'ABORTED'],
];

/** Where an I/O exception below says that the state, not the user's function, could not be written. */
const WHILE_WRITING = /Asynchronous task checkpoint failed|Failure to finalize checkpoint/;
const STORAGE_CLASS = /^java\.io\.|^java\.nio\.file\.|S3Exception|AmazonClientException|SdkClientException/;

/** Why a savepoint, or the savepoint of a stop, was not made. Ask {@link createdSavepointPath} first: a stop can fail with a whole savepoint. */
export function classifySavepointFailure(cause: FlinkCause): SavepointFailureKind {
  if (names(cause, 'FlinkJobNotFoundException')) return 'JOB_ENDED';
  if (names(cause, 'UnavailableDispatcherOperationException')) return 'TASKS_NOT_RUNNING';
  if (names(cause, 'UnsupportedFileSystemSchemeException')) return 'STORAGE_ERROR';
  // The texts below it are those of the failed stopping, not of the savepoint.
  if (names(cause, 'StopWithSavepointStoppingException')) return 'FLINK_ERROR';
  const text = cause.messages.join('\n');
  const known = MESSAGE_KINDS.find(([pattern]) => pattern.test(text));
  if (known) return known[1];
  if (WHILE_WRITING.test(text) && cause.classes.some((name) => STORAGE_CLASS.test(name))) return 'STORAGE_ERROR';
  return 'FLINK_ERROR';
}

/** The location, as Flink wrote it, of a savepoint that is whole although the stop failed (StopWithSavepointStoppingException). */
export function createdSavepointPath(cause: FlinkCause): string | null {
  const index = cause.classes.findIndex((name) => name.endsWith('.StopWithSavepointStoppingException'));
  const match = /A savepoint has been created at: (.+?), but the corresponding job /s.exec(cause.messages[index] ?? '');
  return match?.[1] ?? null;
}

function names(cause: FlinkCause, shortName: string): boolean {
  return cause.classes.some((name) => name.endsWith(`.${shortName}`));
}
