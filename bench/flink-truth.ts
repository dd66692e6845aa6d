import { setTimeout as sleep } from 'node:timers/promises';
import { getJson } from '../demo/local-flink/flink-rest.js';

/** A checkpoint that has ended, as Flink's REST told of it; times in epoch ms. */
export interface Ended {
  id: number;
  state: 'COMPLETED' | 'FAILED';
  triggeredAt: number;
  endedAt: number;
}

/** What Flink counted in its last answer, and the newest one that had ended then. */
export interface Told {
  completed: number;
  failed: number;
  newest: Ended;
}

export interface FlinkTruth {
  /** All that any answer held, by id. */
  readonly ended: ReadonlyMap<number, Ended>;
  told(): Told;
}

interface Statistics {
  counts: { completed: number; failed: number };
  history: {
    id: number;
    status: 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';
    trigger_timestamp: number;
    latest_ack_timestamp: number;
    failure_timestamp?: number;
  }[];
}

const EVERY_MS = 500;

/**
 * The bench's own account of the only job of a cluster, from its begin on: whoever asks Flink every half second sees each
 * checkpoint before it is forgotten. Flink answers from a cache of 3 s, which is filled at these questions' pace then: what Stateward
 * is answered is older than if it asked alone.
 */
export function followFlink(url: string): FlinkTruth & { stop(): Promise<void> } {
  const ended = new Map<number, Ended>();
  let last: Told | undefined;
  let jobId: string | undefined;
  const stop = repeat(EVERY_MS, async () => {
    if (jobId === undefined) {
      const answer = (await getJson(`${url}/jobs`)) as { jobs: { id: string }[] } | null;
      jobId = answer?.jobs[0]?.id;
      if (jobId === undefined) return;
    }
    const answer = (await getJson(`${url}/jobs/${jobId}/checkpoints`)) as Statistics | null;
    if (!answer) return; // the counts tell whether anything was missed
    for (const entry of answer.history) {
      if (entry.status === 'IN_PROGRESS') continue;
      ended.set(entry.id, {
        id: entry.id,
        state: entry.status,
        triggeredAt: entry.trigger_timestamp,
        endedAt: entry.failure_timestamp ?? entry.latest_ack_timestamp,
      });
    }
    const newest = answer.history.find(({ status }) => status !== 'IN_PROGRESS'); // the newest comes first
    const known = newest && ended.get(newest.id);
    if (known) last = { completed: answer.counts.completed, failed: answer.counts.failed, newest: known };
  });
  return {
    ended,
    told: () => {
      if (!last) throw new Error('Flink has told of no checkpoint that has ended.');
      return last;
    },
    stop,
  };
}

/** Does the work again and again, never twice at once. Answers how to end it. */
export function repeat(everyMs: number, work: () => Promise<void>): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const running = (async () => {
    while (!signal.aborted) {
      await work();
      await sleep(everyMs, undefined, { signal }).catch(() => undefined); // stopping ends the pause
    }
  })();
  return async () => {
    stopping.abort();
    await running;
  };
}
