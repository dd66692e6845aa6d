import type { Sql } from '../db/database.js';
import { CheckFailureCode } from './check.enums.js';

const KEPT_FOR = '30 days';

/** Drops those that ended long ago, and ends those whose cluster was removed: nobody looks after it. */
export async function forgetOldChecks(sql: Pick<Sql, 'changed'>): Promise<void> {
  await sql.changed(
    `update compatibility_check q set state = 'FAILED', state_since = now(), ended_at = now(), waiting_for = null, look_at = null,
            claim = q.claim + 1, claimed_until = null, failure_code = $1, failure_message = $2
       from cluster c where c.id = q.cluster_id and c.removed_at is not null and q.ended_at is null`,
    [
      CheckFailureCode.CLUSTER_NOT_AVAILABLE,
      'Its cluster was removed before it was done. Ask again with another cluster.',
    ],
  );
  await sql.changed(`delete from compatibility_check where ended_at < now() - interval '${KEPT_FOR}'`);
}
