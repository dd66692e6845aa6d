import { randomUUID } from 'node:crypto';
import type { Stateward } from './stateward.js';

/** A run in some state, as the database has it; the current one of its deployment. */
export async function insertJob(
  { services: { database } }: Stateward,
  deploymentId: string,
  clusterId: string,
  state: string,
  artifactId: string | null = null,
): Promise<string> {
  const id = randomUUID();
  await database.changed(
    `insert into job (id, deployment_id, cluster_id, run, flink_job_id, state, artifact_id, actor, observed_at)
     values ($1, $2, $3, (select count(*) + 1 from job where deployment_id = $2), $4, $5, $6, 'test', now())`,
    [id, deploymentId, clusterId, id.replaceAll('-', ''), state, artifactId],
  );
  await database.changed(`update deployment set current_job_id = $2, state = $3 where id = $1`, [
    deploymentId,
    id,
    state === 'RUNNING' ? 'RUNNING' : 'CANCELLED',
  ]);
  return id;
}

/** A manual savepoint in some state, of some run. */
export async function insertSavepointOf(
  { services: { database } }: Stateward,
  deploymentId: string,
  clusterId: string,
  jobId: string,
  state: string,
): Promise<string> {
  const id = randomUUID();
  await database.changed(
    `insert into savepoint (id, deployment_id, job_id, cluster_id, origin, state, format, actor)
     values ($1, $2, $3, $4, 'MANUAL', $5, 'CANONICAL', 'test')`,
    [id, deploymentId, jobId, clusterId, state],
  );
  return id;
}
