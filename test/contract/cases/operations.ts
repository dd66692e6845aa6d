import { expect } from '@jest/globals';
import { newId, type Answer, type ContractSession } from '../contract-session.js';

/** Of the checkpoint statistics, what the cases look at. */
export interface Statistics {
  counts: Record<string, number>;
  latest: { completed: Entry | null; savepoint: Entry | null; restored: Entry | null };
  history: Entry[];
}

interface Entry {
  id: number;
  status: string;
  num_acknowledged_subtasks: number;
  external_path: string;
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
