import { ClusterState } from '../cluster/cluster.entity.js';
import { DeploymentState } from '../deployment/deployment.entity.js';
import { type Blackout, blackoutAt } from './blackout.js';
import type { Cron } from './cron.js';
import { nextSlot } from './next-slot.js';
import { CatchUp, SlotReason } from './schedule.enums.js';

/** What becomes of the slots of one schedule that are due. Pure; times are epoch ms on the database's clock. */

/** A slot that was not decided so soon after its time counts as missed (SC-8). */
export const MISSED_AFTER_MS = 60_000;

export interface Chain {
  cron: Cron;
  zone: string;
  floorMs: number;
}

/** The slots of a chain from `first` up to now, `most` of them at most, and the first that is not among them. */
export function slotsUpTo(
  { cron, zone, floorMs }: Chain,
  first: number,
  now: number,
  most: number,
): { due: number[]; next: number | null } {
  const due: number[] = [];
  let next: number | null = first;
  while (next !== null && next <= now && due.length < most) {
    due.push(next);
    next = nextSlot(cron, zone, { after: next, previous: next, floorMs });
  }
  return { due, next };
}

/** How the deployment stands when its slots are decided. */
export interface Standing {
  deployment: { name: string; state: DeploymentState; stateSince: Date; waitingFor: string | null; ambiguous: boolean };
  cluster: { name: string; state: ClusterState; stateSince: Date; hasSavepointRoot: boolean };
  stopId: string | null;
  /** A savepoint that is PENDING or IN_PROGRESS. */
  underWayId: string | null;
  pausedAt: number | null;
  /** Since when it could not be decided until now; null: it could. */
  setAsideAt: number | null;
  blackouts: readonly Blackout[];
  catchUp: CatchUp;
}

export interface WhySkipped {
  reason: SlotReason;
  message: string;
}

/** Why no savepoint can be made at this time; null: one can. What a person has asked for comes first, then what lasts longest. */
export function whyNot(standing: Standing, at: number): WhySkipped | null {
  const { deployment, cluster, stopId, underWayId, pausedAt, blackouts } = standing;
  const skipped = (reason: SlotReason, message: string): WhySkipped => ({ reason, message });
  if (pausedAt !== null) return paused(pausedAt);
  const blackout = blackoutAt(blackouts, at);
  if (blackout) return skipped(SlotReason.BLACKOUT, `A blackout lasts until ${iso(blackout.until)}.`);
  const notRunning = () =>
    skipped(
      SlotReason.NOT_RUNNING,
      `Deployment "${deployment.name}" is ${deployment.state} since ${iso(deployment.stateSince.getTime())}${deployment.waitingFor ? ` and waits for ${deployment.waitingFor}` : ''}.`,
    );
  if (stopped.has(deployment.state)) return notRunning();
  if (stopId !== null) return skipped(SlotReason.STOPPING, `Stop ${stopId} of the deployment is under way.`);
  if (deployment.state === DeploymentState.STOPPING)
    return skipped(SlotReason.STOPPING, `Deployment "${deployment.name}" is being cancelled in Flink.`);
  if (cluster.state === ClusterState.UNREACHABLE)
    return skipped(
      SlotReason.UNREACHABLE,
      `Cluster "${cluster.name}" does not answer since ${iso(cluster.stateSince.getTime())}.`,
    );
  if (cluster.state === ClusterState.CHANGED)
    return skipped(
      SlotReason.CLUSTER_CHANGED,
      `Cluster "${cluster.name}" answers with another configuration than recorded: say with confirmCluster what it is.`,
    );
  if (!cluster.hasSavepointRoot)
    return skipped(
      SlotReason.NO_SAVEPOINT_ROOT,
      `Cluster "${cluster.name}" has no execution.checkpointing.savepoint-dir: set it and restart its JobManager.`,
    );
  if (deployment.ambiguous)
    return skipped(
      SlotReason.AMBIGUOUS_JOB,
      'Two jobs have the name that the deployment follows: cancel one in Flink.',
    );
  if (deployment.state !== DeploymentState.RUNNING) return notRunning();
  if (underWayId !== null)
    return skipped(SlotReason.IN_PROGRESS, `Savepoint ${underWayId} of the deployment is still under way.`);
  return null;
}

const stopped = new Set([DeploymentState.CANCELLED, DeploymentState.FINISHED, DeploymentState.FAILED]);
const paused = (since: number): WhySkipped => ({
  reason: SlotReason.PAUSED,
  message: `The schedule is paused since ${iso(since)}.`,
});
const iso = (at: number) => new Date(at).toISOString();

/** Slots in a row that were skipped for such a reason are one line. */
const LASTING: readonly SlotReason[] = [SlotReason.PAUSED, SlotReason.MISSED];

