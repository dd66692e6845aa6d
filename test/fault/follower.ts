import { type Client, createClient } from 'graphql-ws';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

export interface Received {
  deploymentId: string;
  number: number;
  /** The API said that events before this one are gone. */
  missedBefore: boolean;
}

export interface Follower {
  readonly received: Received[];
  /** The last number that came, of each deployment; 0 before the first. */
  readonly last: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

/** The API takes 50 operations on one socket. */
const PER_SOCKET = 40;
const AGAIN_AFTER_MS = 200;
/** A socket on which nothing comes is asked whether it still lives; without an answer it is left. */
const ALIVE_EVERY_MS = 2_000;
const ALIVE_WITHIN_MS = 3_000;

const EVENTS = `subscription($id: ID!, $after: String) { deploymentEvents(deploymentId: $id, after: $after) {
  cursor missedBefore event { number } } }`;
interface Told {
  deploymentEvents: { cursor: string; missedBefore: boolean; event: { number: number } };
}

class ImpatientSocket extends WebSocket {
  constructor(address: string, protocols?: string) {
    super(address, protocols, { handshakeTimeout: ALIVE_WITHIN_MS });
    this.on('error', () => undefined); // one that is left while it connects says so when nobody listens any more
  }
}

/** Follows the events of all deployments, and goes on from its cursors after every break. */
export function followAll(url: string, deploymentIds: readonly string[]): Follower {
  const received: Received[] = [];
  const last = new Map(deploymentIds.map((id) => [id, 0]));
  const stops: (() => Promise<void>)[] = [];
  for (let at = 0; at < deploymentIds.length; at += PER_SOCKET)
    stops.push(followOverOneSocket(url, deploymentIds.slice(at, at + PER_SOCKET), received, last));
  return { received, last, stop: async () => void (await Promise.all(stops.map((stop) => stop()))) };
}

/** Answers what ends it. */
function followOverOneSocket(
  url: string,
  deploymentIds: readonly string[],
  received: Received[],
  last: Map<string, number>,
): () => Promise<void> {
  const stopping = new AbortController();
  let client: Client | undefined;

  const connect = (): Promise<void> =>
    new Promise((broken) => {
      let alive: NodeJS.Timeout | undefined;
      const opened = createClient({
        url: `${url.replace('http', 'ws')}/graphql`,
        webSocketImpl: ImpatientSocket,
        retryAttempts: 0,
        lazy: false,
        keepAlive: ALIVE_EVERY_MS,
        onNonLazyError: () => broken(),
        on: {
          ping: (fromServer) => {
            if (!fromServer) alive = setTimeout(() => opened.terminate(), ALIVE_WITHIN_MS);
          },
          pong: (fromServer) => fromServer && clearTimeout(alive),
          closed: () => {
            clearTimeout(alive);
            broken();
          },
        },
      });
      client = opened;
      for (const id of deploymentIds) {
        opened.subscribe<Told>(
          { query: EVENTS, variables: { id, after: String(last.get(id)) } },
          {
            next: ({ data }) => {
              if (!data) return;
              const { event, missedBefore } = data.deploymentEvents;
              received.push({ deploymentId: id, number: event.number, missedBefore });
              last.set(id, event.number);
            },
            error: () => broken(),
            complete: () => broken(),
          },
        );
      }
    });

  const follow = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await connect();
      client?.terminate();
      await sleep(AGAIN_AFTER_MS, undefined, { signal: stopping.signal }).catch(() => undefined); // stopping ends the pause
    }
  };
  const done = follow();
  return async () => {
    stopping.abort();
    client?.terminate();
    await done;
  };
}
