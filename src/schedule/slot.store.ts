import type { LockedCluster } from '../cluster/find-cluster.js';
import type { Database, Sql, Transaction } from '../db/database.js';
import { type Page, pageOf } from '../db/pages.js';
import type { DeploymentState } from '../deployment/deployment.entity.js';
import type { SavepointFormat } from '../deployment/savepoint-format.js';
import type { ScheduleBlackout } from './schedule.entity.js';
import type { CatchUp, SlotOutcome, SlotReason } from './schedule.enums.js';
import { ScheduleSlot } from './slot.entity.js';
import type { SlotLine } from './slot-decision.js';

/** Nobody sleeps longer, so nothing farther away is looked for: however many schedules there are, few are read. */
export const LOOK_AHEAD_MS = 5_000;

/**
 * Of schedule `s`. A lookup for each of those that are due soon, in the order of the index (offset 0: never a join, which PostgreSQL
 * would begin with all deployments).
 */
const owner = `select d.cluster_id from deployment d join cluster_lease l on l.cluster_id = d.cluster_id
                where d.id = s.deployment_id and l.owner = $1 and l.owned_until > now() offset 0`;

/** Of schedule `s`: it is not set aside, or it is time to try it again. */
const isTried = '(s.tried_again_at is null or s.tried_again_at <= now())';

export interface OwnedSchedule {
  id: string;
  clusterId: string;
}

/** Of clusters that a worker owns, those of which a slot is due, the oldest first. Not locked. */
export const dueSchedules = (sql: Sql, worker: string, limit: number) =>
  sql.rows<OwnedSchedule>(
    `select s.id, o.cluster_id as "clusterId" from savepoint_schedule s cross join lateral (${owner}) o
      where s.removed_at is null and s.next_slot_at <= now() and ${isTried} order by s.next_slot_at limit $2`,
    [worker, limit],
  );

/** Milliseconds until the next slot on a cluster that a worker owns (0: now); null: none within {@link LOOK_AHEAD_MS}. */
export async function nextSlotInMs(database: Database, worker: string): Promise<number | null> {
  const row = await database.row<{ ms: number }>(
    `select extract(epoch from s.next_slot_at - clock_timestamp())::float8 * 1000 as ms
       from savepoint_schedule s cross join lateral (${owner}) o
      where s.removed_at is null and s.next_slot_at <= now() + $2 * interval '1 ms' and ${isTried} order by s.next_slot_at limit 1`,
    [worker, LOOK_AHEAD_MS],
  );
  return row ? Math.max(0, row.ms) : null;
}

/** A schedule of which slots are due, and all that is decided by. */
export interface DueSchedule {
  id: string;
  expression: string;
  zone: string;
  catchUp: CatchUp;
  jitterSeconds: number;
  blackouts: ScheduleBlackout[];
  attempts: number;
  format: SavepointFormat | null;
  pausedAt: Date | null;
  setAsideAt: Date | null;
  nextSlotAt: Date;
  deploymentId: string;
  deploymentName: string;
  clusterId: string;
  state: DeploymentState;
  stateSince: Date;
  ambiguous: boolean;
  savepointFormat: SavepointFormat | null;
  jobId: string | null;
  waitingFor: string | null;
  stateBackend: string | null;
  checkpointTimeoutMs: number | null;
  stopId: string | null;
  underWayId: string | null;
  newestSlotAt: Date | null;
  newestReason: SlotReason | null;
  /** When the transaction began, in epoch ms on the clock of the database. */
  now: number;
}

/** Locks those of which slots are due still, of deployments on these clusters, which are locked: nothing that is read here changes meanwhile. */
export const lockDue = (tx: Transaction, ids: readonly string[], clusters: readonly Pick<LockedCluster, 'id'>[]) =>
  tx.rows<DueSchedule>(
    `select s.id, s.expression, s.zone, s.catch_up as "catchUp", s.jitter_seconds as "jitterSeconds", s.blackouts, s.attempts, s.format,
            s.paused_at as "pausedAt", s.set_aside_at as "setAsideAt", s.next_slot_at as "nextSlotAt",
            d.id as "deploymentId", d.name as "deploymentName", d.cluster_id as "clusterId", d.state, d.state_since as "stateSince",
            d.ambiguous_since is not null as ambiguous, d.savepoint_format as "savepointFormat",
            j.id as "jobId", j.waiting_for as "waitingFor", j.state_backend as "stateBackend", j.checkpoint_timeout_ms::float8 as "checkpointTimeoutMs",
            (select t.id from stop t where t.job_id = j.id and t.state in ('WAITING', 'IN_PROGRESS') limit 1) as "stopId",
            (select u.id from savepoint u where u.deployment_id = d.id and u.state in ('PENDING', 'IN_PROGRESS') and u.origin <> 'STOP' limit 1) as "underWayId",
            n.slot_at as "newestSlotAt", n.reason as "newestReason", extract(epoch from now())::float8 * 1000 as now
       from savepoint_schedule s
       join deployment d on d.id = s.deployment_id
       left join job j on j.id = d.current_job_id
       left join lateral (select slot_at, reason from schedule_slot where schedule_id = s.id order by slot_at desc limit 1) n on true
      where s.id = any($1) and s.removed_at is null and s.next_slot_at <= now() and d.cluster_id = any($2)
      order by s.next_slot_at for no key update of s skip locked`,
    [ids, clusters.map(({ id }) => id)],
  );