export interface SlotLine {
  slotAt: number;
  lastSlotAt: number;
  count: number;
  /** null: it fires. */
  skipped: WhySkipped | null;
  caughtUp: boolean;
  /** It goes on with the newest line that the schedule has already. */
  goesOn: boolean;
  /** The reason is another one than that of the line before. */
  isNews: boolean;
}

export interface Decision {
  lines: SlotLine[];
  /** The slot that fires, if one does, and how many missed ones it stands for. */
  fires: { slotAt: number; missed: number } | null;
}

/**
 * Decides slots that are due. `next`: the slot after them; while that is due as well, they are the head of a long row, which goes
 * on. `newest`: the reason of the newest line that the schedule has; null: it fired, or there is none. `savepointId`: of the one
 * that is made if one fires.
 */
export function decideSlots(
  standing: Standing,
  { due, next }: { due: readonly number[]; next: number | null },
  {
    now,
    floorMs,
    newest,
    savepointId,
  }: { now: number; floorMs: number; newest: SlotReason | null; savepointId: string },
): Decision {
  const lines = new Lines(newest);
  const { pausedAt } = standing;
  const missed = due.filter((slot) => now - slot > MISSED_AFTER_MS && (pausedAt === null || slot < pausedAt));
  const rest = due.slice(missed.length);
  const goesOn = next !== null && next <= now;
  const madeUp = rest.length === 0 && !goesOn ? missed.at(-1) : undefined;
  const why = madeUp === undefined ? null : whyNotMadeUp(standing, now, next, floorMs);
  const catchesUp = madeUp !== undefined && why === null;
  const message = [whyMissed(standing), why].filter(Boolean).join(' ');
  for (const slot of catchesUp ? missed.slice(0, -1) : missed) lines.skip(slot, { reason: SlotReason.MISSED, message });
  if (catchesUp) lines.fire(madeUp, true);

  let { underWayId } = standing;
  for (const slot of rest) {
    const skipped = whyNot({ ...standing, underWayId }, slot);
    if (skipped) {
      lines.skip(slot, skipped);
      continue;
    }
    lines.fire(slot, false);
    underWayId = savepointId;
  }
  const fired = lines.all.find(({ skipped }) => skipped === null);
  return {
    lines: lines.all,
    fires: fired ? { slotAt: fired.slotAt, missed: fired.caughtUp ? missed.length : 0 } : null,
  };
}

const whyMissed = ({ setAsideAt }: Standing): string =>
  setAsideAt === null
    ? 'No worker decided it within 60 s: none ran, or the database was away.'
    : `The schedule was set aside since ${iso(setAsideAt)}: it could not be decided.`;

/** A schedule ends that cannot be read: of the slots that are due only the first is known, and whether it was paused then. */
export function decideUnread(
  slotAt: number,
  { pausedAt, newest, unreadable }: { pausedAt: number | null; newest: SlotReason | null; unreadable: string },
): Decision {
  const lines = new Lines(newest);
  if (pausedAt !== null && pausedAt <= slotAt) lines.skip(slotAt, paused(pausedAt));
  else
    lines.skip(slotAt, {
      reason: SlotReason.MISSED,
      message: `The schedule has ended, and its slots could not be decided: ${unreadable}`,
    });
  return { lines: lines.all, fires: null };
}

/** null: the last one that was missed is made up for. */
function whyNotMadeUp(standing: Standing, now: number, next: number | null, floorMs: number): string | null {
  if (standing.catchUp === CatchUp.NONE) return 'It is not made up for.';
  if (next !== null && next - now < floorMs) return `It is not made up for, since the next slot comes at ${iso(next)}.`;
  const skipped = whyNot(standing, now);
  return skipped && `It could not be made up for: ${skipped.message}`;
}

class Lines {
  readonly all: SlotLine[] = [];

  constructor(private before: SlotReason | null) {}

  fire(slot: number, caughtUp: boolean): void {
    this.all.push({ ...oneSlot(slot), skipped: null, caughtUp, goesOn: false, isNews: true });
    this.before = null;
  }

  skip(slot: number, skipped: WhySkipped): void {
    const same = skipped.reason === this.before;
    const merges = same && LASTING.includes(skipped.reason);
    const last = this.all.at(-1);
    if (merges && last) {
      last.lastSlotAt = slot;
      last.count += 1;
    } else {
      this.all.push({ ...oneSlot(slot), skipped, caughtUp: false, goesOn: merges, isNews: !same });
    }
    this.before = skipped.reason;
  }
}

const oneSlot = (slot: number) => ({ slotAt: slot, lastSlotAt: slot, count: 1 });
