import type { Sql } from '../db/database.js';
import type { PlannedOperator } from '../flink/flink.types.js';
import { newestContentsOf, type NewestContents } from './uid-report.store.js';
import { type UidReport, UidReportState } from './uid-report.types.js';
import { writesUids } from './match-operators.js';
import { planKeyOf } from './program-plan.js';
import { rememberedPlan } from './program-plan.store.js';
import { uidsSet } from './uids-set.js';

/** By deployment. */
export async function findUidReports(sql: Sql, deploymentIds: readonly string[]): Promise<Map<string, UidReport>> {
  const found = await newestContentsOf(sql, deploymentIds);
  const reports = new Map<string, UidReport>();
  for (const one of found) reports.set(one.deploymentId, reportOf(one, await planOf(sql, one)));
  return new Map(deploymentIds.map((id) => [id, reports.get(id) ?? NOTHING_READ]));
}

const NOTHING_READ: UidReport = {
  state: UidReportState.NOT_TOLD,
  why: 'No snapshot of its own runs has been read: one is when its first checkpoint has completed where Stateward can read it.',
  asOf: null,
  source: null,
  operators: [],
};

/** Of a program whose snapshot does not tell; null: none is remembered. */
async function planOf(sql: Sql, { contents, settings, cluster }: NewestContents): Promise<PlannedOperator[] | null> {
  if (contents.source !== 'METADATA' || writesUids(contents.metadata)) return null;
  const key = planKeyOf(settings, cluster);
  return (key && (await rememberedPlan(sql, key)))?.operators ?? null;
}

function reportOf(
  { run, savepointId, location, contents, readAt }: NewestContents,
  plan: PlannedOperator[] | null,
): UidReport {
  if (contents.source !== 'METADATA') return NOTHING_READ;
  const { state, why, operators } = uidsSet(contents.metadata, plan);
  const what = savepointId === null ? `checkpoint ${location}` : `savepoint ${savepointId}`;
  return { state: state as UidReportState, why, asOf: readAt, source: `${what} of run ${run}`, operators };
}
