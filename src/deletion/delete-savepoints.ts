import { checkId, readCheckpointId } from '../api/id-arg.js';
import { InvalidInput, NotFound, type UserError } from '../api/user-error.js';
import { lockClusterOf } from '../cluster/find-cluster.js';
import type { Database, Transaction } from '../db/database.js';
import type { Caller } from '../db/idempotency.js';
import { findDeployment } from '../deployment/find-deployment.js';
import { recordInOrder } from '../event/record-event.js';
import { failPoint } from '../fail-point.js';
import { oldestMatching } from '../savepoint/find-savepoint.js';
import { SavepointState } from '../savepoint/savepoint.enums.js';
import { CheckpointIsFlinks } from '../savepoint/savepoint-id.js';
import { begin, checkReason } from './delete-savepoint.js';
import { DeletionScope } from './deletion.enums.js';
import { type SavepointToDelete, savepointsToDelete } from './deletion.store.js';
import {
  type DeletionAnswer,
  DeletionReport,
  type DeleteSavepointsInput,
  type DeleteSavepointsResult,
} from './deletion.types.js';
import { isGoing, isRefusal, judgeDeletion, readStanding } from './judge-deletion.js';

const AT_ONCE = 1_000;

/** What became of one, and whether this very request has begun, or would begin, to delete it. */
type Answer = DeletionAnswer & { begun: boolean };

/**
 * Deletes many, each for itself: what speaks against one stops no other. One transaction for each deployment, in which the oldest come
 * first, so that what must stay is the newest. A repeated request does no harm: what is going already is accepted as it is.
 */
export async function deleteSavepoints(
  { database }: { database: Database },
  input: DeleteSavepointsInput,
  caller: Caller,
): Promise<DeleteSavepointsResult> {
  const problem = check(input);
  if (problem) return problem;
  const { deploymentId } = input.filter;
  if (deploymentId && !(await findDeployment(database, deploymentId)))
    return new NotFound('filter.deploymentId', 'deployment', deploymentId);

  const named = input.filter.ids?.map((id) => id.toLowerCase());
  const matching = await matchingIds(database, input, named);
  const found = await savepointsToDelete(database, matching.slice(0, AT_ONCE), { lock: false });
  const answers = new Map<string, Answer>();
  for (const [deployment, ids] of byDeployment(matching, found)) {
    for (const answer of await answerFor(database, deployment, ids, input, caller))
      answers.set(answer.savepointId, answer);
  }
  const order = named ? [...new Set(named)] : matching.slice(0, AT_ONCE);
  const all = order.map((id) => answers.get(id) ?? notThere(id));
  const freedBytes = all.reduce((sum, { begun, bytes }) => sum + (begun ? (bytes ?? 0) : 0), 0);
  return new DeletionReport(all, { dryRun: input.dryRun, freedBytes, hasMore: matching.length > AT_ONCE });
}

function check({ filter, reason }: DeleteSavepointsInput): InvalidInput | null {
  if (filter.deploymentId) checkId('filter.deploymentId', filter.deploymentId);
  if (filter.ids && filter.ids.length > AT_ONCE)
    return new InvalidInput(
      'filter.ids',
      `it names ${filter.ids.length} savepoints; ${AT_ONCE} at a time are deleted.`,
    );
  filter.ids?.forEach((id, index) => {
    if (!readCheckpointId(id)) checkId(`filter.ids[${index}]`, id);
  });
  if (!filter.deploymentId && !filter.ids)
    return new InvalidInput(
      'filter',
      'name the deployment (deploymentId) or the savepoints (ids): all there are is never meant.',
    );
  return checkReason(reason);
}

/** One more than are looked at tells that there are more. */
const matchingIds = (database: Database, { filter }: DeleteSavepointsInput, named: string[] | undefined) =>
  oldestMatching(
    database,
    {
      ...filter,
      ids: named?.filter((id) => readCheckpointId(id) === null) ?? null,
      states: filter.states ?? (named ? null : [SavepointState.COMPLETED]),
    },
    AT_ONCE + 1,
  );

/** Those of none, each alone. */
function byDeployment(
  ids: readonly string[],
  found: ReadonlyMap<string, SavepointToDelete>,
): [deploymentId: string | null, ids: string[]][] {
  const groups = new Map<string, string[]>();
  const alone: [null, string[]][] = [];
  for (const id of ids) {
    const savepoint = found.get(id);
    if (!savepoint) continue;
    if (savepoint.deploymentId === null) alone.push([null, [id]]);
    else groups.set(savepoint.deploymentId, [...(groups.get(savepoint.deploymentId) ?? []), id]);
  }
  return [...groups, ...alone];
}

async function answerFor(
  database: Database,
  deploymentId: string | null,
  ids: readonly string[],
  input: DeleteSavepointsInput,
  caller: Caller,
): Promise<Answer[]> {
  const answers = await database.transaction(async (tx) => {
    if (deploymentId !== null && !input.dryRun) await lockClusterOf(tx, deploymentId);
    const savepoints = await savepointsToDelete(tx, ids, { lock: !input.dryRun });
    const standing = await readStanding(
      tx,
      deploymentId === null ? { savepointId: ids[0] ?? '' } : { deploymentId },
      deploymentId,
    );
    const going: Record<DeletionScope, SavepointToDelete[]> = { DATA: [], RECORD: [] };
    const told = ids.flatMap((id): Answer[] => {
      const savepoint = savepoints.get(id);
      if (!savepoint) return [];
      const about = { savepointId: id, bytes: savepoint.sizeBytes };
      if (isGoing(savepoint)) return [{ ...about, accepted: true, refusal: null, begun: false }];
      const { force, lastState, alsoData } = input;
      const judged = judgeDeletion(savepoint, standing, { force, lastState, alsoData: alsoData ?? false });
      if (isRefusal(judged)) return [{ ...about, accepted: false, refusal: judged, begun: false }];
      going[judged].push(savepoint);
      if (judged === DeletionScope.DATA) standing.restorable?.delete(id);
      return [{ ...about, accepted: true, refusal: null, begun: judged === DeletionScope.DATA }];
    });
    if (!input.dryRun) await beginAll(tx, going, input, caller);
    return told;
  });
  failPoint('request.committed');
  return answers;
}

async function beginAll(
  tx: Transaction,
  going: Record<DeletionScope, SavepointToDelete[]>,
  { reason }: DeleteSavepointsInput,
  { actor }: Caller,
): Promise<void> {
  const events = [
    ...(await begin(tx, going.DATA, DeletionScope.DATA, { actor, reason })),
    ...(await begin(tx, going.RECORD, DeletionScope.RECORD, { actor, reason })),
  ];
  await recordInOrder(tx, events);
}

/** Named, and not among what was looked at. */
function notThere(id: string): Answer {
  const refusal: UserError = readCheckpointId(id)
    ? new CheckpointIsFlinks('filter.ids', id)
    : new NotFound('filter.ids', 'savepoint among those that meet the filter with the id', id);
  return { savepointId: id, accepted: false, refusal, bytes: null, begun: false };
}
