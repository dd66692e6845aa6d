import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { FlinkClient } from '../../src/flink/flink-client.js';
import type { ClusterFacts, FlinkReply, PlannedOperator, SnapshotEntry } from '../../src/flink/flink.types.js';
import type { RealFlink } from './real-flink.js';
import { waitFor } from './wait-for.js';

/** What is asked for beside the jar: ChangingJob.java tells what its arguments change. */
export interface Program {
  arguments: string[];
  parallelism: number;
  configuration: Record<string, string>;
}

export type SnapshotKind = 'CANONICAL' | 'NATIVE' | 'CHECKPOINT';

export interface TakenSnapshot {
  kind: SnapshotKind;
  program: Program;
  /** The cluster that made it. */
  by: ChangingJobs;
  /** The folder of `_metadata`. */
  folder: string;
  /** What Flink's statistics say of it. */
  entry: SnapshotEntry;
  /** What the state of each operator and key holds in it at the least, and at the most. */
  atLeast: Counts;
  atMost: Counts;
}

/** By operator and key. */
type Counts = Map<string, number>;

/** What became of the state of an operator: it has that of another where ids have come to mean other operators. */
export type CameBack = 'KEPT' | 'LOST' | 'OF_ANOTHER';

/** What Flink did with a start. */
export type Outcome =
  | { is: 'REFUSED' | 'FAILED'; message: string }
  /** By the operators with state that the job has. */
  | { is: 'RUNNING'; state: Record<string, CameBack> };

const KEYS = 8;
/** By how much each counts. */
const STEPS: Record<string, number> = { counter: 1, second: 1000, third: 1 };
const SEEN_MS = 60_000;

/** Runs a job that changes on a real cluster, takes snapshots of it, and sees what came back out of them. */
export class ChangingJobs {
  readonly client: FlinkClient;

  private constructor(
    readonly real: RealFlink,
    private readonly jarId: string,
    readonly facts: ClusterFacts,
  ) {
    this.client = new FlinkClient(real.flink.url);
  }

  static async on(real: RealFlink): Promise<ChangingJobs> {
    const client = new FlinkClient(real.flink.url);
    const { jarId } = accepted(
      await client.uploadJar({ path: real.jars.ChangingJob ?? '', name: 'changing.jar' }),
      'upload',
    );
    const facts = await client.clusterFacts();
    await client.close();
    return new ChangingJobs(real, jarId, facts);
  }

  async plan(program: Program): Promise<PlannedOperator[]> {
    return accepted(await this.client.planJar(this.jarId, this.bodyOf(program)), 'plan').operators;
  }

  /** Until all of its operators with state have counted each key twice, so that none of them holds 0. */
  async start(program: Program): Promise<string> {
    const jobId = newFlinkId();
    accepted(await this.client.runJar(this.jarId, { jobId, ...this.bodyOf(program) }), 'start');
    const wanted = statefulIn(await this.plan(program)).length * KEYS;
    await waitFor(
      async () => {
        const { last } = await this.counts(jobId);
        if (last.size < wanted || [...last.values()].includes(0)) return false;
        // The JobManager hears of a task that runs after its first records are through, and makes no snapshot before.
        const { TOTAL, RUNNING } = (await this.client.jobs()).find((job) => job.jobId === jobId)?.tasks ?? {};
        return TOTAL !== undefined && RUNNING === TOTAL;
      },
      { what: `all counters of ${jobId}`, timeoutMs: SEEN_MS },
    );
    return jobId;
  }

  async savepoint(jobId: string, program: Program, format: 'CANONICAL' | 'NATIVE'): Promise<TakenSnapshot> {
    const { last: before } = await this.counts(jobId);
    const triggerId = newFlinkId();
    const targetDirectory = `file://${this.real.flink.savepointFolder}/${triggerId}`;
    accepted(await this.client.triggerSavepoint(jobId, { triggerId, targetDirectory, format }), 'savepoint');
    const ended = await waitFor(
      async () => {
        const operation = await this.client.savepointOperation(jobId, triggerId);
        return operation.status !== 'PENDING' && operation;
      },
      { what: 'the savepoint', timeoutMs: SEEN_MS },
    );
    if (ended.status !== 'COMPLETED') throw new Error(`No savepoint of ${jobId}: ${JSON.stringify(ended)}`);
    return this.taken(jobId, program, format, before, ended.location.replace(/^file:/, ''));
  }

  /** Ends the job; what it leaves behind is its newest checkpoint. */
  async retainedCheckpoint(jobId: string, program: Program): Promise<TakenSnapshot> {
    const { last: before } = await this.counts(jobId);
    const countedAt = Date.now();
    // One that was triggered before may hold less than was counted. Cluster and test have one clock.
    await waitFor(
      async () => ((await this.client.checkpoints(jobId))?.latest.completed?.triggeredAt ?? 0) > countedAt,
      { what: `a checkpoint of ${jobId}`, timeoutMs: SEEN_MS },
    );
    await this.cancel(jobId);
    const newest = await waitFor(async () => this.newestCheckpoint(jobId), {
      what: `the checkpoint that ${jobId} leaves behind`,
      timeoutMs: SEEN_MS,
    });
    return this.taken(jobId, program, 'CHECKPOINT', before, newest);
  }

