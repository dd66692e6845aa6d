import type { Sql, Transaction } from '../db/database.js';
import type { PlannedOperator } from '../flink/flink.types.js';
import type { PlanKey, ProgramPlan } from './program-plan.js';

const KEY = 'artifact_id = $1 and settings_hash = $2 and flink_version = $3';
const valuesOf = ({ artifactId, settingsHash, flinkVersion }: PlanKey) => [artifactId, settingsHash, flinkVersion];

/** null: no Flink has told it yet. */
export async function rememberedPlan(sql: Sql, key: PlanKey): Promise<ProgramPlan | null> {
  const row = await sql.row<ProgramPlan>(
    `select operators, uid_hashes as "uidHashes", planned_at as "plannedAt" from program_plan where ${KEY}`,
    valuesOf(key),
  );
  return row ?? null;
}

/** The newest counts. */
export async function rememberPlan(
  tx: Transaction,
  key: PlanKey,
  { operators, uidHashes }: Pick<ProgramPlan, 'uidHashes'> & { operators: readonly PlannedOperator[] },
  tookMs: number,
): Promise<void> {
  await tx.changed(
    `insert into program_plan (artifact_id, settings_hash, flink_version, operators, took_ms, uid_hashes) values ($1, $2, $3, $4, $5, $6)
     on conflict (artifact_id, settings_hash, flink_version) do update
        set operators = excluded.operators, took_ms = excluded.took_ms, uid_hashes = excluded.uid_hashes, planned_at = now()`,
    [...valuesOf(key), JSON.stringify(operators), Math.round(tookMs), uidHashes && JSON.stringify(uidHashes)],
  );
}
