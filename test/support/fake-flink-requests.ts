import path from 'node:path';
import type { FakeFlink } from '../../demo/fake-flink/fake-flink.js';

/** Plain requests of a test to a fake Flink, without the client under test. */

export interface Answer {
  status: number;
  body: unknown;
}

/** 32 hex characters: a trigger id that tests may use. */
export const TRIGGER = 'a'.repeat(32);
export const OTHER_TRIGGER = 'b'.repeat(32);
/** The id that {@link run} asks for. */
export const JOB = 'c'.repeat(32);

/** `ask(flink, 'GET /jobs')`. Redirects are not followed. */
export async function ask(flink: FakeFlink, route: string, body?: unknown): Promise<Answer> {
  const [method = '', target = ''] = route.split(' ');
  const response = await fetch(flink.url + target, {
    method,
    redirect: 'manual',
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  return { status: response.status, body: JSON.parse(await response.text()) as unknown };
}

export async function upload(
  flink: FakeFlink,
  name = 'job.jar',
  content: string | Buffer<ArrayBuffer> = 'PK\u0003\u0004',
): Promise<Answer> {
  const form = new FormData();
  form.append('jarfile', new Blob([content]), name);
  const response = await fetch(`${flink.url}/jars/upload`, { method: 'POST', body: form });
  return { status: response.status, body: await response.json() };
}

/** Uploads a jar and returns its id. */
export async function uploadedJar(flink: FakeFlink): Promise<string> {
  const { body } = await upload(flink);
  return path.basename((body as { filename: string }).filename);
}

export function trigger(flink: FakeFlink, jobId: string, body: object = {}): Promise<Answer> {
  return ask(flink, `POST /jobs/${jobId}/savepoints`, { triggerId: TRIGGER, ...body });
}

/** A stop under the same trigger id, unless told otherwise. */
export function stop(flink: FakeFlink, jobId: string, body: object = {}): Promise<Answer> {
  return ask(flink, `POST /jobs/${jobId}/stop`, { triggerId: TRIGGER, ...body });
}

export function cancel(flink: FakeFlink, jobId: string): Promise<Answer> {
  return ask(flink, `PATCH /jobs/${jobId}?mode=cancel`);
}

export function poll(flink: FakeFlink, jobId: string, triggerId = TRIGGER): Promise<Answer> {
  return ask(flink, `GET /jobs/${jobId}/savepoints/${triggerId}`);
}

/** Asks again until the answer fits; the test's own time limit ends it. */
export async function until(question: () => Promise<Answer>, fits: (answer: Answer) => boolean): Promise<Answer> {
  for (;;) {
    const answer = await question();
    if (fits(answer)) return answer;
  }
}

/** The answer as text, to look for a cause in it. */
export const textOf = ({ body }: Answer): string => JSON.stringify(body);
export const locationOf = (answer: Answer): string => /"location":"([^"]*)"/.exec(textOf(answer))?.[1] ?? '';
export const onDisk = (location: string): string => location.replace(/^file:/, '');
export const firstMade = (flink: FakeFlink): string => flink.savepointsMade[0]?.location ?? '';
/** Uploads a jar and runs it as the job {@link JOB}. */
export const run = async (flink: FakeFlink, body: object = {}): Promise<Answer> =>
  ask(flink, `POST /jars/${await uploadedJar(flink)}/run`, { jobId: JOB, ...body });

export interface Entry {
  id: number;
  status: string;
  num_subtasks: number;
  num_acknowledged_subtasks: number;
  checkpointed_size: number;
  external_path: string;
  failure_message: string;
  discarded: boolean;
  trigger_timestamp: number;
}
export interface Restored {
  id: number;
  external_path: string;
  is_savepoint: boolean;
}
export interface Statistics {
  counts: Record<string, number>;
  history: Entry[];
  latest: { completed: Entry | null; savepoint: Entry | null; failed: Entry | null; restored: Restored | null };
}
export async function statistics(flink: FakeFlink, jobId: string): Promise<Statistics> {
  return (await ask(flink, `GET /jobs/${jobId}/checkpoints`)).body as Statistics;
}
