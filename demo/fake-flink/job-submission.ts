import type { Cluster } from './cluster.js';
import { firstError, hasCaptured, isObject, replyLike } from './captured-replies.js';
import type { JsonObject, Reply } from './captured-replies.js';
import { FakeJob } from './fake-job.js';
import type { FakeJobOptions } from './fake-job.js';
import type { JarStore } from './jar-store.js';
import type { ProgramTraits } from './job-checkpoints.js';
import { settingsOf, whyUnreadable } from './job-settings.js';
import { adaptiveTraceOf, readRestore } from './restore.js';
import type { RestoreRefusal } from './restore.js';
import type { SavepointOperations } from './savepoint-operations.js';
import { firstUnreadable, refuseBody, refuseClaimMode, wrongCollection, wrongFlag } from './refused-body.js';
import { wrongInteger, wrongJobId, wrongText } from './refused-body.js';

/** Of the jobs whose runs were captured. */
const CAPTURED_NAME = 'multi-job';
/** Runs no code and looks into no jar: these are the classes that a jar has not. */
const NO_SUCH_CLASS = /^no\.such\./;
const CLAIM_MODES = new Set<unknown>(['CLAIM', 'NO_CLAIM', 'LEGACY', null, undefined]);
/** Where a trace begins to be that of the job, not that of the call. */
const OF_THE_JOB = '\nCaused by: org.apache.flink.runtime.client.JobInitializationException';

/** What a run says of the job that it starts. */
interface Submission {
  jobId: string;
  name: string;
  parallelism: number;
  program: ProgramTraits;
  /** The program's arguments. */
  programArguments: string[];
  flinkConfiguration: JsonObject;
}

interface FailingStart {
  fixture: string;
  afterMs: number;
  /** RESTARTING and RUNNING in turn, instead of FAILED. */
  restarts: boolean;
}

/** POST /jars/:id/run, and jobs in general. */
export class JobSubmission {
  private readonly failingStarts: FailingStart[] = [];
  private readonly failingRestores: string[] = [];

  constructor(
    private readonly cluster: Cluster,
    private readonly jars: JarStore,
    private readonly operations: SavepointOperations,
  ) {}

  /** The next accepted run fails after that time, for the captured reason. */
  failNextStart(failing: FailingStart): void {
    this.failingStarts.push(failing);
  }

  /** The next run with a savepoint path is refused as captured. */
  failNextRestore(fixture: string): void {
    if (!hasCaptured(this.cluster.version, fixture)) throw new Error(`${fixture} was not captured`);
    this.failingRestores.push(fixture);
  }

  add(options: FakeJobOptions): FakeJob {
    const job = new FakeJob(this.cluster, options);
    job.onSuspended = () => this.operations.suspend(job.id);
    this.cluster.takenJobIds.add(job.id);
    this.cluster.jobs.set(job.id, job);
    return job;
  }

  /** Of a job of the process before, taken over by the new one: all but its statistics. */
  takeOver(before: FakeJob): void {
    const { id: jobId, name, parallelism, settings, program, bytesPerSubtask, tasks } = before;
    const kept = { jobId, name, parallelism, settings, program, bytesPerSubtask };
    const job = this.add({ ...kept, tasks: tasks.length, state: 'CREATED' });
    job.checkpoints.takeOver(before.checkpoints);
    job.deploy();
  }

  /** Refused as in a captured `run-restore-…`: the id is taken, and a FAILED job with it is listed. */
  refuseRestore(
    { fixture, replacements }: RestoreRefusal,
    jobId: string,
    name = CAPTURED_NAME,
    settings = settingsOf(this.cluster),
  ): Reply {
    const { version } = this.cluster;
    const trace = firstError(version, fixture);
    const from = trace.indexOf(OF_THE_JOB);
    const failure = replacements.reduce(
      (text, [known, own]) => text.replaceAll(known, own),
      from < 0 ? trace : trace.slice(from + '\nCaused by: '.length),
    );
    const options = { jobId, name, state: 'INITIALIZING', tasks: 0, parallelism: 1, isBuilt: false } as const;
    this.add({ ...options, settings }).setState('FAILED', failure);
    return replyLike(version, fixture, [], replacements);
  }

  async run(jarId: string, body: JsonObject): Promise<Reply> {
    const { cluster } = this;
    const { version } = cluster;
    const refusal = this.refusalOf(body);
    if (refusal !== null) return refusal;
    if (!this.jars.jars.has(jarId)) return replyLike(version, 'run-refused-no-such-jar', [jarId]);
    const entryClass = String(body['entryClass'] ?? '');
    if (NO_SUCH_CLASS.test(entryClass)) {
      return replyLike(version, 'run-refused-no-such-class', [jarId], [['no.such.Class', entryClass]]);
    }
    const { generation } = cluster;
    if (cluster.knobs.mainDurationMs > 0) await cluster.pause(cluster.knobs.mainDurationMs);
    // The process that ran main() is gone: nobody is there to answer, and the caller's connection is closed already.
    if (generation !== cluster.generation) return { status: 503, body: { errors: [] } };
    cluster.timeline.settle();
    const submission = this.read(body);
    const { jobId, name, programArguments } = submission;
    if (programArguments.includes('--main-throws')) return replyLike(version, 'run-main-throws', [jarId]);
    if (programArguments.includes('--no-job')) return replyLike(version, 'run-no-job', [jarId]);
    if (cluster.takenJobIds.has(jobId)) {
      const state = cluster.jobs.get(jobId)?.hasEnded() === false ? 'running' : 'ended';
      return replyLike(version, `run-duplicate-job-id-${state}`, [jarId], [namedLike(name)]);
    }
    return this.start(submission, body) ?? this.accepted(jobId);
  }

