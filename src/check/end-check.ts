import { NOW } from '../db/assign.js';
import { type Claim, fencedWrite } from '../db/claims.js';
import type { CompatibilityVerdict } from '../compatibility/compatibility.types.js';
import { Severity } from '../compatibility/verdict.js';
import type { Transaction } from '../db/database.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import type { FlinkCause } from '../flink/flink.types.js';
import type { AdvanceCheckDeps } from './check-deps.js';
import { CheckFailureCode, CheckState } from './check.enums.js';
import { type CheckAtWork, underWay, wakeWaiters } from './check.store.js';
import { removeJars } from './remove-jars.js';

export interface CheckFailed {
  code: CheckFailureCode;
  message: string;
  cause?: Pick<FlinkCause, 'summary'>;
}

/** Whose program it is, for a sentence. */
export const programOf = ({ deployment, artifact }: CheckAtWork): string => deployment?.name ?? artifact.name;

export async function completeCheck(
  deps: AdvanceCheckDeps,
  work: CheckAtWork,
  claim: Claim,
  verdict: CompatibilityVerdict,
  of: { metadataReadAt: Date | null; plannedAt: Date | null },
): Promise<void> {
  const set = {
    state: CheckState.COMPLETED,
    verdict: JSON.stringify(verdict),
    metadata_read_at: of.metadataReadAt,
    planned_at: of.plannedAt,
    plan_source: of.plannedAt === null ? null : work.planSource,
  };
  await end(deps, work, claim, set, EventType.COMPATIBILITY_CHECKED, told(work, verdict));
}

export async function failCheck(
  deps: AdvanceCheckDeps,
  work: CheckAtWork,
  claim: Claim,
  { code, message, cause }: CheckFailed,
): Promise<void> {
  const set = {
    state: CheckState.FAILED,
    failure_code: code,
    failure_message: message,
    failure_root_cause: cause?.summary ?? null,
  };
  const sentence = `Whether ${programOf(work)} would take ${work.location} could not be found out (${code}): ${message}`;
  await end(deps, work, claim, set, EventType.COMPATIBILITY_CHECK_FAILED, sentence);
}

async function end(
  deps: AdvanceCheckDeps,
  work: CheckAtWork,
  claim: Claim,
  set: Record<string, unknown>,
  type: EventType,
  message: string,
): Promise<void> {
  await deps.database.transaction(async (tx: Transaction) => {
    const ended = { ...set, state_since: NOW, ended_at: NOW, waiting_for: null, plan_sent_at: null };
    await fencedWrite(tx, claim, underWay, ended, 'REST');
    await wakeWaiters(tx, work.id);
    await recordEvent(tx, {
      type,
      deploymentId: work.deployment?.id ?? null,
      clusterId: work.cluster.id,
      message,
      details: { checkId: work.id },
    });
  });
  await removeJars(deps, work);
}

function told(work: CheckAtWork, { mapping, findings, notChecked }: CompatibilityVerdict): string {
  const blocker = findings.find(({ severity }) => severity === Severity.BLOCKER);
  const open = notChecked.length === 0 ? '' : ` Not checked: ${notChecked.join(', ')}.`;
  return `${programOf(work)} and ${work.location}: ${mapping}.${blocker ? ` ${blocker.message}` : ''}${open}`;
}

/** Waits for something of the cluster. What lasts longer than the limit ends the check. */
export async function waitForCluster(
  deps: AdvanceCheckDeps,
  work: CheckAtWork,
  claim: Claim,
  what: string,
  againInMs: number,
  set: Record<string, unknown> = {},
): Promise<void> {
  if (work.troubleForMs !== null && work.troubleForMs > deps.checkLimits.clusterMs)
    return failCheck(deps, work, claim, tooLong(work, what));
  const since = work.troubleForMs === null ? { trouble_since: NOW } : {};
  await fencedWrite(
    deps.database,
    claim,
    underWay,
    { ...set, ...since, waiting_for: what.slice(0, 500) },
    { againInMs },
  );
}

function tooLong(work: CheckAtWork, what: string): CheckFailed {
  if (work.planSent)
    return {
      code: CheckFailureCode.MAIN_ENDED_JOBMANAGER,
      message: `The JobManager of ${work.cluster.name} ran main() and has not answered since: it may be main() that ended it (System.exit, out of memory). It is not tried again. Look at the cluster, and set cluster.intercept-user-system-exit: THROW there.`,
    };
  return {
    code: CheckFailureCode.CLUSTER_NOT_AVAILABLE,
    message: `It waited too long for ${what}. Look at cluster ${work.cluster.name}, then ask again.`,
  };
}
