import type { Sql } from '../db/database.js';
import { Savepoint } from '../savepoint/savepoint.entity.js';
import { isLeftBehind, LIVE } from './checkpoint-page.js';
import {
  completed,
  type CompletedRow,
  ofHistory,
  ofLastCompleted,
  ofLastFailed,
  ofLeftBehind,
  toCheckpoint,
} from './checkpoint-rows.js';
import { type Candidate, newestRestorable } from './newest-restorable.js';
import { StateOverview } from './overview.types.js';

/** From this on two clocks are said to differ. */
const CLOCKS_DIFFER_MS = 5_000;

/** Of the newest run that has any. Kept with the run: dropping days of the history changes nothing here. */
const ofNewestRun = (columns: string, has: string) =>
  completed(
    `select ${columns} from job n join job_checkpoints a on a.job_id = n.id
      where n.deployment_id = d.id and ${has} is not null order by n.run desc limit 1`,
  );

/** Behind a savepoint whose stop failed afterwards nothing later of that run counts: its side effects may be uncommitted. */
const newestLeft = completed(
  `select ${ofLeftBehind} from retained_checkpoint r join job e on e.id = r.job_id
    where r.deployment_id = d.id and r.data <> 'MISSING' and (r.kind = 'SAVEPOINT' or (e.state not in ${LIVE} and e.checkpoints_going_at is null))
      and not exists (select 1 from savepoint f where f.job_id = r.job_id and f.stop_failed_after and f.state = 'COMPLETED'
                         and f.triggered_at < r.triggered_at)
    order by r.triggered_at desc, r.flink_checkpoint_id desc limit 1`,
);

/** A savepoint that somebody else triggered; when its day is dropped it is kept with what runs left behind. */
const newestOfOthers = completed(
  `select ${ofHistory} from checkpoint c
    where c.deployment_id = d.id and c.kind = 'SAVEPOINT' and c.state = 'COMPLETED' and c.savepoint_id is null
      and c.location is not null and not c.discarded
    order by c.triggered_at desc, c.flink_checkpoint_id desc limit 1`,
);

const asJson = (rows: string) => `(select to_jsonb(x) from (${rows}) x)`;
const withClock = (rows: string) =>
  `(select to_jsonb(x) || jsonb_build_object('clock_offset_ms', k.clock_offset_ms) from (${rows}) x
      join job m on m.id = x.job_id join cluster k on k.id = m.cluster_id)`;

const savepointAs = (role: string, where: string, order: string) =>
  `(select '${role}' as role, k.clock_offset_ms, s.* from savepoint s left join cluster k on k.id = s.cluster_id
     where s.deployment_id = d.id and ${where} order by s.${order} limit 1)`;

/**
 * One statement for any number of deployments: a row for each savepoint that it names, each with the whole rest. The ids come as
 * JSON: of an array PostgreSQL knows the length only when it plans for that very one, so it would plan anew each time, and that
 * takes ten times as long as the statement itself (30 partitions, PostgreSQL 18).
 */
const text = `
  select d.id as deployment_ref, o.told, s.*
    from json_array_elements_text($1::json) asked(id)
    join deployment d on d.id = asked.id::uuid
   cross join lateral (select jsonb_build_object(
     'now', (extract(epoch from now()) * 1000)::float8,
     'deployment', jsonb_build_array(d.state, d.state_since, d.current_job_id),
     'lastCompleted', ${asJson(ofNewestRun(ofLastCompleted, 'a.last_completed_id'))},
     'lastFailed', ${asJson(ofNewestRun(ofLastFailed, 'a.last_failed_id'))},
     'newestLeft', ${withClock(newestLeft)},
     'newestOfOthers', ${withClock(newestOfOthers)},
     'account', (select jsonb_build_object('lookedAt', a.looked_at, 'failedInARow', a.failed_in_a_row,
                        'failedWithoutEntry', a.failed_without_entry + greatest(0, a.told_failed - a.recorded_failed))
                   from job_checkpoints a where a.job_id = d.current_job_id),
     'clockOffsetMs', (select clock_offset_ms from cluster where id = d.cluster_id),
     'schedule', (select jsonb_build_array(h.id, h.next_slot_at, h.paused_at) from savepoint_schedule h where h.deployment_id = d.id and h.removed_at is null),
     'savepoints', (select jsonb_build_object('bytes', coalesce(sum(k.size_bytes), 0), 'unknown', count(*) filter (where k.size_bytes is null))
                      from savepoint k where k.deployment_id = d.id and k.state in ('COMPLETED', 'DELETING', 'DELETION_FAILED')),
     'deleting', (select jsonb_build_object('bytes', coalesce(sum(k.size_bytes), 0), 'failed', count(*) filter (where k.state = 'DELETION_FAILED'))
                    from savepoint k where k.deployment_id = d.id and k.state in ('DELETING', 'DELETION_FAILED')),
     'leftBehind', (select jsonb_build_object('bytes', coalesce(sum(r.state_bytes), 0), 'unknown', count(*) filter (where r.state_bytes is null))
                      from retained_checkpoint r join job e on e.id = r.job_id where r.deployment_id = d.id and ${isLeftBehind('r', 'e')})
     ) as told offset 0) o -- offset 0: made once for a deployment, not for each of its lines
    left join lateral (
      ${savepointAs('LAST_COMPLETED', `s.state = 'COMPLETED' and s.origin <> 'IMPORTED' and s.completed_at is not null`, 'completed_at desc')}
      union all
      ${savepointAs('LAST_FAILED', `s.state = 'FAILED' and s.failed_at is not null`, 'failed_at desc')}
      union all
      ${savepointAs(
        'RESTORABLE',
        `s.state = 'COMPLETED' and s.origin <> 'IMPORTED' and s.data not in ('MISSING', 'DAMAGED') and not s.drained`,
        'triggered_at desc nulls last',
      )}) s on true`;

