import { randomUUID } from 'node:crypto';
import { answerOnce } from '../api/answer-once.js';
import { checkId, readCheckpointId } from '../api/id-arg.js';
import { InvalidInput, NotFound } from '../api/user-error.js';
import type { Database, Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { findDeployment, lockForDecisions } from '../deployment/find-deployment.js';
import { recordInOrder } from '../event/record-event.js';
import { failPoint } from '../fail-point.js';
import { oldestMatching } from '../savepoint/find-savepoint.js';
import { SavepointState } from '../savepoint/savepoint.enums.js';
import { CheckpointIsFlinks } from '../savepoint/savepoint-id.js';
import { begin, checkReason } from './delete-savepoint.js';
import { DeletionScope } from './deletion.enums.js';
import { deploymentsOf, type SavepointToDelete, savepointsToDelete } from './deletion.store.js';
import { dropReports, findReport, keepReport } from './deletion-report.js';
import {
  type DeletionAnswer,
  DeletionReport,
  type DeleteSavepointsInput,
  type DeleteSavepointsResult,
} from './deletion.types.js';
import { isGoing, isRefusal, judgeDeletion, readStanding } from './judge-deletion.js';

const AT_ONCE = 1_000;

/**
 * Deletes many, each for itself: what speaks against one stops no other. Of one deployment the oldest come first, so that what must stay
 * is the newest. One transaction, so that a repeated request is answered with the very same report.
 */
export async function deleteSavepoints(
  { database }: { database: Database },
  input: DeleteSavepointsInput,
  caller: Caller,
): Promise<DeleteSavepointsResult> {
  const problem = check(input);
  if (problem) return problem;
  if (input.dryRun) return database.transaction((tx) => deleteAll(tx, input, caller));
  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'deleteSavepoints', input };
  const answer = await answerOnce<DeletionReport, NotFound>(database, request, loadReport, async (tx) => {
    const report = await deleteAll(tx, input, caller);
    if (!(report instanceof DeletionReport)) return report;
    const id = randomUUID();
    await keepReport(tx, id, report);
    return id;
  });
  failPoint('request.committed');
  return answer;
}

/** Those that no repeated request is answered with any more. */
export const forgetOldReports = (database: Database): Promise<number> => dropReports(database, 24);

async function loadReport(tx: Transaction, id: string): Promise<DeletionReport | null> {
  const kept = await findReport<DeletionReport>(tx, id);
  return kept && new DeletionReport(kept.answers, kept);
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
      'name the deployment (deploymentId) or the savepoints (ids): all that there are is never meant.',
    );
  return checkReason(reason);
}

async function deleteAll(
  tx: Transaction,
  input: DeleteSavepointsInput,
  { actor }: Caller,
): Promise<DeletionReport | NotFound> {
  const { filter, dryRun, reason } = input;
  if (filter.deploymentId && !(await findDeployment(tx, filter.deploymentId)))
    return new NotFound('filter.deploymentId', 'deployment', filter.deploymentId);
  const named = filter.ids ? [...new Set(filter.ids.map((id) => id.toLowerCase()))] : null;
  const matching = await matchingIds(tx, input, named);
  const ids = matching.slice(0, AT_ONCE);
  if (!dryRun) await lockForDecisions(tx, await deploymentsOf(tx, ids));
  const savepoints = await savepointsToDelete(tx, ids, { lock: !dryRun });
  const going: Going = { DATA: [], RECORD: [] };
  const answers = new Map<string, DeletionAnswer>();
  for (const [deploymentId, group] of byDeployment(ids, savepoints)) {
    for (const answer of await judgeGroup(tx, deploymentId, group, input, going))
      answers.set(answer.savepointId, answer);
  }
  if (!dryRun) {
    const data = await begin(tx, going.DATA, DeletionScope.DATA, { actor, reason });
    const records = await begin(tx, going.RECORD, DeletionScope.RECORD, { actor, reason });
    await recordInOrder(tx, [...data, ...records]);
  }
  const freedBytes = going.DATA.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0);
  const all = (named ?? ids).map((id) => answers.get(id) ?? notThere(id));
  return new DeletionReport(all, { dryRun, freedBytes, hasMore: matching.length > AT_ONCE });
}

type Going = Record<DeletionScope, SavepointToDelete[]>;

/** One more than are looked at tells that there are more. */
const matchingIds = (tx: Transaction, { filter }: DeleteSavepointsInput, named: readonly string[] | null) =>
  oldestMatching(
    tx,
    {
      ...filter,
      ids: named?.filter((id) => readCheckpointId(id) === null) ?? null,
      states: filter.states ?? (named ? null : [SavepointState.COMPLETED]),
    },
    AT_ONCE + 1,
  );

/** In the order of `ids`; those that are listed with none, each alone. */
function byDeployment(
  ids: readonly string[],
  savepoints: ReadonlyMap<string, SavepointToDelete>,
): [deploymentId: string | null, group: SavepointToDelete[]][] {
  const groups = new Map<string, [string | null, SavepointToDelete[]]>();
  for (const id of ids) {
    const savepoint = savepoints.get(id);
    if (!savepoint) continue;
    const group = groups.get(savepoint.deploymentId ?? id);
    if (group) group[1].push(savepoint);
    else groups.set(savepoint.deploymentId ?? id, [savepoint.deploymentId, [savepoint]]);
  }
  return [...groups.values()];
}

/** Adds those that go to `going`; each that does leaves less to be restored from. */
async function judgeGroup(
  tx: Transaction,
  deploymentId: string | null,
  group: readonly SavepointToDelete[],
  { force, lastState, alsoData }: DeleteSavepointsInput,
  going: Going,
): Promise<DeletionAnswer[]> {
  const whose = deploymentId === null ? { savepointId: group[0]?.id ?? '' } : { deploymentId };
  const standing = await readStanding(tx, whose, deploymentId);
  const gone = new Set(going.DATA.map(({ id }) => id));
  return group.map((savepoint): DeletionAnswer => {
    const about = { savepointId: savepoint.id, bytes: savepoint.sizeBytes };
    if (isGoing(savepoint)) return { ...about, accepted: true, refusal: null };
    const judged = judgeDeletion(savepoint, standing, { force, lastState, alsoData: alsoData ?? false }, gone);
    if (isRefusal(judged))
      return { ...about, accepted: false, refusal: { code: judged.code, message: judged.message } };
    going[judged].push(savepoint);
    if (judged === DeletionScope.DATA) gone.add(savepoint.id);
    return { ...about, accepted: true, refusal: null };
  });
}

/** Named, and not among what was looked at. */
function notThere(id: string): DeletionAnswer {
  const { code, message } = readCheckpointId(id)
    ? new CheckpointIsFlinks('filter.ids', id)
    : new NotFound('filter.ids', 'savepoint among those that meet the filter with the id', id);
  return { savepointId: id, accepted: false, refusal: { code, message }, bytes: null };
}
