import { randomUUID } from 'node:crypto';
import { lockCluster } from '../cluster/find-cluster.js';
import type { Transaction } from '../db/database.js';
import { DeploymentState } from '../deployment/deployment.entity.js';
import { beginRun, markAmbiguous, nextRun } from '../deployment/find-deployment.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import type { FlinkJobOverview } from '../flink/flink.types.js';
import type { LookAtClusterDeps } from './cluster-follower.js';
import {
  dropForeign,
  type FollowedName,
  followedNames,
  noteTold,
  recordForeignJobs,
  type RevivedRun,
  revivedRuns,
} from './foreign-job.store.js';
import { insertAdopted, revive } from './job.store.js';

const ended = new Set(['FAILED', 'CANCELED', 'FINISHED']);

/**
 * The live jobs of a cluster that are no current run of ours: written down, so that a start knows of them; one that has
 * the id of an ended run comes back as that run; one that answers to an adoption rule becomes its deployment's run.
 * `ours`: Flink ids of all live runs, those being submitted too.
 */
export async function followForeignJobs(
  deps: LookAtClusterDeps,
  clusterId: string,
  overview: readonly FlinkJobOverview[],
  ours: ReadonlySet<string>,
): Promise<void> {
  const foreign = overview.filter(({ jobId, state }) => !ended.has(state) && !ours.has(jobId));
  const before = await recordForeignJobs(deps.database, clusterId, foreign);
  if (foreign.length === 0 && before === 0) return;
  for (const run of await revivedRuns(deps.database, clusterId)) await comeBack(deps, clusterId, run);
  for (const rule of await followedNames(deps.database, clusterId)) await followRule(deps, clusterId, rule);
}

/** A job id of ours that lives after its row had ended: the current run again, or told of beside the one that there is (SR-7). */
async function comeBack(deps: LookAtClusterDeps, clusterId: string, run: RevivedRun): Promise<void> {
  await deps.database.transaction(async (tx) => {
    await lockCluster(tx, clusterId);
    const about = { deploymentId: run.deploymentId, jobId: run.id, clusterId };
    if (run.currentRun === null && !run.elsewhere && (await revive(tx, run.id))) {
      await dropForeign(tx, clusterId, run.flinkJobId);
      await beginRun(tx, run.deploymentId, run.id, DeploymentState.RESTARTING);
      await recordEvent(tx, {
        ...about,
        type: EventType.JOB_CAME_BACK,
        message: `Run ${run.run}, recorded as ${run.state}, is alive in Flink as job ${run.flinkJobId}: it is the current run again.`,
      });
      return;
    }
    await noteTold(tx, clusterId, run.flinkJobId);
    await recordEvent(tx, {
      ...about,
      type: EventType.UNEXPECTED_RUN,
      message:
        `Run ${run.run}, recorded as ${run.state}, is alive in Flink as job ${run.flinkJobId}` +
        `${run.currentRun === null ? ', and its deployment is archived or was moved to another cluster' : ` beside run ${run.currentRun}`}. Both may write to the same places: cancel the one that should not run.`,
    });
  });
}

async function followRule(deps: LookAtClusterDeps, clusterId: string, rule: FollowedName): Promise<void> {
  const matches = [...(rule.liveFlinkJobId ? [rule.liveFlinkJobId] : []), ...rule.found.map((job) => job.flinkJobId)];
  const ambiguous = rule.followsName !== null && matches.length > 1;
  if (ambiguous !== rule.ambiguous) await tellAmbiguity(deps, clusterId, rule, ambiguous ? matches : []);
  const [only] = rule.found;
  if (ambiguous || rule.liveFlinkJobId || !only) return;
  await deps.database.transaction(async (tx) => {
    await lockCluster(tx, clusterId);
    await adopt(tx, clusterId, rule, only);
  });
}

async function adopt(
  tx: Transaction,
  clusterId: string,
  rule: FollowedName,
  job: FollowedName['found'][number],
): Promise<void> {
  const id = randomUUID();
  const run = await nextRun(tx, rule.deploymentId);
  const { deploymentId } = rule;
  await insertAdopted(tx, { id, deploymentId, clusterId, run, ...job });
  await dropForeign(tx, clusterId, job.flinkJobId);
  await beginRun(tx, deploymentId, id, DeploymentState.STARTING);
  await recordEvent(tx, {
    type: EventType.JOB_ADOPTED,
    deploymentId,
    jobId: id,
    clusterId,
    message: `Job ${job.flinkJobId} of Flink is run ${run} of ${rule.name}: ${rule.followsName === null ? 'it has the id that was adopted' : `it runs as "${rule.followsName}"`}.`,
  });
}

async function tellAmbiguity(
  deps: LookAtClusterDeps,
  clusterId: string,
  rule: FollowedName,
  matches: readonly string[],
): Promise<void> {
  await deps.database.transaction(async (tx) => {
    await lockCluster(tx, clusterId);
    if (!(await markAmbiguous(tx, rule.deploymentId, matches.length > 0))) return;
    const [type, message] =
      matches.length > 0
        ? [
            EventType.AMBIGUOUS_JOB,
            `${matches.length} jobs run as "${rule.followsName}": ${matches.join(', ')}. Nothing is done to any of them until one is left; cancel the other.`,
          ]
        : [EventType.JOB_UNAMBIGUOUS, `One job at most runs as "${rule.followsName}" again.`];
    await recordEvent(tx, { type, deploymentId: rule.deploymentId, clusterId, message });
  });
}
