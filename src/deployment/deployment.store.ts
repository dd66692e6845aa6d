import { assign } from '../db/assign.js';
import type { Sql, Transaction } from '../db/database.js';
import { type Page, pageOf } from '../db/pages.js';
import { Deployment, type DeploymentState } from './deployment.entity.js';

export interface DeploymentFilter {
  clusterId?: string | null;
  states?: DeploymentState[] | null;
  /** All of them. */
  labels?: readonly { key: string; value: string }[] | null;
  nameContains?: string | null;
}

export function deploymentPage(sql: Sql, page: Page, { clusterId, states, labels, nameContains }: DeploymentFilter) {
  const where = ['archived_at is null'];
  const values: unknown[] = [];
  if (clusterId) where.push(`cluster_id = $${values.push(clusterId)}`);
  if (states) where.push(`state = any($${values.push(states)})`);
  for (const { key, value } of labels ?? [])
    where.push(`labels @> jsonb_build_object($${values.push(key)}::text, $${values.push(value)}::text)`);
  if (nameContains) where.push(`position(lower($${values.push(nameContains)}) in lower(name)) > 0`);
  return pageOf(sql, Deployment, 'deployment', page, where, values);
}

/** What a person decides about a deployment. */
export type DeploymentDefinition = Pick<
  Deployment,
  | 'name'
  | 'clusterId'
  | 'artifactId'
  | 'entryClass'
  | 'programArguments'
  | 'parallelism'
  | 'flinkConfiguration'
  | 'savepointFormat'
  | 'labels'
  | 'startDeadlineMs'
>;

export async function insertDeployment(tx: Transaction, d: DeploymentDefinition & { id: string }): Promise<void> {
  await tx.changed(
    `insert into deployment (id, name, cluster_id, artifact_id, entry_class, program_arguments, parallelism, flink_configuration,
                             savepoint_format, labels, start_deadline_ms)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      d.id,
      d.name,
      d.clusterId,
      d.artifactId,
      d.entryClass,
      d.programArguments,
      d.parallelism,
      JSON.stringify(d.flinkConfiguration),
      d.savepointFormat,
      JSON.stringify(d.labels),
      d.startDeadlineMs,
    ],
  );
}

/** What it followed on the cluster that it leaves is no fact about another one. */
export type DeploymentChange = Partial<DeploymentDefinition> & { adoptedJobId?: null; ambiguousSince?: null };

/** Under the lock of its cluster ({@link findForDecision}). What the change does not name stays. */
export async function changeDeployment(tx: Transaction, id: string, change: DeploymentChange): Promise<void> {
  const json = (value: object | undefined) => value && JSON.stringify(value);
  const values: unknown[] = [id];
  const set = assign(
    {
      name: change.name,
      cluster_id: change.clusterId,
      artifact_id: change.artifactId,
      entry_class: change.entryClass,
      program_arguments: change.programArguments,
      parallelism: change.parallelism,
      flink_configuration: json(change.flinkConfiguration),
      savepoint_format: change.savepointFormat,
      labels: json(change.labels),
      start_deadline_ms: change.startDeadlineMs,
      adopted_job_id: change.adoptedJobId,
      ambiguous_since: change.ambiguousSince,
    },
    values,
  );
  if (set.length > 0) await tx.changed(`update deployment set ${set.join(', ')} where id = $1`, values);
}

/** The deployment that follows whatever runs under a name on a cluster; null: none does. */
export const followerOf = (sql: Sql, clusterId: string, jobName: string) =>
  sql.entity(
    Deployment,
    'select * from deployment where cluster_id = $1 and adopted_job_name = $2 and archived_at is null',
    [clusterId, jobName],
  );
