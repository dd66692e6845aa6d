import type { Transaction } from '../db/database.js';

/**
 * Cleaning may go on: of deployments of which something has changed, and of those whose savepoints their live runs were started from.
 * Comes before any deployment is written to in the same transaction.
 */
export async function wakeRetention(tx: Transaction, deploymentIds: readonly string[]): Promise<void> {
  if (deploymentIds.length === 0) return;
  await tx.changed(
    `update retention_policy p set sweep_at = now()
       from (select deployment_id from retention_policy
              where sweep_at > now()
                and deployment_id in (select id from unnest($1::uuid[]) changed(id)
                                      union
                                      select s.deployment_id from job j join savepoint s on s.id = j.start_savepoint_id
                                       where j.deployment_id = any($1) and j.state in ('SUBMITTING', 'INITIALIZING', 'RUNNING', 'RESTARTING', 'STOPPING'))
              order by deployment_id for no key update) due
      where p.deployment_id = due.deployment_id`,
    [deploymentIds],
  );
}