  /** Once the disk and Flink agree which it is: of one that was not completed a folder may be left for a moment. */
  private async newestCheckpoint(jobId: string): Promise<string | null> {
    const folder = join(this.real.flink.checkpointFolder, jobId);
    const whole = (await readdir(folder)).filter((name) => existsSync(join(folder, name, '_metadata')));
    const newest = Math.max(...whole.map((name) => Number(/^chk-(\d+)$/.exec(name)?.[1])));
    const completed = (await this.client.checkpoints(jobId))?.latest.completed?.id;
    return completed === newest ? join(folder, `chk-${newest}`) : null;
  }

  /** Starts a program from a snapshot, and ends it once it is seen what came of that. */
  async restore(
    program: Program,
    from: Pick<TakenSnapshot, 'folder' | 'atLeast' | 'atMost'>,
    allowNonRestoredState: boolean,
  ): Promise<Outcome> {
    const jobId = newFlinkId();
    const start = { savepointPath: `file://${from.folder}`, allowNonRestoredState };
    const reply = await this.client.runJar(this.jarId, { jobId, ...this.bodyOf(program), ...start });
    if (reply.outcome === 'REFUSED') return { is: 'REFUSED', message: whole(reply.cause.messages) };
    const wanted = statefulIn(await this.plan(program)).length * KEYS;
    const outcome = await waitFor(
      async (): Promise<Outcome | false> => {
        if ((await this.client.jobStatus(jobId)) === 'FAILED') {
          const failure = await this.client.jobFailure(jobId);
          return failure !== null && { is: 'FAILED', message: whole(failure.messages) };
        }
        const { first, numbers } = await this.counts(jobId);
        return first.size === wanted && { is: 'RUNNING', state: cameBack(first, numbers, from) };
      },
      { what: `what comes of the start of ${jobId}`, timeoutMs: SEEN_MS },
    );
    if (outcome.is === 'RUNNING') await this.cancel(jobId);
    return outcome;
  }

  async cancel(jobId: string): Promise<void> {
    accepted(await this.client.cancelJob(jobId), 'cancel');
    await waitFor(async () => (await this.client.jobStatus(jobId)) === 'CANCELED', {
      what: `the end of ${jobId}`,
      timeoutMs: SEEN_MS,
    });
  }

  private bodyOf(program: Program) {
    return {
      entryClass: null,
      programArguments: ['--output-folder', this.real.folder, ...program.arguments],
      parallelism: program.parallelism,
      flinkConfiguration: program.configuration,
    };
  }

  private async taken(
    jobId: string,
    program: Program,
    kind: SnapshotKind,
    atLeast: Counts,
    folder: string,
  ): Promise<TakenSnapshot> {
    const { last } = await this.counts(jobId);
    const atMost = new Map([...last].map(([place, count]) => [place, count + (STEPS[place.split(' ')[0] ?? ''] ?? 0)]));
    const entry = await waitFor(
      async () =>
        (await this.client.checkpoints(jobId))?.history.find(
          ({ location, status }) => status === 'COMPLETED' && location !== null && location === `file:${folder}`,
        ),
      { what: `Flink's statistics to show ${basename(folder)}`, timeoutMs: SEEN_MS },
    );
    return { kind, program, by: this, folder, entry, atLeast, atMost };
  }

  /** What the job has written: what each operator held before its first and its last record of each key, and the numbers that came. */
  private async counts(jobId: string): Promise<{ first: Counts; last: Counts; numbers: Set<number> }> {
    const text = await readFile(join(this.real.folder, jobId), 'utf8').catch(() => '');
    const [first, last] = [new Map<string, number>(), new Map<string, number>()];
    const numbers = new Set<number>();
    for (const line of text.split('\n').slice(0, -1)) {
      const [operator, key, before, number] = line.split(' ');
      const place = `${operator} ${key}`;
      if (!first.has(place)) first.set(place, Number(before));
      last.set(place, Number(before));
      numbers.add(Number(number));
    }
    return { first, last, numbers };
  }
}

/** The source begins with 0, so that whoever sees it sees a source that has begun anew. */
function cameBack(
  first: Counts,
  numbers: ReadonlySet<number>,
  { atLeast, atMost }: Pick<TakenSnapshot, 'atLeast' | 'atMost'>,
): Record<string, CameBack> {
  const kinds: Record<string, Set<CameBack>> = { source: new Set([numbers.has(0) ? 'LOST' : 'KEPT']) };
  for (const [place, count] of first) {
    const isKept = count >= (atLeast.get(place) ?? Infinity) && count <= (atMost.get(place) ?? -Infinity);
    (kinds[place.split(' ')[0] ?? ''] ??= new Set()).add(count === 0 ? 'LOST' : isKept ? 'KEPT' : 'OF_ANOTHER');
  }
  return Object.fromEntries(
    Object.entries(kinds).map(([operator, seen]) => {
      const [one, ...more] = seen;
      if (!one || more.length > 0) throw new Error(`Of the keys of ${operator} some came back, and some did not`);
      return [operator, one];
    }),
  );
}

function statefulIn(operators: readonly PlannedOperator[]): PlannedOperator[] {
  return operators.filter(({ name }) => name in STEPS);
}

function accepted<T>(reply: FlinkReply<T>, what: string): T {
  if (reply.outcome === 'REFUSED') throw new Error(`The ${what} was refused: ${reply.cause.summary}`);
  return reply;
}

const newFlinkId = () => randomBytes(16).toString('hex');
const whole = (messages: readonly string[]) => messages.join(' | ');