  private read(body: JsonObject): Submission {
    const programArguments = Array.isArray(body['programArgsList']) ? body['programArgsList'].map(String) : [];
    const valueOf = (flag: string): string | undefined =>
      programArguments.includes(flag) ? programArguments[programArguments.indexOf(flag) + 1] : undefined;
    const short = programArguments.find((argument) => argument.startsWith('name='))?.slice('name='.length);
    const parallelism = Number(body['parallelism'] ?? 1);
    const maxParallelism = valueOf('--max-parallelism');
    return {
      jobId: typeof body['jobId'] === 'string' ? body['jobId'].toLowerCase() : this.cluster.hex(32),
      name: short ?? valueOf('--name') ?? CAPTURED_NAME,
      parallelism: parallelism > 0 ? parallelism : 1,
      program: {
        counterUid: valueOf('--counter-uid') ?? 'counter',
        maxParallelism: maxParallelism === undefined ? null : Number(maxParallelism),
      },
      programArguments,
      flinkConfiguration: isObject(body['flinkConfiguration']) ? body['flinkConfiguration'] : {},
    };
  }

  /** null: it was started. */
  private start(submission: Submission, body: JsonObject): Reply | null {
    const { cluster } = this;
    const { jobId, name, parallelism, program, programArguments, flinkConfiguration } = submission;
    const settings = settingsOf(cluster, flinkConfiguration, programArguments);
    const options = { jobId, name, parallelism, program, settings, tasks: parallelism * 2 };
    const verdict = this.readSavepoint(submission, body);
    if (verdict !== null && 'fixture' in verdict) {
      const refusal = { ...verdict, replacements: [...verdict.replacements, namedLike(name)] };
      if (!cluster.isAdaptive) return this.refuseRestore(refusal, jobId, name, settings);
      this.failAdaptive(refusal, options);
      return null;
    }
    const job = this.add({ ...options, state: 'INITIALIZING' });
    job.setState('CREATED');
    const { restores } = cluster.knobs;
    const restored = restores === 'AS_ASKED' ? verdict : restores === 'NOTHING' ? null : restores;
    if (verdict !== null && restored !== null) job.checkpoints.restoreFrom(restored);
    job.deploy();
    const failing = this.failingStarts.shift();
    if (failing !== undefined) this.failLater(job, failing);
    return null;
  }

  private failLater(job: FakeJob, failing: FailingStart): void {
    const { timeline, knobs } = this.cluster;
    timeline.after(failing.afterMs, () => {
      if (job.hasEnded()) return;
      if (!failing.restarts) return job.setState('FAILED', failing.fixture);
      job.restart(failing.fixture);
      timeline.after(knobs.restartDurationMs, () => this.failLater(job, failing));
    });
  }

  /** The adaptive scheduler builds the job only after the run was answered: its refusals show in the execution result alone. */
  private failAdaptive(refusal: RestoreRefusal, options: FakeJobOptions): void {
    const job = this.add({ ...options, state: 'INITIALIZING', isBuilt: false });
    const stackTrace = adaptiveTraceOf(this.cluster.version, refusal);
    const name = 'java.util.concurrent.CompletionException';
    job.setState('FAILED', { class: name, stackTrace, inHistory: false, entry: {}, ofTasks: [] });
  }

  private accepted(jobId: string): Reply {
    const isNewer = this.cluster.version === '2.3.0';
    return { status: 200, body: isNewer ? { jobid: jobId, applicationId: jobId } : { jobid: jobId } };
  }

  private refusalOf(body: JsonObject): Reply | null {
    const { version } = this.cluster;
    const { parallelism, programArgsList, programArgs } = body;
    const unreadable = firstUnreadable(
      wrongJobId(body['jobId'], this.cluster.hex(32)),
      wrongText(body['savepointPath']),
      wrongText(body['entryClass']),
      wrongInteger(parallelism),
      wrongFlag(body['allowNonRestoredState']),
      wrongCollection(programArgsList, 'java.util.ArrayList'),
      wrongCollection(body['flinkConfiguration'], 'java.util.LinkedHashMap'),
    );
    if (unreadable !== null) return refuseBody(this.cluster, 'JarRunRequestBody', unreadable);
    if (!CLAIM_MODES.has(body['claimMode'])) return refuseClaimMode(this.cluster, body['claimMode']);
    const both = programArgs != null && programArgsList != null && version === '1.20.5';
    const problem = both
      ? 'Confusing request: programArgs and programArgsList are specified, please, use only programArgsList'
      : Number(parallelism) === 0 && parallelism != null
        ? 'The parallelism must be a positive number: 0'
        : whyUnreadable(isObject(body['flinkConfiguration']) ? body['flinkConfiguration'] : {});
    if (problem === null) return null;
    const known = "Could not parse value 'soon' for key 'execution.checkpointing.interval'.";
    return replyLike(version, 'run-refused-bad-configuration', [], [[known, problem]]);
  }

  /** null: no path was given, so the job starts empty. */
  private readSavepoint({ parallelism, program }: Submission, body: JsonObject): ReturnType<typeof readRestore> | null {
    const savepointPath = typeof body['savepointPath'] === 'string' ? body['savepointPath'] : '';
    if (savepointPath === '') return null;
    const failing = this.failingRestores.shift();
    if (failing !== undefined) return { fixture: failing, replacements: [] };
    const allowNonRestoredState = String(body['allowNonRestoredState']) === 'true';
    return readRestore(this.cluster, { savepointPath, allowNonRestoredState, parallelism, program });
  }
}

/** Exchanges the captured name of the job in a trace. */
const namedLike = (name: string): [string, string] => [`'${CAPTURED_NAME}'`, `'${name}'`];
