import type { Cluster } from './cluster.js';
import { captured, firstError, hasCaptured, replyLike } from './captured-replies.js';
import type { JsonObject, Reply } from './captured-replies.js';
import { FakeJob } from './fake-job.js';
import type { FakeJobOptions } from './fake-job.js';
import type { JarStore } from './jar-store.js';
import type { SavepointOperations } from './savepoint-operations.js';
import { firstUnreadable, refuseBody, refuseClaimMode, wrongCollection, wrongFlag } from './refused-body.js';
import { wrongInteger, wrongJobId, wrongText } from './refused-body.js';
import { foldLocation, inspectSnapshot, localPath, METADATA_VERSION } from './snapshot-files.js';
import { unknownScheme } from './unknown-scheme.js';

/** Of the jobs whose runs were captured. */
const CAPTURED_NAME = 'multi-job';
/** Runs no code and looks into no jar: these are the classes that a jar has not. */
const NO_SUCH_CLASS = /^no\.such\./;
const CLAIM_MODES = new Set<unknown>(['CLAIM', 'NO_CLAIM', 'LEGACY', null, undefined]);

/** POST /jars/:id/run, and jobs in general. */
export class JobSubmission {
  private readonly failingStarts: { fixture: string; afterMs: number }[] = [];

  constructor(
    private readonly cluster: Cluster,
    private readonly jars: JarStore,
    private readonly operations: SavepointOperations,
  ) {}

  /** The next accepted run is FAILED after that time, for the captured reason. */
  failNextStart(fixture: string, afterMs: number): void {
    this.failingStarts.push({ fixture, afterMs });
  }

  add(options: FakeJobOptions): FakeJob {
    const job = new FakeJob(this.cluster, options);
    job.onSuspended = () => this.operations.suspend(job.id);
    this.cluster.takenJobIds.add(job.id);
    this.cluster.jobs.set(job.id, job);
    return job;
  }

  /** Refused as in a captured `run-restore-…`: the id is taken, and a FAILED job with it is listed. */
  refuseRestore(fixture: string, jobId: string, replacements: [string, string][] = [], name = CAPTURED_NAME): Reply {
    const { version } = this.cluster;
    const reply = replyLike(version, fixture, [], replacements);
    const trace = firstError(version, fixture);
    const cause = '\nCaused by: org.apache.flink.runtime.client.JobInitializationException';
    const from = trace.indexOf(cause);
    const failure = replacements.reduce(
      (text, [known, own]) => text.replaceAll(known, own),
      from < 0 ? trace : trace.slice(from + '\nCaused by: '.length),
    );
    this.add({ jobId, name, state: 'INITIALIZING', tasks: 0, parallelism: 1 }).setState('FAILED', failure);
    return reply;
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
    const program = argumentsOf(body);
    if (program.includes('--main-throws')) return replyLike(version, 'run-main-throws', [jarId]);
    if (program.includes('--no-job')) return replyLike(version, 'run-no-job', [jarId]);
    const jobId = typeof body['jobId'] === 'string' ? body['jobId'].toLowerCase() : cluster.hex(32);
    if (cluster.takenJobIds.has(jobId)) {
      const state = cluster.jobs.get(jobId)?.hasEnded() === false ? 'running' : 'ended';
      return replyLike(version, `run-duplicate-job-id-${state}`, [jarId], [namedLike(body)]);
    }
    const restored = this.readSavepoint(body, jobId);
    if (restored !== null && 'reply' in restored) return restored.reply;
    this.start(jobId, body, restored);
    return { status: 200, body: version === '2.3.0' ? { jobid: jobId, applicationId: jobId } : { jobid: jobId } };
  }

