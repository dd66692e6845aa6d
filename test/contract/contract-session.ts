import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { FormData, request } from 'undici';
import { FlinkClient } from '../../src/flink/flink-client.js';
import { causesIn, shapeOf, type AnswerShape } from '../support/answer-shape.js';
import { waitFor } from '../support/wait-for.js';
import type { ContractTarget, JobWish } from './contract-target.js';

export interface Answer {
  status: number;
  contentType: string;
  body: unknown;
}

/** Of the job that the cases run, and of the one from which the fake's replies were captured. */
const WORDS_OF_PROGRAMS = /Told to fail .*|(record|main|close) failed on purpose/;
const RESTARTS_LATE = {
  'restart-strategy.type': 'fixed-delay',
  'restart-strategy.fixed-delay.attempts': '10',
  'restart-strategy.fixed-delay.delay': '1 h',
};
const ENDED = ['FINISHED', 'CANCELED', 'FAILED'];

export const newId = (): string => randomBytes(16).toString('hex');
export const textOf = ({ body }: Answer): string => JSON.stringify(body);

/** One case at one cluster: asks plainly, keeps the shapes of the answers that it names, and ends its jobs. */
export class ContractSession {
  readonly client: FlinkClient;
  /** By the name that the case gave the answer. */
  readonly shapes: Record<string, AnswerShape> = {};
  private readonly jobs: string[] = [];

  constructor(readonly target: ContractTarget) {
    this.client = new FlinkClient(target.url);
  }

  /** `ask('GET /jobs')`: without keeping its shape. A text is sent as it is. */
  async ask(route: string, body?: object | string): Promise<Answer> {
    const [method = '', path = ''] = route.split(' ');
    const response = await request(this.target.url + path, {
      method: method as 'GET',
      ...(body !== undefined && {
        body: typeof body === 'string' ? body : JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    });
    return readAnswer(response);
  }

  /** Asks, and holds the answer's shape against that of the other cluster. */
  async take(name: string, route: string, body?: object | string): Promise<Answer> {
    return this.note(name, await this.ask(route, body));
  }

  note(name: string, answer: Answer): Answer {
    const { status, contentType, body } = answer;
    const causes = causesIn(body).map((cause) => cause.replace(WORDS_OF_PROGRAMS, '<what the program says>'));
    this.shapes[name] = { status, contentType, body: shapeOf(body), causes };
    return answer;
  }

  /** Asks until the answer fits, and keeps the shape of that one. */
  async takeWhen(name: string, route: string, fits: (body: never) => unknown): Promise<Answer> {
    return waitFor(
      async () => {
        const answer = await this.ask(route);
        return fits(answer.body as never) ? this.note(name, answer) : false;
      },
      { timeoutMs: 20_000, what: `${route} to answer as ${name}` },
    );
  }

  async upload(fileName: string, content: Buffer): Promise<Answer> {
    const form = new FormData();
    form.append('jarfile', new Blob([new Uint8Array(content)]), fileName);
    return readAnswer(await request(`${this.target.url}/jars/upload`, { method: 'POST', body: form }));
  }

  /** Uploads the test job. Returns the jar's id. */
  async uploadedJar(): Promise<string> {
    const { body } = await this.upload('counter.jar', await readFile(this.target.jarFile));
    return basename((body as { filename: string }).filename);
  }

  /** The body of a run that starts the test job with a new id. */
  runBody(wish: JobWish = {}): Record<string, unknown> & { jobId: string } {
    this.target.prepareFor(wish);
    const jobId = newId();
    this.jobs.push(jobId);
    const { parallelism = 2, slowSnapshotMs = 0, savepointPath, allowNonRestoredState } = wish;
    const flinkConfiguration = { ...wish.flinkConfiguration, ...(wish.restartsLate && RESTARTS_LATE) };
    return {
      jobId,
      parallelism,
      programArgsList: [
        ...['--name', 'orders', '--slow-snapshot-ms', String(slowSnapshotMs)],
        ...(wish.checkpointIntervalMs ? ['--checkpoint-interval-ms', String(wish.checkpointIntervalMs)] : []),
        ...(wish.fails ? ['--fail-after-records', '5'] : []),
        ...(wish.failsOnClose ? ['--fail-on-close'] : []),
        ...(wish.maxParallelism ? ['--max-parallelism', String(wish.maxParallelism)] : []),
        ...(wish.counterUid ? ['--counter-uid', wish.counterUid] : []),
      ],
      ...(savepointPath !== undefined && { savepointPath, claimMode: 'NO_CLAIM' }),
      ...(allowNonRestoredState !== undefined && { allowNonRestoredState }),
      flinkConfiguration,
    };
  }

  /** A job of its own, all tasks of which run. Returns its id. */
  async startJob(wish: JobWish = {}): Promise<string> {
    const body = this.runBody(wish);
    const answer = await this.ask(`POST /jars/${await this.uploadedJar()}/run`, body);
    if (answer.status !== 200) throw new Error(`The job was not started: ${answer.status} ${textOf(answer)}`);
    if (!wish.fails) await this.waitUntilRunning(body.jobId);
    return body.jobId;
  }

  async waitUntilRunning(jobId: string): Promise<void> {
    await waitFor(
      async () => {
        const job = (await this.client.jobs()).find((one) => one.jobId === jobId);
        return job !== undefined && job.tasks.TOTAL === job.tasks.RUNNING && job.state === 'RUNNING';
      },
      { timeoutMs: 20_000, what: `all tasks of job ${jobId} to run` },
    );
  }

  async waitForState(jobId: string, state: string): Promise<void> {
    await waitFor(async () => (await this.stateOf(jobId)) === state, {
      timeoutMs: 20_000,
      what: `job ${jobId} to be ${state}`,
    });
  }

  async stateOf(jobId: string): Promise<string | null> {
    const { status, body } = await this.ask(`GET /jobs/${jobId}/status`);
    return status === 200 ? (body as { status: string }).status : null;
  }

  /** Cancels what it started and waits, so that the slots are free for the next case. */
  async end(): Promise<void> {
    for (const jobId of this.jobs) await this.ask(`PATCH /jobs/${jobId}?mode=cancel`);
    for (const jobId of this.jobs) {
      await waitFor(async () => [...ENDED, null].includes(await this.stateOf(jobId)), {
        timeoutMs: 20_000,
        what: `job ${jobId} to end`,
      });
    }
    await this.client.close();
  }
}

async function readAnswer({ statusCode, headers, body }: Awaited<ReturnType<typeof request>>): Promise<Answer> {
  const text = await body.text();
  return { status: statusCode, contentType: String(headers['content-type']), body: JSON.parse(text) as unknown };
}
