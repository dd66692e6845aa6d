import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { topicsOf } from '../db/wake-up.js';

export interface Watch {
  /** Resolves when something may have changed since the last call, at the latest after `atMostMs`. */
  next(signal: AbortSignal, atMostMs: number): Promise<void>;
  stop(): void;
}

const RECONNECT_MS = 200;

/**
 * Wake-ups of this process: one LISTEN connection, rebuilt for ever. A wake-up carries a topic (`due`, `slots`, `events`,
 * `deployment:<id>`, `savepoint:<id>`, `job:<id>`, `checkpoints:<deployment id>`) and no data; whoever is woken reads the tables. After a reconnect
 * everybody is woken, since something may have been missed.
 */
export class EventWakeups {
  private readonly bus = new EventEmitter().setMaxListeners(0);
  /** Those who wait for nothing, and hear of it all the same. */
  private readonly hearers = new EventEmitter().setMaxListeners(0);
  private readonly running: Promise<void>;
  private readonly closing = new AbortController();
  private client: pg.Client | undefined;

  constructor(
    private readonly url: string,
    private readonly onTrouble: (error: unknown) => void,
  ) {
    this.running = this.listen();
  }

  watch(...topics: string[]): Watch {
    let dirty = false;
    let resume: (() => void) | undefined;
    const wake = () => {
      dirty = true;
      resume?.();
    };
    for (const topic of topics) this.bus.on(topic, wake);
    return {
      async next(signal, atMostMs) {
        if (!dirty && !signal.aborted) {
          await new Promise<void>((resolve) => {
            const done = () => {
              clearTimeout(timer);
              signal.removeEventListener('abort', done);
              resume = undefined;
              resolve();
            };
            const timer = setTimeout(done, atMostMs);
            resume = done;
            signal.addEventListener('abort', done);
          });
        }
        dirty = false;
      },
      stop: () => topics.forEach((topic) => this.bus.off(topic, wake)),
    };
  }

  /** Tells of every wake-up of a topic, until the answer is called. */
  onWake(topic: string, listener: () => void): () => void {
    this.hearers.on(topic, listener);
    return () => void this.hearers.off(topic, listener);
  }

  /** A wake-up that stays inside this process. */
  wake(topic: string): void {
    this.bus.emit(topic);
    this.hearers.emit(topic);
  }

  /** Listeners that are still there; 0 when every follower has gone. */
  get watchers(): number {
    return this.bus.eventNames().reduce((sum, name) => sum + this.bus.listenerCount(name), 0);
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.client?.end();
    await this.running;
  }

  private async listen(): Promise<void> {
    while (!this.closing.signal.aborted) {
      const client = new pg.Client({
        connectionString: this.url,
        keepAlive: true,
        keepAliveInitialDelayMillis: 10_000,
        connectionTimeoutMillis: 5_000,
        application_name: 'stateward wake-ups',
      });
      client.on('error', this.onTrouble); // 'end' follows, and the loop connects again
      try {
        await client.connect();
        client.on('notification', ({ payload }) => {
          if (payload) for (const topic of topicsOf(payload)) this.wake(topic);
        });
        await client.query('listen stateward');
        if (this.closing.signal.aborted) {
          await client.end();
          return;
        }
        this.client = client;
        for (const topic of [...this.bus.eventNames(), ...this.hearers.eventNames()]) this.wake(String(topic));
        await once(client, 'end');
      } catch (error) {
        this.onTrouble(error);
        await client.end().catch(this.onTrouble);
      }
      this.client = undefined;
      await sleep(RECONNECT_MS, undefined, { signal: this.closing.signal }).catch(() => undefined); // closing ends the pause
    }
  }
}
