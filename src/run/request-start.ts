import { randomBytes, randomUUID } from 'node:crypto';
import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { NotFound } from '../api/user-error.js';
import { type Cluster, ClusterState } from '../cluster/cluster.entity.js';
import { ClusterChanged } from '../cluster/cluster.types.js';
import { Severity } from '../compatibility/verdict.js';
import type { Database, Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { type Deployment, DeploymentState } from '../deployment/deployment.entity.js';
import { DeploymentNotStopped, isStopped } from '../deployment/deployment-not-stopped.js';
import { beginRun, findForDecision, nextRun } from '../deployment/find-deployment.js';
import type { RunSettings } from '../deployment/run-settings.js';
import { EventType } from '../event/event-types.js';
import type { EventWakeups } from '../event/event-wakeups.js';
import { recordEvent } from '../event/record-event.js';
import { failPoint } from '../fail-point.js';
import { findForeignRuns } from '../job/find-foreign-runs.js';
import { findJob } from '../job/find-job.js';
import { Job } from '../job/job.entity.js';
import { StartStrategy } from '../job/start-strategy.js';
import type { TaskQueue } from '../queue/task-queue.js';
import { advanceStart } from '../queue/tasks.js';
import { awaitEndRead, needsEnd } from './await-end-read.js';
import { type Plan, planRestore } from './plan-restore.js';
import { insertJob } from './run.store.js';
import {
  ClusterTakesNoJars,
  type StartDeploymentInput,
  type StartDeploymentResult,
  type StartInput,
} from './run.types.js';
import { checkStart, settingsOf } from './start-settings.js';
import { AnotherRunIsLive, ArtifactNeeded } from './start-refusals.types.js';

export interface RequestStartDeps {
  database: Database;
  taskQueue: TaskQueue;
  wakeups: EventWakeups;
}

const LOOK_BY_ITSELF_MS = 2_000;
const VERDICT_KEPT = 20;

/** Accepts a start durably, with its state chosen and the Flink job id stored; the submission follows. */
export async function requestStart(
  { database, taskQueue, wakeups }: RequestStartDeps,
  input: StartDeploymentInput,
  caller: Caller,
): Promise<StartDeploymentResult> {
  checkId('deploymentId', input.deploymentId);
  const { start } = input;
  const problem = checkStart(start);
  if (problem) return problem;
  if (needsEnd(start)) await awaitEndRead({ database, wakeups }, input.deploymentId);

  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'startDeployment', input };
  const answer = await answerOnce(database, request, findJob, async (tx) => {
    // Its row is locked when the run is stored, behind that of the savepoint which the run starts from: the order of locks.
    const found = await findForDecision(tx, input.deploymentId);
    if (!found || found.deployment.archivedAt) return new NotFound('deploymentId', 'deployment', input.deploymentId);
    const { deployment, cluster } = found;
    if (!isStopped(deployment)) return new DeploymentNotStopped(deployment);
    if (deployment.artifactId === null) return new ArtifactNeeded(deployment.name);
    if (cluster.state === ClusterState.CHANGED) return new ClusterChanged(cluster);
    if (cluster.acceptsJars === false) return new ClusterTakesNoJars(cluster);
    const settings = settingsOf(deployment, start, cluster);
    if ('code' in settings) return settings;
    const others = start.allowSecondRun ? [] : await findForeignRuns(tx, deployment.id, cluster.id);
    if (others.length > 0) return new AnotherRunIsLive(cluster.name, others);
    if (start.strategy === StartStrategy.NONE)
      return store(tx, { deployment, cluster, start, plan: null, settings: settings.today, caller });

    const plan = await planRestore(tx, start, deployment, cluster, settings, { lock: true });
    if (!('findings' in plan)) return plan;
    return store(tx, { deployment, cluster, start, plan, settings: plan.settings, caller });
  });
  failPoint('request.committed');
  if (answer instanceof Job) taskQueue.submit(advanceStart, { jobId: answer.id }, caller.requestId);
  failPoint('request.queued');
  return answer;
}

interface Accepted {
  deployment: Deployment;
  cluster: Cluster;
  start: StartInput;
  plan: Plan | null;
  settings: RunSettings;
  caller: Caller;
}

async function store(tx: Transaction, { deployment, start, plan, settings, caller }: Accepted): Promise<string> {
  const id = randomUUID();
  const run = await nextRun(tx, deployment.id);
  const { actor } = caller;
  await insertJob(
    tx,
    {
      id,
      deploymentId: deployment.id,
      clusterId: deployment.clusterId,
      run,
      flinkJobId: randomBytes(16).toString('hex'),
      strategy: start.strategy,
      ...settings,
      allowNonRestoredState: start.allowNonRestoredState,
      allowSecondRun: start.allowSecondRun,
      ignoreFindings: start.ignoreFindings,
      startSavepointId: plan?.found.point.savepointId ?? null,
      startJobId: plan?.found.point.jobId ?? null,
      startCheckpointId: plan?.found.point.flinkCheckpointId ?? null,
      startLocation: plan?.location ?? null,
      startTriggeredAt: dateOf(plan?.found.point.triggeredAt),
      startWhy: plan?.found.why ?? null,
      startWarnings: plan ? warningsOf(plan) : [],
      actor,
    },
    LOOK_BY_ITSELF_MS,
  );
  await beginRun(tx, deployment.id, id, DeploymentState.STARTING);
  await recordEvent(tx, {
    type: EventType.START_REQUESTED,
    deploymentId: deployment.id,
    clusterId: deployment.clusterId,
    jobId: id,
    savepointId: plan?.found.point.savepointId ?? null,
    actor,
    message: `Run ${run} of ${deployment.name} was asked for by ${actor}: ${plan ? `${start.strategy}, from ${plan.location}: ${plan.found.why}` : 'without state (NONE)'}.`,
  });
  return id;
}

/** What is kept with the run. Of a wide job the verdict may have a finding for each operator: the first tell enough. */
function warningsOf({ findings, verdict }: Plan): { code: string; severity: Severity; message: string }[] {
  const heavy = verdict.findings.filter(({ severity }) => severity !== Severity.INFO);
  const kept = heavy.slice(0, VERDICT_KEPT).map(({ code, severity, message }) => ({ code, severity, message }));
  return [...findings, ...kept];
}

const dateOf = (ms: number | null | undefined) => (ms === null || ms === undefined ? null : new Date(ms));
