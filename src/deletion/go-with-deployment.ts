import type { Sql, Transaction } from '../db/database.js';
import type { NewEvent } from '../event/record-event.js';
import { oldestMatching } from '../savepoint/find-savepoint.js';
import { SavepointOrigin, SavepointState } from '../savepoint/savepoint.enums.js';
import { begin } from './delete-savepoint.js';
import { SavepointProtected } from './deletion-refusals.types.js';
import { DeletionRule, DeletionScope } from './deletion.enums.js';
import { type SavepointToDelete, savepointsToDelete } from './deletion.store.js';
import { type DeletionRefusal, isRefusal, judgeDeletion, readStanding, type Standing } from './judge-deletion.js';

/** What becomes of the savepoints of a deployment that is deleted. */
export interface GoingWithDeployment {
  going: Record<DeletionScope, SavepointToDelete[]>;
  /** Those that were meant and stay. */
  kept: { savepoint: SavepointToDelete; refusal: DeletionRefusal }[];
  /** COMPLETED ones that were not meant. */
  leftAlone: number;
}

export type Meant = 'NONE' | 'SCHEDULED' | 'ALL';

/**
 * Judges the savepoints that are meant to go with their deployment (OB-1): the newest good one and what its own LATEST_STATE would use
 * give way, since it is not started any more. What a run or a start needs, what LATEST_STATE of another deployment would use, pins and
 * holds do not.
 */
export async function judgeWithDeployment(
  sql: Sql,
  deploymentId: string,
  meant: Meant,
  { lock }: { lock: boolean },
): Promise<GoingWithDeployment> {
  const ids = meant === 'NONE' ? [] : await oldestMatching(sql, { deploymentId, ...wanted[meant] }, null);
  const savepoints = [...(await savepointsToDelete(sql, ids, { lock })).values()];
  const standing = await readStanding(sql, { deploymentId }, deploymentId);
  const judged: GoingWithDeployment = {
    going: { DATA: [], RECORD: [] },
    kept: [],
    leftAlone: standing.savepoints.size,
  };
  for (const savepoint of savepoints) {
    if (standing.savepoints.has(savepoint.id)) judged.leftAlone -= 1;
    const answer = judge(savepoint, standing, deploymentId);
    if (isRefusal(answer)) judged.kept.push({ savepoint, refusal: answer });
    else judged.going[answer].push(savepoint);
  }
  return judged;
}

const states = [SavepointState.PENDING, SavepointState.IN_PROGRESS, SavepointState.COMPLETED];
const wanted = { SCHEDULED: { states, origins: [SavepointOrigin.SCHEDULED] }, ALL: { states } };

/** Only asked for where the last state is to stay. */
const NONE_GONE: ReadonlySet<string> = new Set();

function judge(
  savepoint: SavepointToDelete,
  standing: Standing,
  deploymentId: string,
): DeletionScope | DeletionRefusal {
  const judged = judgeDeletion(savepoint, standing, { force: true, lastState: true, alsoData: false }, NONE_GONE);
  if (isRefusal(judged) || judged === DeletionScope.RECORD) return judged;
  const protections = standing.protections.get(savepoint.id) ?? [];
  const ofOthers = protections.filter((one) => one.kind === 'LATEST_STATE' && one.deploymentId !== deploymentId);
  return ofOthers.length > 0 ? new SavepointProtected(savepoint.id, ofOthers) : judged;
}

/** Marks what goes, locked and judged before. Answers the events to be recorded at the end. */
export async function beginWithDeployment(
  tx: Transaction,
  { going }: GoingWithDeployment,
  { actor, reason }: { actor: string; reason: string },
): Promise<NewEvent[]> {
  const request = { actor, reason, rule: DeletionRule.DEPLOYMENT_DELETED };
  return [
    ...(await begin(tx, going.DATA, DeletionScope.DATA, request)),
    ...(await begin(tx, going.RECORD, DeletionScope.RECORD, request)),
  ];
}
