import { describe, expect, it } from '@jest/globals';
import { readCause } from '../../../src/flink/root-cause.js';
import { classifySavepointFailure, createdSavepointPath } from '../../../src/flink/savepoint-failure.js';
import { savepointOperationWire } from '../../../src/flink/flink-wire.js';
import { recordedReplies, recordedReply, VERSIONS, type Version } from './recorded-replies.js';

const KINDS: [RegExp, ReturnType<typeof classifySavepointFailure>][] = [
  [/cancelled-while-stopping$|stopping-failed/, 'FLINK_ERROR'],
  [/-(?:restarting|tasks-initializing|job-initializing)/, 'TASKS_NOT_RUNNING'],
  [/-(?:cancelled|taskmanager-lost)/, 'ABORTED'],
  [/-timeout/, 'EXPIRED'],
  [/-(?:unwritable|unknown-scheme|savepoint-failed)/, 'STORAGE_ERROR'],
  [/-(?:job-ended|unknown-job)/, 'JOB_ENDED'],
];

function causeOf(version: Version, name: string) {
  const operation = savepointOperationWire.parse(recordedReply(version, name).body);
  if (operation.status !== 'FAILED') throw new Error(`${name} is ${operation.status}`);
  return operation.cause;
}

describe.each(VERSIONS)('a failed savepoint of Flink %s', (version) => {
  const failed = recordedReplies(version)
    .map((reply) => reply.name)
    .filter((name) => /^(?:savepoint-poll-failed|stop-poll-(?!completed))/.test(name));

  it.each(failed)('is classified: %s', (name) => {
    const expected = KINDS.find(([pattern]) => pattern.test(name))?.[1];
    expect(classifySavepointFailure(causeOf(version, name))).toBe(expected);
  });

  it.each(failed)('names a created savepoint only where the stopping failed after it: %s', (name) => {
    const created = createdSavepointPath(causeOf(version, name));
    if (/stopping-failed|cancelled-while-stopping$/.test(name))
      expect(created).toMatch(/^file:\/data\/fx\/\S+\/savepoint-[0-9a-f]{6}-[0-9a-f]{12}$/);
    else expect(created).toBeNull();
  });
});

describe('other failures of a savepoint', () => {
  const checkpointException = (text: string, below = '') =>
    readCause(`org.apache.flink.runtime.checkpoint.CheckpointException: ${text}${below}`);

  it.each([
    ['Blocking output edge exists in running tasks.', '', 'FLINK_ERROR'],
    ['Checkpoint was declined (tasks not ready)', '', 'TASKS_NOT_RUNNING'],
    ['Checkpoint was declined (task is closing)', '', 'ABORTED'],
    ['CheckpointCoordinator shutdown.', '', 'ABORTED'],
    [
      'Trigger checkpoint failure.',
      '\nCaused by: java.lang.IllegalArgumentException: Can not create a Path from an empty string',
      'STORAGE_ERROR',
    ],
    [
      'Asynchronous task checkpoint failed.',
      '\nCaused by: java.io.IOException: No space left on device',
      'STORAGE_ERROR',
    ],
    ['Failure to finalize checkpoint.', '\nCaused by: org.x.AmazonS3Exception: 403', 'STORAGE_ERROR'],
    ['Asynchronous task checkpoint failed.', '\nCaused by: java.lang.NullPointerException', 'FLINK_ERROR'],
  ])('"%s"%s is %3$s', (text, below, kind) => {
    expect(classifySavepointFailure(checkpointException(text, below))).toBe(kind);
  });

  it("does not take an I/O exception of the user's own for the storage", () => {
    expect(
      classifySavepointFailure(readCause('java.lang.Exception: x\nCaused by: java.io.IOException: my socket')),
    ).toBe('FLINK_ERROR');
  });

  it('finds a path with spaces and commas', () => {
    const cause = readCause(
      'x.StopWithSavepointStoppingException: A savepoint has been created at: s3://b/a, b c/savepoint-1, but the corresponding job 00 failed during stopping.',
    );
    expect(createdSavepointPath(cause)).toBe('s3://b/a, b c/savepoint-1');
  });
});
