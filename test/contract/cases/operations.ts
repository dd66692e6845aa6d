import { expect } from '@jest/globals';
import { waitFor } from '../../support/wait-for.js';
import { newId, type Answer, type ContractSession } from '../contract-session.js';

/** Of the checkpoint statistics, what the cases look at. */
export interface Statistics {
  counts: Record<string, number>;
  latest: { completed: Entry | null; savepoint: Entry | null; restored: Entry | null };
  history: Entry[];
}

export interface Entry {
  id: number;
  status: string;
  num_acknowledged_subtasks: number;
  external_path: string;
  discarded: boolean;
}

/** What a poll says of an operation: COMPLETED also when it has failed. */
export const isCompleted = ({ status }: { status: { id: string } }): boolean => status.id === 'COMPLETED';

export interface Triggered {
  triggerId: string;
  /** Of the poll: `GET /…`. */
  path: string;
  /** The directory that was asked for. */
  directory: string;
}

/** Triggers a savepoint into a folder of its own. */
export async function triggerSavepoint(flink: ContractSession, jobId: string, body: object = {}): Promise<Triggered> {
  const triggerId = newId();
  const directory = await flink.target.newFolder();
  const answer = await flink.ask(`POST /jobs/${jobId}/savepoints`, {
    triggerId,
    'target-directory': `file://${directory}`,
    ...body,
  });
  expect(answer).toMatchObject({ status: 202, body: { 'request-id': triggerId } });
  return { triggerId, directory, path: `GET /jobs/${jobId}/savepoints/${triggerId}` };
}

/** Makes a savepoint and returns its location. */
export async function makeSavepoint(flink: ContractSession, jobId: string, body: object = {}): Promise<string> {
  const { path } = await triggerSavepoint(flink, jobId, body);
  return locationIn(await flink.takeWhen('savepoint that was made', path, isCompleted));
}

/** Stops a job into a folder of its own. */
export async function stopJob(flink: ContractSession, jobId: string, body: object = {}): Promise<Triggered> {
  const triggerId = newId();
  const directory = await flink.target.newFolder();
  const wanted = { triggerId, targetDirectory: `file://${directory}`, drain: false, ...body };
  const answer = await flink.take('stop accepted', `POST /jobs/${jobId}/stop`, wanted);
  expect(answer).toMatchObject({ status: 202, body: { 'request-id': triggerId } });
  return { triggerId, directory, path: `GET /jobs/${jobId}/savepoints/${triggerId}` };
}

/** Has a checkpoint made, and answers what the statistics say of it. */
export async function takeCheckpoint(flink: ContractSession, jobId: string): Promise<Entry> {
  const triggerId = newId();
  await flink.ask(`POST /jobs/${jobId}/checkpoints`, { triggerId });
  const path = `GET /jobs/${jobId}/checkpoints/${triggerId}`;
  const { body } = await flink.takeWhen('checkpoint that was made', path, isCompleted);
  const { checkpointId } = (body as { operation: { checkpointId: number } }).operation;
  const made = ({ latest }: Statistics): boolean => latest.completed?.id === checkpointId;
  return (await statisticsWhen(flink, jobId, made)).latest.completed as Entry;
}

export async function statisticsWhen(
  flink: ContractSession,
  jobId: string,
  fits: (seen: Statistics) => boolean,
): Promise<Statistics> {
  return waitFor(
    async () => {
      const { status, body } = await flink.ask(`GET /jobs/${jobId}/checkpoints`);
      return status === 200 && fits(body as Statistics) && (body as Statistics);
    },
    { timeoutMs: 20_000, what: `the statistics of job ${jobId}` },
  );
}

/** Cancels, and waits until it is. */
export async function cancelJob(flink: ContractSession, jobId: string): Promise<void> {
  expect(await flink.client.cancelJob(jobId)).toEqual({ outcome: 'ACCEPTED' });
  await flink.waitForState(jobId, 'CANCELED');
}

/** The job's line of the list of jobs; other cases leave ended jobs in it. */
export async function takeListed(flink: ContractSession, jobId: string): Promise<Answer> {
  const answer = await flink.ask('GET /jobs/overview');
  const { jobs } = answer.body as { jobs: { jid: string }[] };
  return flink.note('listed', { ...answer, body: { jobs: jobs.filter(({ jid }) => jid === jobId) } });
}

export function locationIn({ body }: Answer): string {
  const { operation } = body as { operation: { location?: string } };
  expect(operation.location).toMatch(/^file:\/[^/]/);
  return operation.location ?? '';
}

export const folderOf = (location: string): string => location.replace(/^file:/, '');
