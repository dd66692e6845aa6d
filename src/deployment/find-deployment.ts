import type { Sql, Transaction } from '../db/database.js';
import { Deployment, type DeploymentState } from './deployment.entity.js';

/** What other nouns may ask of deployments, and tell them. */
export const findDeployment = (sql: Sql, id: string) =>
  sql.entity(Deployment, 'select * from deployment where id = $1', [id]);
export const findDeployments = (sql: Sql, ids: readonly string[]) =>
  sql.entities(Deployment, 'select * from deployment where id = any($1)', [ids]);
export const findDeploymentByName = (sql: Sql, name: string) =>
  sql.entity(Deployment, 'select * from deployment where name = $1 and archived_at is null', [name]);

/** Orders what is asked of one deployment: starts, savepoints, stops. */
export const lockDeployment = (tx: Transaction, id: string) =>
  tx.entity(Deployment, 'select * from deployment where id = $1 for no key update', [id]);

/** A new run: counts it, and makes it the current one. Answers its number. */
export async function beginRun(
  tx: Transaction,
  deploymentId: string,
  jobId: string,
  state: DeploymentState,
): Promise<void> {
  await tx.changed(
    `update deployment set current_job_id = $2, state = $3, state_since = now(), observed_at = now() where id = $1`,
    [deploymentId, jobId, state],
  );
}

export async function nextRun(tx: Transaction, deploymentId: string): Promise<number> {
  const row = await tx.row<{ runs: number }>('update deployment set runs = runs + 1 where id = $1 returning runs', [
    deploymentId,
  ]);
  if (!row) throw new Error(`Deployment ${deploymentId} has vanished`);
  return row.runs;
}

/** Follows the state of its current job; of an older run it changes nothing. */
export async function followJob(
  tx: Transaction,
  deploymentId: string,
  jobId: string,
  state: DeploymentState,
): Promise<void> {
  await tx.changed(
    `update deployment set state_since = case when state = $3 then state_since else now() end, state = $3, observed_at = now()
      where id = $1 and current_job_id = $2`,
    [deploymentId, jobId, state],
  );
}
