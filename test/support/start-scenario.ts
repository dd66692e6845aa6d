import { wake } from '../../src/db/claims.js';
import type { FakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { Data } from './graphql-client.js';
import type { Stateward } from './stateward.js';
import { waitFor } from './wait-for.js';

const JOB = `id run state flinkJobId waitingFor strategy entryClass programArguments parallelism submittedAt startedAt endedAt
  stateBackend checkpointIntervalMs checkpointTimeoutMs failureCode failureMessage failureRootCause failureText actor eventCursor
  flinkConfiguration { key value } cluster { id } deployment { id state currentJob { id } }`;

/** The answer of startDeployment, by NONE unless told otherwise, with the extras of every refusal. */
export async function askToStart(
  stateward: Stateward,
  deploymentId: string,
  start: object = {},
  idempotencyKey?: string,
): Promise<Data> {
  const { startDeployment: answer } = await stateward.ask(
    `mutation($input: StartDeploymentInput!) { startDeployment(input: $input) { __typename ... on Job { ${JOB} }
       ... on UserError { code message } ... on InvalidInput { field } ... on DeploymentNotStopped { deploymentState since }
       ... on NotFound { field } } }`,
    { input: { deploymentId, start: { strategy: 'NONE', ...start }, idempotencyKey } },
  );
  return answer;
}

/** A run as it is, or after having waited for it. */
export async function jobOf(
  stateward: Stateward,
  id: string,
  waitMs = 0,
  until: 'STARTED' | 'ENDED' = 'STARTED',
): Promise<Data> {
  const { job } = await stateward.ask(
    `query($id: ID!, $waitMs: Int, $until: JobMilestone) { job(id: $id, waitMs: $waitMs, until: $until) { ${JOB} } }`,
    { id, waitMs, until },
  );
  return job;
}

/** Waits until the run has that state; its submission and its cluster are looked at without pauses meanwhile. */
export const jobIn = (stateward: Stateward, id: string, state: string): Promise<Data> =>
  waitFor(
    async () => {
      const job = await jobOf(stateward, id);
      if (job.state === state) return job;
      await wake(stateward.services.database, 'cluster', job.cluster.id);
      await wake(stateward.services.database, 'job', id);
      return false;
    },
    { what: `job ${id} to be ${state}`, timeoutMs: 20_000 },
  );

/** Types of the events about a deployment, in their order. */
export const eventTypesOf = async (stateward: Stateward, deploymentId: string): Promise<string[]> =>
  (
    await stateward.services.database.rows<{ type: string }>(
      'select type from event where deployment_id = $1 order by number',
      [deploymentId],
    )
  ).map(({ type }) => type);

/** Submissions that arrived at Flink, spoiled ones included. */
export const runCalls = (flink: FakeFlink) =>
  flink.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/run'));

export const jarRemoved = (flink: FakeFlink) =>
  waitFor(() => flink.jarIds.length === 0, { what: 'the uploaded jar to be removed' });
