import { describe, expect, it } from '@jest/globals';
import { exceptionsWire, executionResultWire } from '../../../src/flink/flink-wire.js';
import { chooseJobFailure } from '../../../src/flink/job-failure.js';
import { describeFailure, readCause, readCauseOfErrors } from '../../../src/flink/root-cause.js';
import { recordedReplies, recordedReply, VERSIONS, type Version } from './recorded-replies.js';

const refusal = (version: Version, name: string) =>
  readCauseOfErrors((recordedReply(version, name).body as { errors: string[] }).errors).summary;
const jobFailure = (version: Version, name: string) =>
  chooseJobFailure(exceptionsWire.parse(recordedReply(version, name).body))?.summary;

describe.each(VERSIONS)('the root cause that Flink %s gives', (version) => {
  it.each([
    ['run-main-throws', /^IllegalStateException: main failed on purpose$/],
    ['run-no-job', /^RestHandlerException: No jobs included in application\.$/],
    [
      'run-no-main-class',
      /^ProgramInvocationException: Neither a 'Main-Class', nor a 'program-class' entry was found in the jar file\.$/,
    ],
    ['run-duplicate-job-id-running', /^Duplicate(?:Job|Application)SubmissionException: .*already been submitted\.$/],
    [
      'run-refused-no-such-class',
      /^ClassNotFoundException: no\.such\.Class \(The program's entry point class 'no\.such\.Class' was not found in the jar file\.\)$/,
    ],
    ['run-refused-no-such-jar', /^RestHandlerException: Jar file \S+ does not exist$/],
    ['run-refused-bad-configuration', /Could not parse value 'soon' for key 'execution\.checkpointing\.interval'/],
    [
      'run-restore-missing-operator',
      /^IllegalStateException: Failed to rollback to .* because the operator is not available in the new program\./,
    ],
    [
      'run-restore-max-parallelism',
      /^IllegalStateException: Failed to rollback to .* with max parallelism 128 to new program with max parallelism 64\./,
    ],
    [
      'run-restore-parallelism-too-high',
      /^IllegalStateException: .*\(2\) of the restored state is lower than the configured parallelism \(4\)\./,
    ],
    [
      'run-restore-no-such-path',
      /^FileNotFoundException: Cannot find checkpoint or savepoint file\/directory 'file:\/\/\/data\/fx\/nowhere\/savepoint-1'/,
    ],
    ['run-restore-no-metadata', /^FileNotFoundException: Cannot find meta data file '_metadata' in directory/],
    ['run-restore-bad-magic', /^IOException: Unexpected magic number\./],
    ['run-restore-truncated-metadata', /^EOFException \(.+\)$/],
    [
      'run-restore-unknown-scheme',
      /^UnsupportedFileSystemSchemeException: Could not find a file system implementation for scheme 's3'\./,
    ],
    ['cancel-unknown-job', /^FlinkJobNotFoundException: Could not find Flink job/],
    ['unknown-path', /^Unable to load requested file \/no\/such\/path\.$/],
  ])('for %s reads well', (name, line) => {
    expect(refusal(version, name)).toMatch(line);
  });

  it.each([
    ['exceptions-job-failed', /^IllegalStateException: record failed on purpose$/],
    ['exceptions-stopping-failed', /^IllegalStateException: close failed on purpose$/],
    ['exceptions-stopping-failed-adaptive', /^IllegalStateException: close failed on purpose$/],
    ['exceptions-restore-missing-file', /^FileNotFoundException: \/data\/fx\/\S+ \(No such file or directory\)$/],
    [
      'exceptions-restore-changed-type',
      /^StateMigrationException: .*must not be incompatible with the old state serializer/,
    ],
    [
      'exceptions-restore-native-other-backend',
      /^IllegalStateException: Unexpected state handle type, expected one of/,
    ],
    [
      'exceptions-restore-native-heap-to-rocksdb',
      /^\w+Exception.* \(Could not restore keyed state backend for KeyedProcessOperator_/,
    ],
    ['exceptions-restore-missing-operator', /^IllegalStateException: Failed to rollback to/],
    [
      'exceptions-taskmanager-lost-savepoints',
      /^NoResourceAvailableException: Could not acquire the minimum required resources\.$/,
    ],
  ])('of a failed job, for %s, reads well', (name, line) => {
    expect(jobFailure(version, name)).toMatch(line);
  });

  it('is one line of at most 500 characters in every recorded reply, with a class for each message', () => {
    for (const { name, body } of recordedReplies(version)) {
      const { errors } = body as { errors?: string[] };
      if (!errors) continue;
      const cause = readCauseOfErrors(errors);
      expect([name, cause.summary]).toEqual([name, expect.stringMatching(/^[^\n\r\t]{1,500}$/)]);
      expect(cause.classes).toHaveLength(cause.messages.length);
    }
  });

  it('is none where nothing failed', () => {
    expect(jobFailure(version, 'exceptions-none')).toBeUndefined();
    for (const name of ['running', 'finished', 'cancelled']) {
      expect(executionResultWire.parse(recordedReply(version, `execution-result-${name}`).body)).toBeNull();
    }
  });
});

describe('reading a stack trace', () => {
  const trace = [
    'java.util.concurrent.CompletionException: a.b.Outer: first line',
    'second line',
    '\tat a.b.C.d(C.java:1)',
    '\tSuppressed: a.b.Other: not of the chain',
    '\t\tat a.b.C.e(C.java:2)',
    '\tCaused by: a.b.Deeper: not of the chain either',
    'Caused by: a.b.Outer: first line',
    'second line',
    '\tat a.b.C.d(C.java:1)',
    '\t... 12 more',
    'Caused by: a.b.Outer$Inner',
    '\t... 13 more',
  ].join('\n');

  it('takes the chain alone, with messages of several lines and without suppressed exceptions', () => {
    expect(readCause(trace)).toEqual({
      summary: 'Inner (first line second line)',
      classes: ['java.util.concurrent.CompletionException', 'a.b.Outer', 'a.b.Outer$Inner'],
      messages: ['a.b.Outer: first line\nsecond line', 'first line\nsecond line', ''],
      fullText: trace,
    });
  });

  it('finds the cause inside the message of a wrapper whose trace was cut off', () => {
    const text =
      'java.util.concurrent.CompletionException: java.util.concurrent.ExecutionException: java.io.IOException: disk full';
    expect(readCause(text).summary).toBe('IOException: disk full');
  });

  it('prefers a cause to a wrapper below it', () => {
    const text = 'java.io.IOException: disk full\n\tat x.y(Z)\nCaused by: java.util.concurrent.CompletionException';
    expect(readCause(text).summary).toBe('IOException: disk full');
  });

  it('reads HTML escapes in the line, and leaves them in the messages', () => {
    const cause = readCause('a.b.C: missing argument needed=&lt;value&gt; &amp;amp; more');
    expect(cause.summary).toBe('C: missing argument needed=<value> &amp; more');
    expect(cause.messages).toEqual(['missing argument needed=&lt;value&gt; &amp;amp; more']);
  });

  it.each([
    ['nothing', ''],
    ['blanks', ' \n\t'],
    ['a text that is no trace', 'Not found: /x'],
    ['a NUL, which PostgreSQL cannot store', 'a.b.C: x\0y'],
    ['a class alone', 'java.io.EOFException'],
    ['frames alone', '\tat a.b(C)\n\tat d.e(F)'],
  ])('makes one line of %s', (_what, text) => {
    const cause = readCause(text);
    expect(cause.summary).toMatch(/^[^\n\0]+$/);
    expect(JSON.stringify(cause)).not.toContain('\\u0000');
  });

  it('keeps at most 256 KiB of the text and both ends of a long chain, quickly', () => {
    const long = `a.b.First: ${'ä'.repeat(300_000)}\n${'Caused by: a.b.Middle: x\n\tat a(B)\n'.repeat(100_000)}Caused by: a.b.Last: end`;
    const startedAt = performance.now();
    const cause = readCause(long);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(Buffer.byteLength(cause.fullText)).toBeLessThanOrEqual(256 * 1024);
    expect(cause.fullText).toMatch(/ä$/);
    expect([cause.classes.length, cause.classes[0], cause.classes.at(-1)]).toEqual([64, 'a.b.First', 'a.b.Last']);
    expect(cause.summary).toBe('Last: end');
  });

  it('cuts a long line at 500 characters, not within one of them', () => {
    const { summary } = readCause(`a.b.C: ${'😀'.repeat(400)}`);
    expect(summary.length).toBeLessThanOrEqual(500);
    expect(summary).toMatch(/^C: (?:😀)+…$/u);
  });

  it('describes a failure object by its trace, else by its class', () => {
    expect(describeFailure({ class: 'x.Y', 'stack-trace': 'a.B: why' }).summary).toBe('B: why');
    expect(describeFailure({ class: 'x.Y', 'stack-trace': null }).summary).toBe('Y');
    expect(describeFailure({}).summary).toBe('Flink named no cause.');
  });
});

describe('choosing why a job failed', () => {
  it('passes over exceptions that only follow from another, unless there is none', () => {
    const lost =
      'java.util.concurrent.CompletionException: x.NoResourceAvailableException: no slots\nCaused by: x.NoResourceAvailableException: no slots';
    const real = 'a.B: the TaskManager is gone';
    expect(chooseJobFailure([lost, lost, real])?.summary).toBe('B: the TaskManager is gone');
    expect(chooseJobFailure([lost, lost])?.summary).toBe('NoResourceAvailableException: no slots');
    expect(chooseJobFailure([])).toBeNull();
  });

  it('takes the newest of several real ones', () => {
    expect(chooseJobFailure(['a.B: newest', 'a.B: older'])?.summary).toBe('B: newest');
  });
});
