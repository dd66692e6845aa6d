import { randomUUID } from 'node:crypto';
import { type LockedCluster, lockClusters } from '../cluster/find-cluster.js';
import { type Database, isOfTheDatabase, type Transaction } from '../db/database.js';
import { EventType } from '../event/event-types.js';
import { type NewEvent, recordInOrder } from '../event/record-event.js';
import { failPoint } from '../fail-point.js';
import { acceptScheduled, SCHEDULE, type ScheduledRequest } from '../savepoint/accept-scheduled.js';
import { jitterMs } from './jitter.js';
import { CatchUp, SlotReason } from './schedule.enums.js';
import type { ScheduleSettings } from './schedule-settings.js';
import { type Aside, goesOn, setAside, setFailedAside } from './set-aside.js';
import { type Decision, decideSlots, decideUnread, slotsUpTo, type Standing } from './slot-decision.js';
import {
  type DueSchedule,
  dueSchedules,
  lockDue,
  moveChains,
  type OwnedSchedule,
  writeLines,
  type WrittenLine,
} from './slot.store.js';
import { isUnreadable, readStored } from './stored-schedule.js';

/** Slots that are decided in one transaction, which holds the rows of their clusters. */
const AT_ONCE = 1_000;
/** Due ones that are read together, to be brought into an order of clusters. */
const READ_AT_ONCE = 10_000;
/**
 * Slots that one transaction walks along at most, some 50 ms: after an outage of months each schedule has thousands. What is
 * beyond is walked by the next transaction, at once, and nothing of it is lost or counted wrong.
 */
const MOST_SLOTS = 10_000;

export interface Decided {
  /** Clusters where savepoints may go now. */
  clusterIds: string[];
  /** Something is due still. */
  more: boolean;
  /** Of each schedule that was set aside, since deciding its slots failed otherwise than by what it holds. */
  failures: Error[];
}

/** Decides slots that are due on the clusters of a worker. Any number of workers may do so at once: each slot is decided once. */
export async function decideDueSlots(database: Database, worker: string, floorMs: number): Promise<Decided> {
  const due = clusterByCluster(await dueSchedules(database, worker, READ_AT_ONCE));
  const decided: Decided = { clusterIds: [], more: due.length === READ_AT_ONCE, failures: [] };
  for (let from = 0; from < due.length; from += AT_ONCE) {
    const { clusterIds, more, failures } = await decideTogether(database, due.slice(from, from + AT_ONCE), floorMs);
    decided.clusterIds.push(...clusterIds);
    decided.more ||= more;
    decided.failures.push(...failures);
  }
  return decided;
}

/**
 * The oldest first, and with it all that are due on its cluster: of thousands that are due together, each transaction would else hold the
 * rows of all clusters.
 */
function clusterByCluster(due: readonly OwnedSchedule[]): OwnedSchedule[] {
  const clusters = new Map<string, OwnedSchedule[]>();
  for (const one of due) {
    const others = clusters.get(one.clusterId);
    if (others) others.push(one);
    else clusters.set(one.clusterId, [one]);
  }
  return [...clusters.values()].flat();
}

/** Halves what cannot be decided, until the bad one is alone: that is set aside. Trouble of the database is nobody's fault, and goes up. */
async function decideTogether(database: Database, due: readonly OwnedSchedule[], floorMs: number): Promise<Decided> {
  try {
    return await inOneTransaction(database, due, floorMs);
  } catch (error) {
    if (isOfTheDatabase(error)) throw error;
    const [one] = due;
    if (due.length === 1 && one) return { ...nothing, failures: [await setFailedAside(database, one, error)] };
    const half = Math.ceil(due.length / 2);
    const first = await decideTogether(database, due.slice(0, half), floorMs);
    const second = await decideTogether(database, due.slice(half), floorMs);
    return {
      clusterIds: [...first.clusterIds, ...second.clusterIds],
      more: first.more || second.more,
      failures: [...first.failures, ...second.failures],
    };
  }
}

const nothing: Decided = { clusterIds: [], more: false, failures: [] };

