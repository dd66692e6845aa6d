import { NOW } from '../db/assign.js';
import { type Claim, fencedWrite } from '../db/claims.js';
import type { FlinkCause } from '../flink/flink.types.js';
import { createdSavepointPath } from '../flink/savepoint-failure.js';
import { completeSavepoint } from './end-savepoint.js';
import { seek } from './find-lost-result.js';
import type { AdvanceSavepointDeps } from './savepoint-deps.js';
import { SavepointState } from './savepoint.enums.js';
import type { SavepointAtWork } from './savepoint.store.js';

/** Said when a cancel came in between; the adaptive scheduler says no more, though the savepoint may be whole (2.3.0, 1.20.5). */
const CANCELLED = /The job was cancelled/;
/** Flink's statistics are up to 3 s old. */
const STATISTICS_TELL_AFTER_MS = 3_500;

/**
 * A stop that failed may have made its savepoint all the same (SO-3): its answer names the path, or after a cancel only the
 * history does. True: there is one, or the statistics or a slow storage are waited for; false: there is none.
 */
export async function settleFailedStop(
  deps: AdvanceSavepointDeps,
  work: SavepointAtWork,
  claim: Claim,
  cause: FlinkCause,
): Promise<boolean> {
  const path = createdSavepointPath(cause);
  if (path !== null) {
    await completeSavepoint(deps.database, work, claim, path, 'STOP_FAILED_AFTER');
    return true;
  }
  if (!cause.messages.some((message) => CANCELLED.test(message))) return false;
  const found = await seek(deps, work);
  if (found.location !== null) {
    await completeSavepoint(deps.database, work, claim, found.location, 'STOP_FAILED_AFTER');
    return true;
  }
  if (found.trouble) throw found.trouble; // Flink could not be asked: nothing is concluded from that
  if (!found.soon && (work.lostForMs ?? 0) >= STATISTICS_TELL_AFTER_MS) return false;
  const seen = work.lostForMs === null ? { lost_since: NOW } : {};
  await fencedWrite(deps.database, claim, [SavepointState.IN_PROGRESS], seen, { againInMs: 1_000 });
  return true;
}
