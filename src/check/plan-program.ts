import { stat } from 'node:fs/promises';
import { artifactPath } from '../artifact/find-artifact.js';
import { ClusterState } from '../cluster/cluster.entity.js';
import { readFactsSoon } from '../cluster/find-cluster.js';
import { planKeyOf } from '../compatibility/program-plan.js';
import { rememberedPlan } from '../compatibility/program-plan.store.js';
import { type Claim, fencedWrite } from '../db/claims.js';
import { MissingSecrets, resolveSecrets } from '../deployment/secrets.js';
import type { FlinkApi } from '../flink/flink.types.js';
import { callPlan, type WithJar } from './call-plan.js';
import type { AdvanceCheckDeps } from './check-deps.js';
import { CheckFailureCode, PlanSource } from './check.enums.js';
import { type CheckAtWork, underWay } from './check.store.js';
import { failCheck, waitForCluster } from './end-check.js';
import { isTooNew } from './judge-check.js';
import { jarNameOf, removeJars } from './remove-jars.js';

/** So often main() is run for one check. */
export const TRIES = 3;

/**
 * Sees to it that the operators of the program are known, or that it is known that they are not to be. False: it waits, or has ended.
 *
 * A plan starts nothing and leaves nothing but a jar, so a reply that was lost is asked for again. But main() runs again with that, and
 * it may be main() that has ended the JobManager: it is never run again in another process than the one that was asked first. It is not
 * run at all for a state that Flink refuses whatever the program is.
 */
export async function planProgram(
  deps: AdvanceCheckDeps,
  work: CheckAtWork,
  claim: Claim,
  signal: AbortSignal,
): Promise<boolean> {
  const { database, config, flinkClients } = deps;
  const mayAsk = config.planJars && work.metadataLook !== 'GONE';
  if (!work.fresh || !mayAsk) {
    const key = planKeyOf(work.settings, work.cluster);
    const source = key && (await rememberedPlan(database, key)) ? PlanSource.REMEMBERED : null;
    if (source !== null || !mayAsk) {
      await fencedWrite(database, claim, underWay, { planned: true, plan_source: source }, 'HOLD');
      return true;
    }
  }
  if (work.cluster.state === ClusterState.CHANGED) {
    const what = 'the cluster to be the one that was registered (CLUSTER_CHANGED)';
    await waitForCluster(deps, work, claim, what, 5_000);
    return false;
  }
  const flink = flinkClients.at(work.cluster.url);
  const processMark = await flink.processMark();
  const lost = work.planSent ? afterLostReply(work, processMark) : null;
  const ended = work.tries > 0 && work.processMark !== null && work.processMark !== processMark;
  if (lost || ended) {
    await failCheck(deps, work, claim, lost ?? endedByMain(work));
    return false;
  }
  if (processMark !== work.cluster.processMark || work.cluster.flinkVersion === null) {
    await database.transaction((tx) => readFactsSoon(tx, work.cluster.id));
    await waitForCluster(deps, work, claim, 'a look at the cluster, whose JobManager was restarted', 300);
    return false;
  }
  if (await isTooNew(database, work, config.planJars)) {
    await fencedWrite(database, claim, underWay, { planned: true, plan_source: null }, 'HOLD');
    return true;
  }
  const secrets = resolveSecrets(work.settings, config.secrets); // for this call alone: neither stored nor logged
  if (secrets instanceof MissingSecrets) {
    const message = `Its arguments or settings name secrets that the worker has not got: ${secrets.names.join(', ')}. Nothing was run. Set ${secrets.variables} in the environment of every worker, restart them, then ask again.`;
    await failCheck(deps, work, claim, { code: CheckFailureCode.SECRET_MISSING, message });
    return false;
  }
  const uploaded =
    work.jarId !== null && work.processMark === processMark
      ? { ...work, jarId: work.jarId }
      : await upload(deps, work, claim, { flink, processMark, signal });
  return uploaded !== null && callPlan(deps, uploaded, claim, { flink, processMark, resolved: secrets, signal });
}

function afterLostReply(work: CheckAtWork, processMark: string | null) {
  if (processMark !== null && work.processMark !== null && processMark !== work.processMark) return endedByMain(work);
  const often = work.tries >= TRIES;
  if (!often && processMark !== null && work.processMark !== null) return null;
  const why = often
    ? `it was asked ${work.tries} times`
    : 'it does not tell whether it is still the same process (web.tmpdir is not shown)';
  return {
    code: CheckFailureCode.PLAN_LOST,
    message: `The JobManager of ${work.cluster.name} ran main() and its answer did not arrive; ${why}. It is not tried again. Look what stands between it and Stateward, then ask again.`,
  };
}

const endedByMain = ({ cluster }: CheckAtWork) => ({
  code: CheckFailureCode.MAIN_ENDED_JOBMANAGER,
  message: `The JobManager of ${cluster.name} ended while it ran main(), and another process answers now: it may be main() that ended it (System.exit, out of memory), and the jobs of the cluster with it. It is not tried again. Look at the program and at the JobManager's log, and set cluster.intercept-user-system-exit: THROW on the cluster.`,
});

interface Asked {
  flink: FlinkApi;
  processMark: string | null;
  signal: AbortSignal;
}

/** Streams the jar to the cluster. null: it waits, or that has ended the check. */
async function upload(
  deps: AdvanceCheckDeps,
  work: CheckAtWork,
  claim: Claim,
  { flink, processMark, signal }: Asked,
): Promise<WithJar | null> {
  const { database, config } = deps;
  const path = artifactPath(config.artifactFolder, work.artifact.sha256);
  if (!(await isFile(path))) {
    const message = `The jar ${work.artifact.name} is not at ${path}. Upload it again (the same bytes become the same artifact), then ask again.`;
    await failCheck(deps, work, claim, { code: CheckFailureCode.ARTIFACT_MISSING, message });
    return null;
  }
  await removeJars(deps, work); // of an upload whose reply was lost
  const uploads = work.uploads + 1;
  const waiting_for = `the upload of ${work.artifact.name} to the cluster`;
  await fencedWrite(
    database,
    claim,
    underWay,
    { uploads, jar_id: null, process_mark: processMark, waiting_for },
    'HOLD',
  );
  const reply = await flink.uploadJar({ path, name: jarNameOf(work.id) }, signal);
  if (reply.outcome === 'ACCEPTED') {
    await fencedWrite(database, claim, underWay, { jar_id: reply.jarId }, 'HOLD');
    return { ...work, uploads, jarId: reply.jarId };
  }
  if ([400, 404, 413, 500].includes(reply.status)) {
    const message = `Cluster ${work.cluster.name} did not take the jar, with HTTP ${reply.status}: ${reply.cause.summary}. Mend the cause, then ask again.`;
    await failCheck(deps, { ...work, uploads }, claim, {
      code: CheckFailureCode.JAR_REFUSED,
      message,
      cause: reply.cause,
    });
  } else {
    const what = `the cluster to take the jar (HTTP ${reply.status}: ${reply.cause.summary})`;
    await waitForCluster(deps, { ...work, uploads }, claim, what, 1_000);
  }
  return null;
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}