async function inOneTransaction(database: Database, due: readonly OwnedSchedule[], floorMs: number): Promise<Decided> {
  const decided = await database.transaction(async (tx) => {
    const clusters = await lockClusters(tx, [...new Set(due.map(({ clusterId }) => clusterId))]);
    const ids = due.map(({ id }) => id);
    const { events, clusterIds, unfinished } = await decideOf(tx, ids, clusters, { floorMs });
    await recordInOrder(tx, events);
    failPoint('slots.before-commit');
    return { clusterIds, more: unfinished, failures: [] };
  });
  failPoint('slots.decided');
  return decided;
}

/**
 * The same for one schedule, to the end, by whoever is about to change it, or ends it; its cluster's row is locked. Answers the events to be
 * recorded.
 */
export async function decideAllOf(
  tx: Transaction,
  scheduleId: string,
  cluster: LockedCluster,
  { floorMs, ends = false }: { floorMs: number; ends?: boolean },
): Promise<NewEvent[]> {
  const events: NewEvent[] = [];
  for (;;) {
    const pass = await decideOf(tx, [scheduleId], [cluster], { floorMs, ends });
    events.push(...pass.events);
    if (!pass.unfinished) return events;
  }
}

/** What is decided about one schedule, before it is written. */
interface Outcome {
  schedule: DueSchedule;
  decision: Decision;
  lastSlotAt: number;
  nextSlotAt: number | null;
  savepointId: string;
  /** Beside those about its slots. */
  news: NewEvent[];
}

function endUnread(schedule: DueSchedule, unreadable: string): Outcome {
  const lastSlotAt = schedule.nextSlotAt.getTime();
  const pausedAt = schedule.pausedAt?.getTime() ?? null;
  const decision = decideUnread(lastSlotAt, { pausedAt, newest: schedule.newestReason, unreadable });
  return { schedule, decision, lastSlotAt, nextSlotAt: null, savepointId: randomUUID(), news: [] };
}

async function decideOf(
  tx: Transaction,
  ids: readonly string[],
  clusters: readonly LockedCluster[],
  { floorMs, ends = false }: { floorMs: number; ends?: boolean },
): Promise<{ events: NewEvent[]; clusterIds: string[]; unfinished: boolean }> {
  const byId = new Map(clusters.map((cluster) => [cluster.id, cluster]));
  const outcomes: Outcome[] = [];
  const aside: Aside[] = [];
  let left = MOST_SLOTS;
  let unfinished = false;
  for (const schedule of await lockDue(tx, ids, clusters)) {
    const cluster = byId.get(schedule.clusterId);
    if (!cluster || left === 0) {
      unfinished = true;
      continue;
    }
    const settings = readStored(schedule);
    if (isUnreadable(settings)) {
      if (ends) outcomes.push(endUnread(schedule, settings.unreadable));
      else aside.push({ schedule, why: settings.unreadable });
      continue;
    }
    if (ends && schedule.setAsideAt) {
      // Deciding it has failed, and would again: whoever ends it must not be kept by that.
      outcomes.push(endUnread(schedule, `it was set aside since ${schedule.setAsideAt.toISOString()}.`));
      continue;
    }
    const chain = { cron: settings.cron, zone: settings.zone, floorMs };
    const row = slotsUpTo(chain, schedule.nextSlotAt.getTime(), schedule.now, left);
    left -= row.due.length;
    unfinished ||= row.next !== null && row.next <= schedule.now;
    const savepointId = randomUUID();
    const standing = standingOf(schedule, cluster, ends ? { ...settings, catchUp: CatchUp.NONE } : settings);
    const decision = decideSlots(standing, row, {
      now: schedule.now,
      floorMs,
      newest: schedule.newestReason,
      savepointId,
    });
    outcomes.push({
      schedule,
      decision,
      lastSlotAt: row.due.at(-1) ?? schedule.nextSlotAt.getTime(),
      nextSlotAt: row.next,
      savepointId,
      news: goesOn(schedule),
    });
  }
  const setAsideNow = await setAside(tx, aside);
  if (outcomes.length === 0) return { events: setAsideNow, clusterIds: [], unfinished };
  const requests = outcomes.flatMap(requestOf);
  const accepted = await acceptScheduled(tx, requests);
  await writeLines(tx, outcomes.flatMap(linesOf));
  await moveChains(
    tx,
    outcomes.map(({ schedule: { id }, lastSlotAt, nextSlotAt }) => ({ id, lastSlotAt, nextSlotAt })),
  );
  const atOnce = requests.filter(({ notBefore }) => notBefore === null);
  return {
    events: [...setAsideNow, ...accepted, ...outcomes.flatMap(newsOf)],
    clusterIds: [...new Set(atOnce.map(({ clusterId }) => clusterId))],
    unfinished,
  };
}

