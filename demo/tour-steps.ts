import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { DemoFlink } from './demo-flink.js';
import { bytes, live, say, seconds } from './screen.js';
import type { StatewardClient } from './stateward-client.js';

export const PARALLELISM = 4;
/** A key writes each so many-th number that it counts to. */
export const COUNTS_EVERY = 10;

/** Each of the counter's subtasks takes 2 s longer than the one before: progress that a person can watch. */
export function counterArguments(flink: Pick<DemoFlink, 'countsFolder'>, name: string): string[] {
  const counts = countsFile(flink, name);
  return [
    ...['--rate', '2000', '--keys', '100', '--state-bytes', '20000', '--parallelism', String(PARALLELISM)],
    ...['--slow-snapshot-ms', '1500', '--checkpoint-interval-ms', '60000'],
    ...(counts ? ['--output-file', counts, '--output-every', String(COUNTS_EVERY)] : []),
  ];
}

export const countsFile = ({ countsFolder }: Pick<DemoFlink, 'countsFolder'>, name: string): string | null =>
  countsFolder === null ? null : join(countsFolder, `counts-${name}.txt`);

export interface StartedJob {
  id: string;
  run: number;
  state: string;
  flinkJobId: string;
  stateBackend: string;
  failureMessage: string | null;
}

/** Starts a deployment and waits until every task runs with the chosen state. */
export async function startAndWait(client: StatewardClient, deploymentId: string, start: object): Promise<StartedJob> {
  const { id } = await client.change<{ id: string }>('startDeployment', { deploymentId, start }, '... on Job { id }');
  const { job } = await client.ask<{ job: StartedJob }>(
    'query($id: ID!) { job(id: $id, waitMs: 60000) { id run state flinkJobId stateBackend failureMessage } }',
    { id },
  );
  if (job.state !== 'RUNNING')
    throw new Error(`The job is ${job.state}: ${job.failureMessage ?? 'it did not start within 60 s'}`);
  return job;
}

/** Shows how a savepoint is made, and where it lies then. */
export async function showSavepoint(client: StatewardClient, id: string): Promise<void> {
  await showProgress(client, id);
  const { savepoint } = await client.ask<{
    savepoint: { state: string; location: string; failure: { message: string } | null };
  }>(`query($id: ID!) { savepoint(id: $id, waitMs: 60000, details: true) { state location failure { message } } }`, {
    id,
  });
  if (savepoint.state !== 'COMPLETED')
    throw new Error(`The savepoint is ${savepoint.state}: ${savepoint.failure?.message}`);
  say(`COMPLETED: ${savepoint.location}`);
  const metadata = `${folderOf(savepoint.location)}/_metadata`;
  await access(metadata);
  say(`on disk:   ${metadata}`);
}

/** Flink and the demo are on one machine. */
export const folderOf = (location: string): string => location.replace(/^file:/, '');

interface Progress {
  state: string;
  progress: {
    acknowledgedSubtasks: number | null;
    totalSubtasks: number | null;
    bytes: number | null;
    elapsedMs: number;
    expectedDurationMs: number | null;
    noProgress: string | null;
  } | null;
}

/** Shows how a savepoint gets on, until its end. */
export function showProgress(client: StatewardClient, savepointId: string): Promise<void> {
  return client.follow<{ savepointProgress: { savepoint: Progress } }>(
    `subscription($id: ID!) { savepointProgress(id: $id) { savepoint { state
       progress { acknowledgedSubtasks totalSubtasks bytes elapsedMs expectedDurationMs noProgress } } } }`,
    { id: savepointId },
    ({ savepointProgress }) => live(progressLine(savepointProgress.savepoint)),
  );
}

function progressLine({ state, progress }: Progress): string {
  if (!progress) return state;
  const { acknowledgedSubtasks, totalSubtasks, elapsedMs, expectedDurationMs, noProgress } = progress;
  const expected =
    expectedDurationMs === null ? 'no earlier one to compare with' : `expected ${seconds(expectedDurationMs)}`;
  const elapsed = `${seconds(elapsedMs)} elapsed, ${expected}`;
  if (acknowledgedSubtasks === null || totalSubtasks === null)
    return `${state}: ${noProgress === 'NOT_YET_REPORTED' ? 'Flink has not reported it yet' : noProgress} · ${elapsed}`;
  const bar = '█'.repeat(Math.round((acknowledgedSubtasks / totalSubtasks) * 20)).padEnd(20, '░');
  return `${state}: ${bar} ${acknowledgedSubtasks} of ${totalSubtasks} subtasks, ${bytes(progress.bytes ?? 0)} · ${elapsed}`;
}
