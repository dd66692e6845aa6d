import type { Sql } from '../db/database.js';
import { normaliseLocation } from '../flink/location.js';
import { flinkJobIdIn } from './live-writer.js';

/**
 * The run whose checkpoints are being disposed of, or were, by the place of one of them; null: that of none is known to be. Told by the
 * job id in the path alone: the same place may be named under another storage. `lock`: by whoever is about to use the place. Whoever is
 * about to dispose of it locks the same rows: of two at once, one comes second and sees the other.
 */
export async function goingRunAt(sql: Sql, location: string, { lock }: { lock: boolean }): Promise<string | null> {
  const flinkJobId = flinkJobIdIn(normaliseLocation(location));
  if (flinkJobId === null) return null;
  const rows = await sql.rows<{ id: string; going: boolean }>(
    `select id, checkpoints_going_at is not null as going from job where flink_job_id = $1 order by id ${lock ? 'for no key update' : ''}`,
    [flinkJobId],
  );
  return rows.find(({ going }) => going)?.id ?? null;
}
