import { randomBytes, randomUUID } from 'node:crypto';
import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { InvalidInput, NotFound } from '../api/user-error.js';
import { ClusterState } from '../cluster/cluster.entity.js';
import { ClusterChanged } from '../cluster/cluster.types.js';
import { findCluster } from '../cluster/find-cluster.js';
import type { Database, Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { type Deployment, DeploymentState } from '../deployment/deployment.entity.js';
import { beginRun, lockDeployment, nextRun } from '../deployment/find-deployment.js';
import { defaultConfiguration, readConfiguration } from '../deployment/flink-configuration.js';
import { EventType } from '../event/event-types.js';
import { failPoint } from '../fail-point.js';
import { recordEvent } from '../event/record-event.js';
import { findJob } from '../job/find-job.js';
import { stoppedStates } from '../job/job.lifecycle.js';
import { StartStrategy } from '../job/start-strategy.js';
import { advanceStart } from '../queue/tasks.js';
import type { TaskQueue } from '../queue/task-queue.js';
import { insertJob } from './run.store.js';
import {
  ClusterTakesNoJars,
  DeploymentNotStopped,
  type StartDeploymentInput,
  type StartDeploymentResult,
  type StartInput,
  StrategyNotAvailable,
} from './run.types.js';

export interface RequestStartDeps {
  database: Database;
  taskQueue: TaskQueue;
}

const LOOK_BY_ITSELF_MS = 2_000;

/** Accepts a start durably, with the Flink job id chosen and stored; the submission follows. */
export async function requestStart(
  { database, taskQueue }: RequestStartDeps,
  input: StartDeploymentInput,
  caller: Caller,
): Promise<StartDeploymentResult> {
  checkId('deploymentId', input.deploymentId);
  const { start } = input;
  const problem = checkStart(start);
  if (problem) return problem;
  const configuration = readConfiguration('start.flinkConfiguration', start.flinkConfiguration);
  if (configuration instanceof InvalidInput) return configuration;

  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'startDeployment', input };
  const answer = await answerOnce(database, request, findJob, async (tx) => {
    // Locked before it is looked at: of two starts at once the second sees the first.
    const deployment = await lockDeployment(tx, input.deploymentId);
    if (!deployment) return new NotFound('deploymentId', 'deployment', input.deploymentId);
    const cluster = await findCluster(tx, deployment.clusterId);
    if (!cluster) throw new Error(`Cluster ${deployment.clusterId} has vanished`);
    if (!(stoppedStates as readonly DeploymentState[]).includes(deployment.state))
      return new DeploymentNotStopped(deployment);
    if (start.strategy !== StartStrategy.NONE) return new StrategyNotAvailable(start.strategy);
    if (cluster.state === ClusterState.CHANGED) return new ClusterChanged(cluster);
    if (cluster.acceptsJars === false) return new ClusterTakesNoJars(cluster);

    return store(tx, deployment, start, configuration, caller);
  });
  failPoint('request.committed');
  if ('flinkJobId' in answer) taskQueue.submit(advanceStart, { jobId: answer.id }, caller.requestId);
  failPoint('request.queued');
  return answer;
}

/** What can be said of a start without looking anything up. */
function checkStart(start: StartInput): InvalidInput | null {
  const named = {
    savepointId: StartStrategy.FROM_SAVEPOINT,
    checkpointId: StartStrategy.FROM_CHECKPOINT,
    location: StartStrategy.FROM_LOCATION,
  } as const;
  for (const field of ['savepointId', 'checkpointId', 'location'] as const) {
    const given = start[field] !== null && start[field] !== undefined;
    if (given && start.strategy !== named[field])
      return new InvalidInput(
        `start.${field}`,
        `it goes with ${named[field]}, not with ${start.strategy}. Remove it, or choose that strategy.`,
      );
    if (!given && start.strategy === named[field])
      return new InvalidInput(`start.${field}`, `${start.strategy} needs it.`);
  }
  const { parallelism } = start;
  if (parallelism !== null && parallelism !== undefined && (parallelism < 1 || parallelism > 32_768)) {
    return new InvalidInput('start.parallelism', `${parallelism} is not between 1 and 32768.`);
  }
  return null;
}

async function store(
  tx: Transaction,
  deployment: Deployment,
  start: StartInput,
  configuration: Record<string, string>,
  { actor }: Caller,
): Promise<string> {
  const id = randomUUID();
  const run = await nextRun(tx, deployment.id);
  await insertJob(
    tx,
    {
      id,
      deploymentId: deployment.id,
      clusterId: deployment.clusterId,
      run,
      flinkJobId: randomBytes(16).toString('hex'),
      strategy: start.strategy,
      artifactId: deployment.artifactId,
      entryClass: deployment.entryClass,
      programArguments: start.programArguments ?? deployment.programArguments,
      parallelism: start.parallelism ?? deployment.parallelism,
      flinkConfiguration: { ...defaultConfiguration, ...deployment.flinkConfiguration, ...configuration },
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
    actor,
    message: `Run ${run} of ${deployment.name} was asked for by ${actor}: ${start.strategy === StartStrategy.NONE ? 'without state (NONE)' : start.strategy}.`,
  });
  return id;
}
