import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Data } from './graphql-client.js';
import type { RealScene } from './real-scene.js';
import { createDeployment } from './scenario.js';
import { waitFor } from './wait-for.js';

const KEYS = 50;
/** Every so many records of a key one is written to the file. */
export const EVERY = 5;
export const COUNTS_MS = 30_000;

let files = 0;

/** Deployments of the counting job: started and stopped, and what they have written. */
export function countersOn(scene: RealScene) {
  const newFile = () => join(scene.real.folder, `counts-${++files}.txt`);
  const argumentsFor = (file: string) => [
    ...['--keys', String(KEYS), '--rate', String(KEYS * 20), '--output-file', file, '--output-every', String(EVERY)],
    ...['--checkpoint-interval-ms', '1000', '--parallelism', '2'],
  ];
  const newDeployment = (name: string, file: string, more: object = {}) =>
    createDeployment(scene.stateward, scene.clusterId, scene.artifactId, name, {
      programArguments: argumentsFor(file),
      ...more,
    });

  async function start(deploymentId: string, start: object): Promise<Data> {
    const { startDeployment: asked } = await scene.stateward.ask(
      `mutation($input: StartDeploymentInput!) { startDeployment(input: $input) { __typename ... on Job { id } ... on UserError { code message } } }`,
      { input: { deploymentId, start } },
    );
    if (!asked.id) throw new Error(`Not started: ${JSON.stringify(asked)}`);
    const { job } = await scene.stateward.ask(
      `query($id: ID!) { job(id: $id, waitMs: 60000) { id run state flinkJobId waitingFor failureMessage programArguments } }`,
      { id: asked.id },
    );
    if (job.state !== 'RUNNING') throw new Error(`Did not start: ${JSON.stringify(job)}`);
    return job;
  }

  /** To its end. */
  async function stop(deploymentId: string, more: object): Promise<Data> {
    const { stopDeployment: asked } = await scene.stateward.ask(
      `mutation($input: StopDeploymentInput!) { stopDeployment(input: $input) { __typename ... on Stop { id } ... on UserError { code message } } }`,
      { input: { deploymentId, ...more } },
    );
    if (!asked.id) throw new Error(`Not stopped: ${JSON.stringify(asked)}`);
    const { stop: ended } = await scene.stateward.ask(
      `query($id: ID!) { stop(id: $id, waitMs: 60000) { state outcome failure { code message } savepoint { id state location drained } } }`,
      { id: asked.id },
    );
    return ended;
  }

  /** Whatever it has made. */
  const end = (deploymentId: string) => stop(deploymentId, { mode: 'WITHOUT_SAVEPOINT', acceptStateLoss: true });

  /** Per key the numbers that were written, in their order. */
  async function counts(file: string): Promise<Map<string, number[]>> {
    const text = await readFile(file, 'utf8').catch(() => '');
    const numbers = new Map<string, number[]>();
    for (const line of text.split('\n').filter(Boolean)) {
      const [key = '', value = ''] = line.split('=');
      numbers.set(key, [...(numbers.get(key) ?? []), Number(value)]);
    }
    return numbers;
  }
  const counted = (file: string, atLeast = 1) =>
    waitFor(
      async () => {
        const numbers = await counts(file);
        return numbers.size === KEYS && [...numbers.values()].every((all) => all.length >= atLeast) && numbers;
      },
      { what: `${KEYS} counters to be written to ${file}`, timeoutMs: COUNTS_MS },
    );
  return { newFile, argumentsFor, newDeployment, start, stop, end, counts, counted };
}
