import type { Sql } from '../db/database.js';
import { latestStatesAmong } from './latest-states.js';
import { type LyingSavepoint, placeIndex } from './place-index.js';
import type { DeploymentFacts, SavepointFacts, Whose } from './protection.js';
import { recordsBeside } from './records-beside.js';
import { liveRunsFrom, runsFromAny } from './runs-from.js';

/**
 * What protects savepoints, read as it is now: whoever is about to delete one has locked its row before, so that a start which chose it
 * first is seen here. Completed ones alone; what has no data needs no protection.
 */
export async function readProtectionFacts(sql: Sql, whose: Whose): Promise<DeploymentFacts> {
  const rows = await savepointsOf(sql, whose);
  const index = placeIndex(rows.map(({ lies }) => lies));
  return {
    savepoints: rows.map(({ facts }) => facts),
    runsFrom: await runsFromAny(sql, index),
    latestStates: await latestStatesAmong(sql, whose, index),
    recordsBeside: await recordsBeside(sql, rows, index),
  };
}

/** What has come to need one since it was marked: it is not COMPLETED any more, so nobody chooses it. */
export async function readUses(
  sql: Sql,
  savepoint: LyingSavepoint & Pick<SavepointFacts, 'origin'>,
): Promise<DeploymentFacts> {
  return {
    savepoints: [],
    runsFrom: await liveRunsFrom(sql, [savepoint]),
    latestStates: [],
    recordsBeside: await recordsBeside(sql, [{ facts: savepoint, lies: savepoint }], placeIndex([savepoint])),
  };
}

interface SavepointRow {
  facts: SavepointFacts;
  lies: LyingSavepoint;
}

const epoch = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

/** A savepoint is judged among those of its deployment: which one is the newest depends on all. */
const savepointsOf = async (sql: Sql, whose: Whose): Promise<SavepointRow[]> => {
  const [where, id] =
    'deploymentId' in whose
      ? ['s.deployment_id = $1', whose.deploymentId]
      : ['(s.id = $1 or s.deployment_id = (select deployment_id from savepoint where id = $1))', whose.savepointId];
  const rows = await sql.rows<{ row: SavepointRow }>(
    `select jsonb_build_object('lies', jsonb_build_object('id', s.id, 'storageId', s.storage_id, 'path', s.path, 'location', s.location),
        'facts', jsonb_build_object(
        'id', s.id, 'origin', s.origin, 'state', s.state, 'data', s.data, 'drained', s.drained,
        'madeByOwnRun', coalesce(j.deployment_id = s.deployment_id, false), 'jobId', s.job_id, 'flinkCheckpointId', s.flink_checkpoint_id,
        -- the time of our own call stands for it until Flink has told
        'triggeredAt', ${epoch('s.triggered_at')}, 'completedAt', ${epoch('coalesce(s.completed_at, s.created_at)')}, 'sizeBytes', s.size_bytes,
        'pinned', s.pinned, 'heldUntil', ${epoch('s.held_until')}, 'holdReason', s.hold_reason)) as row
       from savepoint s left join job j on j.id = s.job_id
      where ${where} and s.state = 'COMPLETED'`,
    [id],
  );
  return rows.map(({ row }) => row);
};
