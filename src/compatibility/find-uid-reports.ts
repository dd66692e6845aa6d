import type { Sql } from '../db/database.js';
import { newestContentsOf, type NewestContents } from './uid-report.store.js';
import { type UidReport, UidReportState } from './uid-report.types.js';
import { uidsSet } from './uids-set.js';

/** By deployment. */
export async function findUidReports(sql: Sql, deploymentIds: readonly string[]): Promise<Map<string, UidReport>> {
  const found = await newestContentsOf(sql, deploymentIds);
  const reports = new Map(found.map((one) => [one.deploymentId, reportOf(one)]));
  return new Map(deploymentIds.map((id) => [id, reports.get(id) ?? NOTHING_READ]));
}

const NOTHING_READ: UidReport = {
  state: UidReportState.NOT_TOLD,
  why: 'No snapshot of its own runs has been read: one is when its first checkpoint has completed where Stateward can read it.',
  asOf: null,
  source: null,
  operators: [],
};

function reportOf({ run, savepointId, location, contents, readAt }: NewestContents): UidReport {
  if (contents.source !== 'METADATA') return NOTHING_READ;
  const { state, why, operators } = uidsSet(contents.metadata);
  const what = savepointId === null ? `checkpoint ${location}` : `savepoint ${savepointId}`;
  return { state: state as UidReportState, why, asOf: readAt, source: `${what} of run ${run}`, operators };
}
