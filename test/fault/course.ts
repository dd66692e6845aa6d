import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../support/wait-for.js';
import { findViolations } from './checker.js';
import type { Requests } from './clients.js';
import { collectRecord } from './collect.js';
import type { House } from './house.js';
import type { Supervised } from './product-process.js';
import type { RunRecord } from './record.js';

export interface Outcome {
  asked: number;
  ended: number;
  /** From the fault to the last end; null where nothing was to be recovered from. */
  recoveryMs: number | null;
  violations: string[];
}

/** A worker's lease is 10 s and its clusters' 6 s; savepoints last up to 3 s, and processes need some to start. */
const RECOVERS_WITHIN_MS = 15_000;
const ENDS_WITHIN_MS = 60_000;
/** Three starts and two stops, one after the other; or three slots, and a cleaning pass that a dead worker had begun, which is made again in a minute. */
const LIVES_END_WITHIN_MS = 120_000;
/** What a process takes from its start to its first work on a machine that is not overloaded. */
const USUAL_START_MS = 2_000;
/** Requests of the same two seconds are the work that the fault falls into. */
const STILL_BEFORE_MS = 2_000;
/** Details are given up 20 s after the end. */
const RESTS_WITHIN_MS = 30_000;
const CAUGHT_UP_WITHIN_MS = 10_000;
const GIVE_UP_EVERY_MS = 250;

export interface Expectation {
  /** When the last fault was over, or the process died (epoch ms). */
  faultAt: number | null;
  limitMs?: number;
  endsWithinMs?: number;
  tolerated?: Partial<RunRecord['tolerated']>;
  /** Run calls that nobody answers are given up at once instead of after 10 min. */
  givesUpRunCalls?: boolean;
  /** What was started again: a machine that takes long over it gives that much more time. */
  replaced?: Supervised | undefined;
}

/** Waits until everything that was asked for has ended and rests, then compares the four sides. */
export async function judge(house: House, requests: Requests, expected: Expectation): Promise<Outcome> {
  const late: string[] = [];
  const within = async (promise: string, wait: () => Promise<unknown>): Promise<void> => {
    try {
      await wait();
    } catch (error) {
      late.push(`${promise} ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const isLong = house.options.kind === 'STOP' || house.options.kind === 'UPKEEP';
  const timeoutMs = expected.endsWithinMs ?? (isLong ? LIVES_END_WITHIN_MS : ENDS_WITHIN_MS);
  const startMs = expected.replaced ? await expected.replaced.ready() : 0;
  const ending = new AbortController();
  const givingUp = expected.givesUpRunCalls ? giveUpRunCalls(house, ending.signal) : null;
  givingUp?.catch(() => undefined); // told below
  await within('I1', () => served(requests, timeoutMs));
  await within('I1', () => waitFor(() => nothing(house, underWay), { what: 'every request to end', timeoutMs }));
  ending.abort();
  await givingUp;
  await within('I5', () => waitFor(() => nothing(house, moving), { what: 'rest', timeoutMs: RESTS_WITHIN_MS }));
  await within('I6', () =>
    waitFor(() => caughtUp(house), { what: 'the followers to catch up', timeoutMs: CAUGHT_UP_WITHIN_MS }),
  );
  const record = await collectRecord(house, requests, expected.tolerated);
  const { faultAt, limitMs = RECOVERS_WITHIN_MS } = expected;
  const recoveryMs = faultAt === null ? null : recoveryOf(record, faultAt);
  const promisedMs = limitMs + Math.max(0, startMs - USUAL_START_MS);
  if (recoveryMs !== null && recoveryMs > promisedMs) {
    late.push(
      `recovery took ${(recoveryMs / 1_000).toFixed(1)} s; at most ${(promisedMs / 1_000).toFixed(1)} s are promised`,
    );
  }
  return {
    asked: requests.asked.length + requests.slots.length + record.database.deletions.length,
    ended: endsOf(record).length,
    recoveryMs,
    violations: [...late, ...findViolations(record)],
  };
}

async function served(requests: Requests, timeoutMs: number): Promise<void> {
  const ending = new AbortController();
  const late = sleep(timeoutMs, 'late', { signal: ending.signal }).catch(() => 'stopped');
  const first = await Promise.race([requests.done, late]);
  ending.abort();
  if (first !== 'late') return;
  requests.stop();
  throw new Error(`Waited ${timeoutMs} ms for every client to be answered.`);
}

const underWay = `select id from savepoint where state in ('PENDING', 'IN_PROGRESS') union all select id from stop where state in ('WAITING', 'IN_PROGRESS')
  union all select id from job where state in ('SUBMITTING', 'INITIALIZING') union all select id from deletion where state <> 'DONE'`;
/** What was given up as lost is looked for through a day. */
const moving = `select id from savepoint where (look_at is not null and failure_code is distinct from 'RESULT_LOST') or claimed_until is not null
  union all select id from job where look_at is not null or claimed_until is not null or (state = 'CANCELLED' and end_read_at is null)
  union all select id from stop where look_at is not null or claimed_until is not null
  union all select id from deletion where look_at is not null or claimed_until is not null`;

async function nothing({ database }: House, query: string): Promise<boolean> {
  return (await database.rows(query)).length === 0;
}

async function caughtUp({ database, follower }: House): Promise<boolean> {
  const rows = await database.rows<{ id: string; last: number }>('select id, last_event::int as last from deployment');
  return rows.every(({ id, last }) => (follower.last.get(id) ?? 0) >= last);
}

/**
 * A run call that was written down and perhaps never left is waited for during 10 min, since sent again it could make a
 * second job: here those 10 min are taken off its clock, once a worker says that it waits, and longer than any call here lasts.
 */
async function giveUpRunCalls({ database }: House, signal: AbortSignal): Promise<void> {
  for (; !signal.aborted; await sleep(GIVE_UP_EVERY_MS))
    await database.rows(
      `with given_up as (
         update job set run_sent_at = run_sent_at - interval '11 min', look_at = now(), wakes = wakes + 1
          where state = 'SUBMITTING' and waiting_for like 'the job to appear%'
            and run_sent_at between now() - interval '10 min' and now() - interval '12 s' returning 1)
       select pg_notify('stateward', 'due') from given_up`,
    );
}

/** Ends of what was asked for, as the database dates them. */
function endsOf({ client, database }: RunRecord, askedBefore = Infinity): number[] {
  const asked = client.asked.filter(({ askedAt }) => askedAt <= askedBefore).flatMap((one) => one.ids);
  const fired = database.slots.flatMap(({ slot_at: at, savepoint_id: id }) => (at <= askedBefore && id ? [id] : []));
  const ids = new Set([...asked, ...fired]);
  const gone = database.deletions
    .filter(({ asked_at: at }) => at <= askedBefore)
    .flatMap(({ ended_at: at }) => at ?? []);
  const ends = [...database.savepoints, ...database.stops, ...database.jobs].flatMap(({ id, ended_at: at }) =>
    ids.has(id) && at !== null ? [at] : [],
  );
  return [...ends, ...gone];
}

/** Of what was asked for before the fault was over. Starts whose run call is lost take 10 min by design, and are left out. */
function recoveryOf(record: RunRecord, faultAt: number): number {
  const { database } = record;
  const jobs = database.jobs.filter(({ failure_code: code }) => code !== 'SUBMISSION_LOST');
  const ends = endsOf({ ...record, database: { ...database, jobs } }, faultAt + STILL_BEFORE_MS);
  return Math.max(0, ...ends.map((at) => at - faultAt));
}
