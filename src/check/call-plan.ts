import { artifactPath } from '../artifact/find-artifact.js';
import { type UidHashes, uidHashesIn } from '../artifact/uid-hashes.js';
import { planKeyOf } from '../compatibility/program-plan.js';
import { rememberPlan } from '../compatibility/program-plan.store.js';
import { NOW } from '../db/assign.js';
import { type Claim, fencedWrite, leaseAllowsEffect } from '../db/claims.js';
import { secretsNamed, withoutSecrets } from '../deployment/secrets.js';
import { AppError } from '../errors.js';
import type { FlinkApi, FlinkReply, PlannedOperator } from '../flink/flink.types.js';
import type { AdvanceCheckDeps } from './check-deps.js';
import { MAIN_RUNS } from './check.entity.js';
import { CheckFailureCode, PlanSource } from './check.enums.js';
import { type CheckAtWork, underWay } from './check.store.js';
import { failCheck, waitForCluster } from './end-check.js';

type PlanReply = FlinkReply<{ operators: PlannedOperator[] }>;

/** Its jar is on the cluster. */
export type WithJar = CheckAtWork & { jarId: string };

interface PlanCall {
  flink: FlinkApi;
  processMark: string | null;
  /** With the values of secrets in them. */
  resolved: { programArguments: string[]; flinkConfiguration: Record<string, string> };
  signal: AbortSignal;
}

/** Has the JobManager run main(), and remembers the operators that it makes. False: it waits, or has ended. */
export async function callPlan(deps: AdvanceCheckDeps, work: WithJar, claim: Claim, call: PlanCall): Promise<boolean> {
  const { database, checkLimits } = deps;
  const sent = { tries: work.tries + 1, plan_sent_at: NOW, process_mark: call.processMark, waiting_for: MAIN_RUNS };
  const refusedBefore = work.tries > 0 && !work.planSent; // that it answers otherwise is then no end of the trouble
  await fencedWrite(database, claim, underWay, { ...sent, ...(!refusedBefore && { trouble_since: null }) }, 'HOLD');
  if (!leaseAllowsEffect(claim)) return false;
  const troubleForMs = refusedBefore ? work.troubleForMs : null;
  const asked = { ...work, planSent: true, tries: sent.tries, troubleForMs };
  const sentAt = performance.now();
  const limit = AbortSignal.timeout(checkLimits.planMs);
  let reply: PlanReply;
  try {
    reply = await makeCall(work, call, AbortSignal.any([call.signal, limit]));
  } catch (error) {
    if (call.signal.aborted || !(error instanceof AppError)) throw error;
    // The client has a limit of its own, which may be met a moment earlier.
    if (limit.aborted || performance.now() - sentAt > checkLimits.planMs - 1_000) {
      await failCheck(deps, asked, claim, timedOut(work, checkLimits.planMs));
    } else {
      await waitForCluster(
        deps,
        asked,
        claim,
        `the JobManager, whose answer was lost: ${error.message}`,
        checkLimits.lostReplyMs,
      );
    }
    return false;
  }
  if (reply.outcome === 'REFUSED') {
    await declined(deps, asked, claim, reply);
    return false;
  }
  await keep(deps, asked, claim, reply.operators, performance.now() - sentAt);
  return true;
}

function makeCall({ settings, deployment, jarId }: WithJar, { flink, resolved }: PlanCall, signal: AbortSignal) {
  const { entryClass, parallelism } = settings;
  const flinkConfiguration = {
    ...(deployment && { 'pipeline.name': deployment.name }),
    ...resolved.flinkConfiguration,
  };
  const body = { entryClass, parallelism, programArguments: resolved.programArguments, flinkConfiguration };
  return flink.planJar(jarId, body, signal);
}

async function keep(
  deps: AdvanceCheckDeps,
  work: CheckAtWork,
  claim: Claim,
  operators: readonly PlannedOperator[],
  tookMs: number,
): Promise<void> {
  const { database, config } = deps;
  const used = secretsNamed(work.settings, config.secrets);
  const uidHashes = await hashesOf(deps, work);
  const clean = operators.map((one) => ({ ...one, name: withoutSecrets(one.name, used) }));
  const key = planKeyOf(work.settings, work.cluster);
  if (!key) throw new Error(`The version of cluster ${work.cluster.name} was known, and is not any more`);
  await database.transaction(async (tx) => {
    const set = { planned: true, plan_source: PlanSource.ASKED, plan_sent_at: null, waiting_for: 'the verdict' };
    await fencedWrite(tx, claim, underWay, set, 'HOLD');
    await rememberPlan(tx, key, { operators: clean, uidHashes }, tookMs);
  });
}

/** null: the jar cannot be read. */
async function hashesOf({ config, log }: AdvanceCheckDeps, { artifact, id }: CheckAtWork): Promise<UidHashes | null> {
  try {
    return await uidHashesIn(artifactPath(config.artifactFolder, artifact.sha256));
  } catch (error) {
    log.warn({ err: error, artifact: artifact.name, check: id }, 'the classes of a jar could not be read');
    return null;
  }
}

/** Besides those of a server, answers that may be others in a while: of a proxy whose JobManager restarts, or that has seen too many. */
const NOT_NOW = [404, 408, 409, 425, 429];

/** 500 is main() or the jar itself; 400 that Flink could not read what we asked. At any other main() did not run. */
async function declined(
  deps: AdvanceCheckDeps,
  work: CheckAtWork,
  claim: Claim,
  { status, cause }: Extract<PlanReply, { outcome: 'REFUSED' }>,
): Promise<void> {
  const again = { plan_sent_at: null, process_mark: null };
  const jarIsGone = cause.messages.some((message) => /Jar file .* does not exist/.test(message));
  if (jarIsGone && work.tries < 3)
    return waitForCluster(deps, work, claim, 'another upload: the jar is not on the cluster any more', 300, again);
  const used = secretsNamed(work.settings, deps.config.secrets);
  const summary = withoutSecrets(cause.summary, used);
  const said = `HTTP ${status}: ${summary.replace(/\.$/, '')}`;
  if (NOT_NOW.includes(status) || status > 500)
    return waitForCluster(deps, { ...work, planSent: false }, claim, `the cluster to plan (${said})`, 1_000, again);
  if (status !== 500 && status !== 400) {
    const message = `Cluster ${work.cluster.name} took the jar, and refused to plan it (${said}). Allow POST /jars/<id>/plan in whatever stands before its JobManager, or do without plans (STATEWARD_PLAN_JARS=false); then ask again.`;
    return failCheck(deps, work, claim, { code: CheckFailureCode.PLAN_REFUSED, message, cause: { summary } });
  }
  const message = `The program made no job: ${summary.replace(/\.$/, '')}. Mend the program, or give it the arguments that it needs, then ask again.`;
  await failCheck(deps, work, claim, { code: CheckFailureCode.PROGRAM_FAILED, message, cause: { summary } });
}

const timedOut = ({ cluster }: CheckAtWork, limitMs: number) => ({
  code: CheckFailureCode.PLAN_TIMED_OUT,
  message: `main() had not made a job within ${Math.round(limitMs / 1_000)} s. Flink does not end a main() whose caller has gone: it may still run in the JobManager of ${cluster.name}. Look what it waits for, then ask again.`,
});
