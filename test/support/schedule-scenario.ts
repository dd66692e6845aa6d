import type { Data } from './graphql-client.js';
import { mutate } from './mutate.js';
import type { Stateward } from './stateward.js';

export const SCHEDULE = `... on SavepointSchedule { id expression zone sentence clamped catchUp jitterSeconds jitterMs attempts format
  blackouts { start durationMs zone } pausedAt pausedBy pauseReason setAsideAt setAsideReason actor createdAt lastSlotAt nextSlotAt removedAt
  nextSlots(count: 5) { slotAt expectedCallAt blackoutUntil } warnings { code message } deployment { id } }`;
const REFUSALS = `... on InvalidInput { field } ... on InvalidCron { field argument position remedy } ... on NoSavepointRoot { clusterId }`;

/** Once a day, some twelve hours away: the chain brings no slot of its own into a test. */
export const daily = (): string => `0 ${(new Date().getUTCHours() + 12) % 24} * * *`;

/** The answer of setSavepointSchedule: {@link daily} unless told otherwise. */
export const askToSchedule = (
  stateward: Stateward,
  deploymentId: string,
  schedule: object = {},
  more: object = {},
): Promise<Data> =>
  mutate(stateward, 'setSavepointSchedule', { deploymentId, schedule: { expression: daily(), ...schedule }, ...more }, [
    SCHEDULE,
    REFUSALS,
  ]);

/** A schedule that was set. */
export async function scheduled(stateward: Stateward, deploymentId: string, schedule: object = {}): Promise<Data> {
  const answer = await askToSchedule(stateward, deploymentId, schedule);
  if (answer.__typename !== 'SavepointSchedule') throw new Error(`Not set: ${JSON.stringify(answer)}`);
  return answer;
}

/** Moves the next slot of a deployment to so many ms ago, as if the chain had led there. Answers its time. */
export async function slotDueFor(
  { services: { database } }: Stateward,
  deploymentId: string,
  agoMs = 0,
): Promise<string> {
  const row = await database.row<{ at: Date }>(
    `with moved as (
       update savepoint_schedule set next_slot_at = date_trunc('milliseconds', now() - $2 * interval '1 ms')
        where deployment_id = $1 and removed_at is null returning next_slot_at)
     select next_slot_at as at, pg_notify('stateward', 'slots') from moved`,
    [deploymentId, agoMs],
  );
  if (!row) throw new Error(`Deployment ${deploymentId} has no schedule`);
  return row.at.toISOString();
}

/** Slots of a deployment, newest first. */
export async function slotsOf(
  stateward: Stateward,
  deploymentId: string,
  filter: object | null = null,
): Promise<Data[]> {
  const { deployment } = await stateward.ask(
    `query($id: ID!, $filter: SlotFilterInput) { deployment(id: $id) { slots(first: 100, filter: $filter) { edges { node {
       slotAt lastSlotAt count outcome reason message caughtUp decidedAt lagMs schedule { id }
       savepoint { id state origin slotAt notBefore failure { code } schedule { id } } } } } } }`,
    { id: deploymentId, filter },
  );
  return deployment.slots.edges.map(({ node }: Data) => node);
}
