import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Asked, askUntilAnswered, newRequest } from './client.js';
import type { House } from './house.js';

/** A slot that has come. */
export interface DueSlot {
  scheduleId: string;
  /** Epoch ms. */
  slotAt: number;
}

export interface Requests {
  readonly asked: Asked[];
  readonly slots: DueSlot[];
  /** Every client is served, or has given up. */
  readonly done: Promise<unknown>;
  /** Clients give up. */
  stop(): void;
}

/** What a client of one deployment does; each call throws when the clients give up. */
interface Client {
  /** Its place among them. */
  at: number;
  pause(ms: number): Promise<unknown>;
  /** Asks until it is answered. `name`: of the request, for its key. null: declined. */
  ask(kind: Asked['kind'], name: string | number, input?: object): Promise<string | null>;
  /** Waits until what was asked for has come to its end, and answers that. */
  end(id: string): Promise<string>;
  /** Lets a slot of the deployment's schedule come. Answers the savepoint that it fires; null: it was skipped. */
  slot(): Promise<string | null>;
  /** Waits until a savepoint is deleted. */
  gone(savepointId: string): Promise<unknown>;
  /** Waits until Flink has made a checkpoint of a run. */
  checkpoint(jobId: string): Promise<void>;
}

const NONE = { start: { strategy: 'NONE' } };
const LOOK_EVERY_MS = 200;
/** Flink's statistics show a checkpoint when their cache (flink-of-run.ts) has passed. */
const SHOWN_AFTER_MS = 1_500;

/**
 * Each deployment has a client, who begins at an instant of his own within `withinMs`. He asks `rounds` times, the next when the
 * one before has ended; of stops see {@link startAndStop}, of what happens by itself {@link keepUp}.
 */
export function sendRequests(house: House, { withinMs = 2_000, rounds = 1 } = {}): Requests {
  const { kind = 'SAVEPOINT' } = house.options;
  const dice = house.dice('clients');
  return startClients(house, async (client) => {
    await client.pause(dice.between(0, withinMs));
    if (kind === 'STOP') return startAndStop(client);
    if (kind === 'UPKEEP') return keepUp(client);
    for (let round = 1; round <= rounds; round++) {
      const id = await client.ask(kind, round, kind === 'START' ? NONE : {});
      if (id && round < rounds) await client.end(id);
    }
  });
}

/**
 * Started, and twice stopped and started again from what is left: with a savepoint and without one, half of them the other way
 * round. Whoever is declined, or whose stop fails, ends: the checker tells of it.
 */
async function startAndStop(client: Client): Promise<void> {
  let jobId = await start(client, 'start', NONE);
  for (let round = 1; jobId !== null && round <= 2; round++) {
    await client.checkpoint(jobId);
    const mode = (client.at + round) % 2 === 0 ? 'WITH_SAVEPOINT' : 'WITHOUT_SAVEPOINT';
    const stopId = await client.ask('STOP', `stop-${round}`, { mode });
    if (stopId === null || (await client.end(stopId)) !== 'COMPLETED') return;
    jobId = await start(client, `again-${round}`, { start: { strategy: 'LATEST_STATE' } });
  }
}

/** Three slots come, each when the savepoint of the one before is complete, and the one before that is deleted. */
async function keepUp(client: Client): Promise<void> {
  let before: string | null = null;
  for (let round = 1; round <= 3; round++) {
    const savepointId = await client.slot();
    if (savepointId === null || (await client.end(savepointId)) !== 'COMPLETED') return;
    if (before !== null) await client.gone(before);
    before = savepointId;
  }
}

/** A start whose run call was lost is made anew. */
async function start(client: Client, name: string, input: object): Promise<string | null> {
  for (let time = 1; ; time++) {
    const id = await client.ask('START', `${name}-${time}`, input);
    if (id === null || (await client.end(id)) === 'RUNNING') return id;
  }
}

function startClients(house: House, live: (client: Client) => Promise<void>): Requests {
  const asked: Asked[] = [];
  const slots: DueSlot[] = [];
  const stopping = new AbortController();
  const { signal } = stopping;
  setMaxListeners(0, signal); // every client pauses under it
  const pause = (ms: number) => sleep(ms, undefined, { signal });
  const until = async <T extends object>(query: string, id: string, isIt: (row: T) => boolean): Promise<T> => {
    for (; ; await pause(LOOK_EVERY_MS)) {
      const [row] = await house.database.rows<T>(query, [id]);
      if (row && isIt(row)) return row;
    }
  };
  const clients = house.deploymentIds.map((deploymentId, at) =>
    live({
      at,
      pause,
      ask: async (kind, name, input = {}) => {
        const request = newRequest(kind, deploymentId, `${house.options.seed}-${at}-${name}`, input);
        asked.push(request);
        await askUntilAnswered(house.url, request, signal);
        signal.throwIfAborted();
        return request.ids.at(-1) ?? null;
      },
      end: async (id) => (await until<{ state: string }>(STATE, id, ({ state }) => !underWay.includes(state))).state,
      slot: async () => {
        const [due] = await house.database.rows<DueSlot>(LET_SLOT_COME, [deploymentId]);
        if (!due) throw new Error(`Deployment ${deploymentId} has no schedule`);
        slots.push(due);
        const line = await until<{ slotAt: number; savepointId: string | null }>(
          NEWEST_SLOT,
          due.scheduleId,
          ({ slotAt }) => slotAt === due.slotAt,
        );
        return line.savepointId;
      },
      gone: (id) => until<{ state: string }>(STATE, id, ({ state }) => state === 'DELETED'),
      checkpoint: async (jobId) => {
        await until<{ id: string }>(
          'select flink_job_id as id from job where id = $1',
          jobId,
          ({ id }) => house.flink.job(id).checkpoints.retained.length > 0,
        );
        await pause(SHOWN_AFTER_MS);
      },
    }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    }),
  );
  const done = Promise.all(clients);
  done.catch(() => undefined); // whoever waits for it is told; a run that broke off waits for nobody
  house.beforeClose(async () => {
    stopping.abort();
    await Promise.allSettled(clients);
  });
  return { asked, slots, done, stop: () => stopping.abort() };
}

const underWay = ['PENDING', 'IN_PROGRESS', 'WAITING', 'SUBMITTING', 'INITIALIZING'];
const STATE = `select state from savepoint where id = $1 union all select state from stop where id = $1 union all select state from job where id = $1`;
const LET_SLOT_COME = `with come as (update savepoint_schedule set next_slot_at = date_trunc('milliseconds', now()) where deployment_id = $1 returning id, next_slot_at)
  select id as "scheduleId", (extract(epoch from next_slot_at) * 1000)::float8 as "slotAt", pg_notify('stateward', 'slots') from come`;
const NEWEST_SLOT = `select (extract(epoch from slot_at) * 1000)::float8 as "slotAt", savepoint_id as "savepointId" from schedule_slot
  where schedule_id = $1 order by slot_at desc limit 1`;
