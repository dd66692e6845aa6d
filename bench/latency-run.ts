import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { StatewardClient } from '../demo/stateward-client.js';
import type { DrivingTask } from './bare-driver.js';
import { type Child, messageOf } from './child.js';
import type { SeededDeployment } from './seed-deployments.js';

/** One savepoint as the product's client saw it; times of performance.now() but where they say so. */
export interface Taken {
  savepointId: string;
  /** From the mutation's first byte to the event that says COMPLETED. */
  durationMs: number;
  /** From the mutation's first byte to its answer. */
  acceptedMs: number;
  /** Epoch ms. */
  toldAt: number;
}

/** When each savepoint of a round begins, from the begin of the round. */
export type Schedule = readonly number[];

export const evenly = (count: number, perSecond: number): Schedule =>
  Array.from({ length: count }, (_, at) => (at * 1000) / perSecond);
export const atOnce = (count: number): Schedule => Array.from({ length: count }, () => 0);

const TOLD_WITHIN_MS = 60_000;
/** As many as Stateward opens to one JobManager. */
const CONNECTIONS = 4;

const EVENTS = `subscription($id: ID!) { deploymentEvents(deploymentId: $id, after: "0") { event { type savepointId } } }`;
interface EventData {
  deploymentEvents: { event: { type: string; savepointId: string | null } };
}

/** Operations on one WebSocket; the API allows 50. */
const PER_SOCKET = 40;

/** A client of the API: mutations over HTTP, and a subscription for each deployment, on several WebSockets. */
export class Taker {
  private readonly api: StatewardClient;
  private readonly sockets: Client[] = [];
  private readonly waiting = new Map<string, { resolve: (event: EventData) => void; reject: (error: Error) => void }>();

  constructor(
    url: string,
    private readonly deployments: readonly SeededDeployment[],
  ) {
    this.api = new StatewardClient(url);
    for (let from = 0; from < deployments.length; from += PER_SOCKET) {
      const socket = createClient({
        url: `${url.replace('http', 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        retryAttempts: 0,
        lazy: false,
      });
      this.sockets.push(socket);
      for (const { id } of deployments.slice(from, from + PER_SOCKET)) this.follow(socket, id);
    }
  }

  /** One savepoint of each deployment, in turn. */
  async takeAll(schedule: Schedule): Promise<Taken[]> {
    return Promise.all(
      schedule.map(async (atMs, number) => {
        await sleep(atMs);
        const deployment = this.deployments[number];
        if (!deployment) throw new Error('There are fewer deployments than savepoints');
        return this.take(deployment.id);
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.sockets.map((socket) => socket.dispose()));
  }

  private async take(deploymentId: string): Promise<Taken> {
    const sentAt = performance.now();
    const told = this.endOf(deploymentId).then((data) => ({ data, at: performance.now(), epoch: Date.now() }));
    const accepted = this.api
      .change<{ id: string }>('createSavepoint', { deploymentId }, '... on Savepoint { id }')
      .then(({ id }) => ({ id, at: performance.now() }));
    const [end, { id, at }] = await Promise.all([told, accepted]);
    const { type, savepointId } = end.data.deploymentEvents.event;
    if (type !== 'SAVEPOINT_COMPLETED' || savepointId !== id)
      throw new Error(`Savepoint ${id}: told of ${type} of savepoint ${savepointId}`);
    return { savepointId: id, durationMs: end.at - sentAt, acceptedMs: at - sentAt, toldAt: end.epoch };
  }

  private endOf(deploymentId: string): Promise<EventData> {
    return new Promise<EventData>((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`No event told the end of a savepoint within ${TOLD_WITHIN_MS / 1000} s`)),
        TOLD_WITHIN_MS,
      );
      const settle = () => {
        clearTimeout(late);
        this.waiting.delete(deploymentId);
      };
      this.waiting.set(deploymentId, {
        resolve: (data) => (settle(), resolve(data)),
        reject: (error) => (settle(), reject(error)),
      });
    });
  }

  private follow(socket: Client, deploymentId: string): void {
    const fail = (problem: unknown) =>
      this.waiting.get(deploymentId)?.reject(new Error(`A subscription ended: ${JSON.stringify(problem)}`));
    socket.subscribe<EventData>(
      { query: EVENTS, variables: { id: deploymentId } },
      {
        next: ({ data, errors }) => {
          if (!data) return fail(errors);
          const { type } = data.deploymentEvents.event;
          if (type === 'SAVEPOINT_COMPLETED' || type === 'SAVEPOINT_FAILED')
            this.waiting.get(deploymentId)?.resolve(data);
        },
        error: fail,
        complete: () => fail('complete'),
      },
    );
  }
}

/** The same round by the bare driver. */
export async function driveBare(
  driver: Child,
  deployments: readonly SeededDeployment[],
  schedule: Schedule,
  pollMs: number,
): Promise<number[]> {
  const savepoints = schedule.flatMap((atMs, number) => {
    const deployment = deployments[number];
    return deployment ? [{ url: deployment.cluster.url, jobId: deployment.flinkJobId, atMs }] : [];
  });
  const task: DrivingTask = { savepoints, pollMs, connections: CONNECTIONS };
  const answer = messageOf<{ durationsMs?: number[]; error?: string }>(driver, 'The bare driver');
  driver.process.send(task);
  const { durationsMs, error } = await answer;
  if (!durationsMs) throw new Error(`The bare driver failed: ${error}`);
  return durationsMs;
}
