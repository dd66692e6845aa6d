import type { Sql } from '../db/database.js';
import { chooseLatestState, type Choice, type RestorePoint } from './restore-choice.js';
import { runsWithPoints } from './restore.store.js';
import { pointOfRestored } from './restored-point.js';

/** What LATEST_STATE comes to for a deployment, by what is recorded. */
export async function latestState(sql: Sql, deploymentId: string): Promise<Choice> {
  const runs = await runsWithPoints(sql, deploymentId);
  const last = runs.find(({ tookHold }) => tookHold);
  // An adopted one was started by somebody else: what Flink showed as restored is what it may have to fall back to.
  if (last?.restored && !last.start) last.start = await pointOfRestored(sql, last.restored);
  return chooseLatestState(runs);
}

/** What it would start from; null: it finds nothing, or wants the state to be named. */
export async function latestStateOf(sql: Sql, deploymentId: string): Promise<RestorePoint | null> {
  const choice = await latestState(sql, deploymentId);
  return choice.kind === 'CHOSEN' ? choice.point : null;
}
