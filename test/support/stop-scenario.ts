import type { Data } from './graphql-client.js';
import type { Stateward } from './stateward.js';

const STOP = `id mode state outcome waitingFor expectedRestMs eventCursor cancelSentAt failure { code message rootCause }
  savepoint { id origin state drained stopFailedAfter location failure { code } attempts { number sends } } waitsForSavepoint { id }
  job { id state } deployment { id state currentStop { id } }`;

/** The answer of stopDeployment, WITH_SAVEPOINT unless told otherwise, with the extras of every refusal. */
export async function askToStop(stateward: Stateward, deploymentId: string, more: object = {}): Promise<Data> {
  const { stopDeployment: answer } = await stateward.ask(
    `mutation($input: StopDeploymentInput!) { stopDeployment(input: $input) { __typename ... on Stop { ${STOP} }
       ... on UserError { code message } ... on InvalidInput { field } ... on DeploymentNotRunning { deploymentState since }
       ... on StopInProgress { stopId } ... on StateWouldBeLost { remainingLocation remainingAgeMs } ... on NotFound { field } } }`,
    { input: { deploymentId, mode: 'WITH_SAVEPOINT', ...more } },
  );
  return answer;
}

/** A stop that was accepted. */
export async function acceptedStop(stateward: Stateward, deploymentId: string, more: object = {}): Promise<Data> {
  const stop = await askToStop(stateward, deploymentId, more);
  if (stop.__typename !== 'Stop') throw new Error(`Not accepted: ${JSON.stringify(stop)}`);
  return stop;
}

/** A stop as it is, or after having waited for its end. */
export async function stopOf(stateward: Stateward, id: string, waitMs = 20_000): Promise<Data> {
  const { stop } = await stateward.ask(`query($id: ID!, $waitMs: Int) { stop(id: $id, waitMs: $waitMs) { ${STOP} } }`, {
    id,
    waitMs,
  });
  return stop;
}

/** Types of the events about a stop, in their order. */
export async function eventsOfStop(stateward: Stateward, stopId: string): Promise<string[]> {
  const rows = await stateward.services.database.rows<{ type: string }>(
    'select type from event where stop_id = $1 order by number',
    [stopId],
  );
  return rows.map(({ type }) => type);
}
