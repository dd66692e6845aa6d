import type { Sql } from '../db/database.js';
import { chooseLatestState, type RestorePoint } from './restore-choice.js';
import { runsWithPoints } from './restore.store.js';

/** What LATEST_STATE would start a deployment from, as far as is recorded; null: it finds nothing, or wants the state to be named. */
export async function latestStateOf(sql: Sql, deploymentId: string): Promise<RestorePoint | null> {
  const choice = chooseLatestState(await runsWithPoints(sql, deploymentId));
  return choice.kind === 'CHOSEN' ? choice.point : null;
}