interface Told {
  now: number;
  deployment: unknown[];
  lastCompleted: CompletedRow | null;
  lastFailed: CompletedRow | null;
  newestLeft: (CompletedRow & { clock_offset_ms: number | null }) | null;
  newestOfOthers: (CompletedRow & { clock_offset_ms: number | null }) | null;
  account: { lookedAt: string | null; failedInARow: number; failedWithoutEntry: number } | null;
  clockOffsetMs: number | null;
  /** Only whether it has moved matters here. */
  schedule: unknown[] | null;
  savepoints: { bytes: number; unknown: number };
  deleting: { bytes: number; failed: number };
  leftBehind: { bytes: number; unknown: number };
}

interface Line {
  deployment_ref: string;
  told: Told;
  role: 'LAST_COMPLETED' | 'LAST_FAILED' | 'RESTORABLE' | null;
  clock_offset_ms: string | null;
}

/** Overviews by the ids of their deployments, in one statement; unknown ids are left out. */
export async function readOverviews(sql: Sql, ids: readonly string[]): Promise<Map<string, StateOverview>> {
  const lines: Line[] = [];
  const savepoints = await sql.entities(Savepoint, text, [JSON.stringify(ids)], (line) =>
    lines.push(line as unknown as Line),
  );
  const found = new Map<string, { told: Told; savepoints: Named }>();
  lines.forEach(({ deployment_ref: id, told, role, clock_offset_ms: offset }, at) => {
    const one = found.get(id) ?? { told, savepoints: {} };
    found.set(id, one);
    const savepoint = savepoints[at];
    if (role && savepoint) one.savepoints[role] = { savepoint, clockOffsetMs: offset === null ? null : Number(offset) };
  });
  return new Map([...found].map(([id, one]) => [id, toOverview(id, one.told, one.savepoints)]));
}

type Named = Partial<Record<NonNullable<Line['role']>, { savepoint: Savepoint; clockOffsetMs: number | null }>>;

function toOverview(deploymentId: string, told: Told, named: Named): StateOverview {
  const candidates: Candidate[] = [told.newestLeft, told.newestOfOthers]
    .filter((row) => row !== null)
    .map((row) => ({ checkpoint: toCheckpoint(row), clockOffsetMs: row.clock_offset_ms }));
  if (named.RESTORABLE) candidates.unshift(named.RESTORABLE);
  const lookedAt = told.account?.lookedAt ? new Date(told.account.lookedAt) : null;
  const lastCompletedCheckpoint = told.lastCompleted && toCheckpoint(told.lastCompleted);
  const lastFailedCheckpoint = told.lastFailed && toCheckpoint(told.lastFailed);
  const lastCompletedSavepoint = named.LAST_COMPLETED?.savepoint ?? null;
  const lastFailedSavepoint = named.LAST_FAILED?.savepoint ?? null;
  const newestRestorableState = newestRestorable(candidates, told.now);
  const { savepoints, deleting, leftBehind, account, clockOffsetMs } = told;
  const { ageMs: _, ...restorable } = newestRestorableState ?? { ageMs: null };
  const { lookedAt: __, ...counts } = account ?? { lookedAt: null };
  return Object.assign(new StateOverview(), {
    deploymentId,
    lastCompletedCheckpoint,
    lastFailedCheckpoint,
    failedInARow: account?.failedInARow ?? 0,
    failedWithoutEntry: account?.failedWithoutEntry ?? 0,
    lastCompletedSavepoint,
    lastFailedSavepoint,
    newestRestorableState,
    storedBytes: savepoints.bytes + leftBehind.bytes,
    savepointBytes: savepoints.bytes,
    deletingBytes: deleting.bytes,
    deletionsFailed: deleting.failed,
    leftBehindBytes: leftBehind.bytes,
    ofUnknownSize: savepoints.unknown + leftBehind.unknown,
    lastLookAt: lookedAt,
    lookAgeMs: lookedAt && Math.max(0, Math.round(told.now - lookedAt.getTime())),
    clockOffsetMs: clockOffsetMs !== null && Math.abs(clockOffsetMs) > CLOCKS_DIFFER_MS ? clockOffsetMs : null,
    fingerprint: JSON.stringify([
      told.deployment,
      lastCompletedCheckpoint,
      lastFailedCheckpoint,
      counts,
      lastCompletedSavepoint,
      lastFailedSavepoint,
      restorable,
      savepoints,
      deleting,
      leftBehind,
      told.schedule,
    ]),
  });
}
