import type { Cluster } from '../cluster/cluster.entity.js';
import { lockClusterOf, lockClusters } from '../cluster/find-cluster.js';
import type { Sql, Transaction } from '../db/database.js';
import { Deployment, type DeploymentState } from './deployment.entity.js';

/** What other nouns may ask of deployments, and tell them. */
export const findDeployment = (sql: Sql, id: string) =>
  sql.entity(Deployment, 'select * from deployment where id = $1', [id]);
export const findDeployments = (sql: Sql, ids: readonly string[]) =>
  sql.entities(Deployment, 'select * from deployment where id = any($1)', [ids]);
export const findDeploymentByName = (sql: Sql, name: string) =>
  sql.entity(Deployment, 'select * from deployment where name = $1 and archived_at is null', [name]);

/**
 * A deployment and its cluster, whose row is locked: starts, savepoints, stops and changes of what stands there are decided one
 * after the other, and each reads the deployment as the one before has left it. null: there is no such deployment.
 */
export async function findForDecision(
  tx: Transaction,
  id: string,
): Promise<{ deployment: Deployment; cluster: Cluster } | null> {
  const cluster = await lockClusterOf(tx, id);
  const deployment = cluster && (await findDeployment(tx, id));
  if (!deployment) return null;
  if (deployment.clusterId !== cluster.id) return findForDecision(tx, id); // moved while its cluster was waited for
  return { deployment, cluster };
}

/** The same order for what is decided about several at once. */
export async function lockForDecisions(tx: Transaction, ids: readonly string[]): Promise<void> {
  const locked = await clustersOf(tx, ids);
  await lockClusters(tx, locked);
  const now = await clustersOf(tx, ids);
  if (now.some((id) => !locked.includes(id))) await lockForDecisions(tx, ids); // moved while their clusters were waited for
}

async function clustersOf(sql: Sql, ids: readonly string[]): Promise<string[]> {
  const rows = await sql.rows<{ id: string }>('select distinct cluster_id as id from deployment where id = any($1)', [
    ids,
  ]);
  return rows.map(({ id }) => id);
}

/** Its own row, which comes last in the order of locks. null for an archived one too: nothing can be asked of it. */
export const lockDeployment = (tx: Transaction, id: string) =>
  tx.entity(Deployment, 'select * from deployment where id = $1 and archived_at is null for no key update', [id]);

export const archiveDeployment = (tx: Transaction, id: string, actor: string) =>
  tx.changed('update deployment set archived_at = now(), archived_by = $2, ambiguous_since = null where id = $1', [
    id,
    actor,
  ]);

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

/** Whether two jobs answer to its adoption rule. False: that was known already. */
export async function markAmbiguous(tx: Transaction, deploymentId: string, ambiguous: boolean): Promise<boolean> {
  const changed = await tx.changed(
    `update deployment set ambiguous_since = case when $2 then now() end where id = $1 and (ambiguous_since is not null) <> $2`,
    [deploymentId, ambiguous],
  );
  return changed === 1;
}

/** A deployment whose job others start: it follows one job id, or whatever runs under a name. */
export async function insertAdoptedDeployment(
  tx: Transaction,
  d: {
    id: string;
    name: string;
    clusterId: string;
    artifactId: string | null;
    entryClass: string | null;
    jobId: string | null;
    jobName: string | null;
  },
): Promise<void> {
  await tx.changed(
    `insert into deployment (id, name, cluster_id, artifact_id, entry_class, adopted_job_id, adopted_job_name)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [d.id, d.name, d.clusterId, d.artifactId, d.entryClass, d.jobId, d.jobName],
  );
}
