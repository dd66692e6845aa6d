import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { InvalidInput, NotFound } from '../api/user-error.js';
import { ClusterState } from '../cluster/cluster.entity.js';
import { stateAgeMs } from '../cluster/find-cluster.js';
import { NOW } from '../db/assign.js';
import type { Database } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { findForDecision } from '../deployment/find-deployment.js';
import { EventType } from '../event/event-types.js';
import type { ClusterFollower } from './cluster-follower.js';
import {
  ClusterNotGone,
  type DeclareJobLostInput,
  type DeclareJobLostResult,
  NoLiveJob,
} from './declare-lost.types.js';
import { endUnseen } from './end-unseen.js';
import { findJob, liveJobsOf } from './find-job.js';
import { JobFailureCode } from './job.entity.js';

/** So long a silence is no restart of a JobManager any more (OB-3). */
const GONE_AFTER_MS = 5 * 60_000;

/** Ends the live run of a deployment whose cluster is gone for good: nothing waits for ever. Should the job come alive again, it is found and told of. */
export async function declareJobLost(
  { database, clusterFollower }: { database: Database; clusterFollower: ClusterFollower },
  input: DeclareJobLostInput,
  caller: Caller,
): Promise<DeclareJobLostResult> {
  checkId('deploymentId', input.deploymentId);
  const reason = input.reason.trim();
  if (reason.length < 1 || reason.length > 500) return new InvalidInput('reason', 'give 1 to 500 characters.');
  if (!input.iHaveChecked) {
    return new InvalidInput('iHaveChecked', 'make sure that nothing runs the job any more, then say true.');
  }
  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'declareJobLost', input };
  return answerOnce(database, request, findJob, async (tx) => {
    const found = await findForDecision(tx, input.deploymentId);
    if (!found) return new NotFound('deploymentId', 'deployment', input.deploymentId);
    const { deployment, cluster } = found;
    const job = (await liveJobsOf(tx, cluster.id)).find(({ deploymentId }) => deploymentId === deployment.id);
    if (!job) return new NoLiveJob(deployment);
    const silent = cluster.state === ClusterState.UNREACHABLE;
    if (!silent || (await stateAgeMs(tx, cluster.id)) < GONE_AFTER_MS) return new ClusterNotGone(cluster);

    const seen = job.observedAt?.toISOString() ?? 'never';
    const message = `Declared lost by ${caller.actor} (${reason}) while cluster ${cluster.name} did not answer; the job was last seen ${seen}. Start the deployment again, where a cluster answers.`;
    const [ended] = await endUnseen(tx, clusterFollower, [job], {
      set: { ended_at: NOW, failure_code: JobFailureCode.DECLARED_LOST, failure_message: message },
      event: ({ run }) => ({
        type: EventType.JOB_DECLARED_LOST,
        actor: caller.actor,
        message: `Run ${run}: ${message}`,
        details: { reason },
      }),
    });
    if (!ended) throw new Error(`Job ${job.id} moved although its cluster is locked`);
    return ended.id;
  });
}