/** One line of the history of a schedule, of whichever schedule of a transaction. */
export interface WrittenLine {
  schedule: DueSchedule;
  line: SlotLine;
  /** Of the savepoint that it fires. */
  savepointId: string | null;
}

/** New lines, and those that go on. That a slot is written twice is refused by the primary key. */
export async function writeLines(tx: Transaction, written: readonly WrittenLine[]): Promise<void> {
  const added = written.filter(({ line }) => !line.goesOn);
  if (added.length > 0) {
    await tx.changed(
      `insert into schedule_slot (schedule_id, deployment_id, slot_at, last_slot_at, count, outcome, reason, message, caught_up, savepoint_id, decided_at)
       select l.schedule_id, l.deployment_id, l.slot_at, l.last_slot_at, l.count,
              case when l.savepoint_id is null then 'SKIPPED' else 'FIRED' end, l.reason, l.message, l.caught_up, l.savepoint_id, clock_timestamp()
         from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::int[], $6::text[], $7::text[], $8::bool[], $9::uuid[])
              as l(schedule_id, deployment_id, slot_at, last_slot_at, count, reason, message, caught_up, savepoint_id)`,
      [
        added.map(({ schedule }) => schedule.id),
        added.map(({ schedule }) => schedule.deploymentId),
        added.map(({ line }) => new Date(line.slotAt)),
        added.map(({ line }) => new Date(line.lastSlotAt)),
        added.map(({ line }) => line.count),
        added.map(({ line }) => line.skipped?.reason ?? null),
        added.map(({ line }) => line.skipped?.message ?? null),
        added.map(({ line }) => line.caughtUp),
        added.map(({ line, savepointId }) => (line.skipped ? null : savepointId)),
      ],
    );
  }
  const goingOn = written.filter(({ line }) => line.goesOn);
  if (goingOn.length > 0) {
    await tx.changed(
      `update schedule_slot s set last_slot_at = l.last_slot_at, count = s.count + l.count, message = l.message, decided_at = clock_timestamp()
         from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::int[], $5::text[]) as l(schedule_id, slot_at, last_slot_at, count, message)
        where s.schedule_id = l.schedule_id and s.slot_at = l.slot_at`,
      [
        goingOn.map(({ schedule }) => schedule.id),
        goingOn.map(({ schedule }) => schedule.newestSlotAt),
        goingOn.map(({ line }) => new Date(line.lastSlotAt)),
        goingOn.map(({ line }) => line.count),
        goingOn.map(({ line }) => line.skipped?.message ?? null),
      ],
    );
  }
}

/** Moves the chains on, in the transaction that decides their slots: whatever was set aside is not any more. */
export const moveChains = (
  tx: Transaction,
  moved: readonly { id: string; lastSlotAt: number; nextSlotAt: number | null }[],
) =>
  tx.changed(
    `update savepoint_schedule s set last_slot_at = m.last_slot_at, next_slot_at = m.next_slot_at,
            set_aside_at = null, set_aside_reason = null, tried_again_at = null
       from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) as m(id, last_slot_at, next_slot_at) where s.id = m.id`,
    [
      moved.map(({ id }) => id),
      moved.map(({ lastSlotAt }) => new Date(lastSlotAt)),
      moved.map(({ nextSlotAt }) => nextSlotAt && new Date(nextSlotAt)),
    ],
  );

export const markAside = (tx: Transaction, aside: readonly { id: string; why: string }[], againInMs: number) =>
  tx.changed(
    `update savepoint_schedule s set set_aside_at = coalesce(s.set_aside_at, now()), set_aside_reason = a.why,
            tried_again_at = now() + $3 * interval '1 ms'
       from unnest($1::uuid[], $2::text[]) as a(id, why) where s.id = a.id`,
    [aside.map(({ id }) => id), aside.map(({ why }) => why), againInMs],
  );

export interface SlotFilter {
  outcomes?: SlotOutcome[] | null;
  reasons?: SlotReason[] | null;
}

/** Of all schedules that a deployment has and has had, newest first. */
export function slotPage(sql: Sql, page: Page, deploymentId: string, { outcomes, reasons }: SlotFilter) {
  const values: unknown[] = [deploymentId];
  const where = ['deployment_id = $1'];
  if (outcomes) where.push(`outcome = any($${values.push(outcomes)})`);
  if (reasons) where.push(`reason = any($${values.push(reasons)})`);
  const table = '(select *, schedule_id as id from schedule_slot) s';
  return pageOf(sql, ScheduleSlot, table, page, where, values, 'slot_at');
}
