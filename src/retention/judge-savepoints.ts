import type { Sql } from '../db/database.js';
import { findUncontained } from '../deletion/find-deletion.js';
import { protectionsOf, type SavepointFacts } from '../deletion/protection.js';
import { readProtectionFacts } from '../deletion/protection-facts.js';
import { chooseRetention, type RetentionChoice, type RetentionPolicy } from './retention-choice.js';
import { standingOf } from './retention.store.js';

/** What a policy does now to the savepoints of a deployment. */
export interface SavepointsJudged {
  deploymentName: string;
  savepoints: ReadonlyMap<string, SavepointFacts>;
  choice: RetentionChoice;
  /** Epoch ms on the database's clock. */
  now: number;
}

/** The one way from what is recorded to a choice: of the sweep, of its preview, and of what each savepoint shows. */
export async function judgeSavepoints(
  sql: Sql,
  deploymentId: string,
  policy: RetentionPolicy,
): Promise<SavepointsJudged> {
  const standing = await standingOf(sql, deploymentId);
  if (!standing) throw new Error(`Deployment ${deploymentId} has vanished`);
  const facts = await readProtectionFacts(sql, { deploymentId });
  const { now, name: deploymentName, ...deployment } = standing;
  const protections = protectionsOf(facts, now);
  const question = { policy, savepoints: facts.savepoints, protections, now, deployment };
  const wanted = chooseRetention(question);
  const notDeletable = await findUncontained(
    sql,
    wanted.delete.map(({ id }) => id),
  );
  const choice = notDeletable.size === 0 ? wanted : chooseRetention({ ...question, notDeletable });
  return { deploymentName, savepoints: new Map(facts.savepoints.map((one) => [one.id, one])), choice, now };
}