const linesOf = ({ schedule, decision, savepointId }: Outcome): WrittenLine[] =>
  decision.lines.map((line) => ({ schedule, line, savepointId }));

function standingOf(
  schedule: DueSchedule,
  cluster: LockedCluster,
  { blackouts, catchUp }: Pick<ScheduleSettings, 'blackouts' | 'catchUp'>,
): Standing {
  const { deploymentName: name, state, stateSince, waitingFor, ambiguous } = schedule;
  return {
    deployment: { name, state, stateSince, waitingFor, ambiguous },
    cluster: {
      name: cluster.name,
      state: cluster.state,
      stateSince: cluster.stateSince,
      hasSavepointRoot: cluster.savepointStorageId !== null,
    },
    stopId: schedule.stopId,
    underWayId: schedule.underWayId,
    pausedAt: schedule.pausedAt?.getTime() ?? null,
    setAsideAt: schedule.setAsideAt?.getTime() ?? null,
    blackouts,
    catchUp,
  };
}

function requestOf({ schedule, decision: { fires }, savepointId }: Outcome): ScheduledRequest[] {
  if (!fires) return [];
  const { jobId, jitterSeconds, now } = schedule;
  if (jobId === null) throw new Error(`Deployment ${schedule.deploymentId} is RUNNING without a job`);
  const callAt = (fires.missed > 0 ? now : fires.slotAt) + jitterMs(schedule.deploymentId, jitterSeconds);
  return [
    {
      id: savepointId,
      deploymentId: schedule.deploymentId,
      deploymentName: schedule.deploymentName,
      jobId,
      clusterId: schedule.clusterId,
      scheduleId: schedule.id,
      slotAt: new Date(fires.slotAt),
      notBefore: callAt > now ? new Date(callAt) : null,
      attempts: schedule.attempts,
      format: schedule.format ?? schedule.savepointFormat,
      stateBackend: schedule.stateBackend,
      checkpointTimeoutMs: schedule.checkpointTimeoutMs,
      missed: fires.missed,
    },
  ];
}

/** Of slots in a row with one reason the first is told: their history holds each. */
function newsOf({ schedule, decision, news }: Outcome): NewEvent[] {
  const { deploymentId, deploymentName, clusterId, jobId } = schedule;
  const ofSlots = decision.lines.flatMap(({ skipped, slotAt, lastSlotAt, count, isNews }) => {
    if (!skipped || !isNews) return [];
    const missed = skipped.reason === SlotReason.MISSED;
    const which =
      count === 1 ? `The slot of ${iso(slotAt)}` : `${count} slots from ${iso(slotAt)} to ${iso(lastSlotAt)}`;
    return [
      {
        type: missed ? EventType.SLOTS_MISSED : EventType.SLOT_SKIPPED,
        deploymentId,
        clusterId,
        jobId,
        actor: SCHEDULE,
        message: `${which} of the schedule of ${deploymentName} ${count === 1 ? 'was' : 'were'} ${missed ? 'missed' : `skipped (${skipped.reason})`}. ${skipped.message}`,
        details: { reason: skipped.reason, slotAt: iso(slotAt), lastSlotAt: iso(lastSlotAt), count },
      },
    ];
  });
  return [...news, ...ofSlots];
}

const iso = (at: number) => new Date(at).toISOString();
