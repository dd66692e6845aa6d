import type { Sql, Transaction } from '../db/database.js';
import { type Page, pageOf } from '../db/pages.js';
import { Deployment, type DeploymentState } from './deployment.entity.js';

export interface DeploymentFilter {
  clusterId?: string | null;
  states?: DeploymentState[] | null;
}

export function deploymentPage(sql: Sql, page: Page, { clusterId, states }: DeploymentFilter) {
  const where = ['archived_at is null'];
  const values: unknown[] = [];
  if (clusterId) where.push(`cluster_id = $${values.push(clusterId)}`);
  if (states) where.push(`state = any($${values.push(states)})`);
  return pageOf(sql, Deployment, 'deployment', page, where, values);
}

export async function insertDeployment(
  tx: Transaction,
  d: Pick<
    Deployment,
    | 'id'
    | 'name'
    | 'clusterId'
    | 'artifactId'
    | 'entryClass'
    | 'programArguments'
    | 'parallelism'
    | 'flinkConfiguration'
    | 'savepointFormat'
  >,
) {
  await tx.changed(
    `insert into deployment (id, name, cluster_id, artifact_id, entry_class, program_arguments, parallelism, flink_configuration, savepoint_format)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
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
    ],
  );
}