  private start(jobId: string, body: JsonObject, restored: { id: number; location: string } | null): void {
    const { cluster } = this;
    const parallelism = Number(body['parallelism'] ?? 1);
    const jobParallelism = parallelism > 0 ? parallelism : 1;
    const job = this.add({
      jobId,
      name: nameOf(body),
      state: 'INITIALIZING',
      tasks: jobParallelism * 2,
      parallelism: jobParallelism,
      checkpointIntervalMs: cluster.knobs.checkpointIntervalMs,
    });
    job.setState('CREATED');
    if (restored !== null) {
      job.restored = { ...restored, at: cluster.timeline.now(), isSavepoint: true };
      job.counts.restored = 1;
      job.nextCheckpointId = restored.id + 1;
    }
    job.deploy();
    const failing = this.failingStarts.shift();
    if (failing !== undefined) {
      cluster.timeline.after(failing.afterMs, () => job.setState('FAILED', failing.fixture));
    }
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
        : null;
    if (problem === null) return null;
    const known = "Could not parse value 'soon' for key 'execution.checkpointing.interval'.";
    return replyLike(version, 'run-refused-bad-configuration', [], [[known, problem]]);
  }

  /** null: no path was given, so the job starts empty. */
  private readSavepoint(body: JsonObject, jobId: string): { id: number; location: string } | { reply: Reply } | null {
    const asked = typeof body['savepointPath'] === 'string' ? body['savepointPath'] : '';
    if (asked === '') return null;
    const { version, folder, knownLocations } = this.cluster;
    const refused = (fixture: string, replacements: [string, string][] = []): { reply: Reply } => ({
      reply: this.refuseRestore(fixture, jobId, [...replacements, namedLike(body)], nameOf(body)),
    });
    const folded = foldLocation(asked, folder);
    if (folded.kind !== 'location') {
      const own = unknownScheme(version, firstError(version, 'run-restore-unknown-scheme'), folded);
      return refused('run-restore-unknown-scheme', [['s3://bucket/sp', asked], own]);
    }
    const location = folded.location.replace(/\/_metadata$/, '');
    const known = knownLocations.get(location);
    const file = localPath(folded.location);
    // Another file system, or a savepoint made with `writesFiles` off: nothing to look at.
    if (file === null) return { id: known ?? 1, location };
    const found = inspectSnapshot(file);
    if (found.kind === 'no-such-path' && known !== undefined && !this.cluster.knobs.writesFiles)
      return { id: known, location };
    const askedThen = savepointPathOf(version, found.kind);
    if (found.kind === 'no-such-path') return refused('run-restore-no-such-path', [[askedThen, asked]]);
    if (found.kind === 'no-metadata') return refused('run-restore-no-metadata', [[foldedOnce(askedThen), location]]);
    if (found.kind === 'bad-magic') return refused('run-restore-bad-magic');
    if (found.kind === 'truncated') return refused('run-restore-truncated-metadata');
    const tooNew = found.formatVersion > METADATA_VERSION[version];
    if (tooNew && hasCaptured(version, 'run-restore-other-version')) return refused('run-restore-other-version');
    return { id: found.checkpointId, location };
  }
}

function argumentsOf(body: JsonObject): string[] {
  return Array.isArray(body['programArgsList']) ? body['programArgsList'].map(String) : [];
}

/** `name=x` or `--name x` among the program's arguments. */
function nameOf(body: JsonObject): string {
  const program = argumentsOf(body);
  const short = program.find((argument) => argument.startsWith('name='))?.slice('name='.length);
  return short ?? (program.includes('--name') ? program[program.indexOf('--name') + 1] : undefined) ?? CAPTURED_NAME;
}

/** Exchanges the captured name of the job in a trace. */
const namedLike = (body: JsonObject): [string, string] => [`'${CAPTURED_NAME}'`, `'${nameOf(body)}'`];

/** The path that was asked for when the refusal was captured. */
function savepointPathOf(version: FakeVersion, kind: string): string {
  const name = `run-restore-${kind}`;
  if (!hasCaptured(version, name)) return '\u0000';
  const { body } = captured(version, name).request;
  return String((body as JsonObject | undefined)?.['savepointPath'] ?? '\u0000');
}

const foldedOnce = (text: string): string => text.replace(/^file:\/+/, 'file:/');
type FakeVersion = Parameters<typeof hasCaptured>[0];
