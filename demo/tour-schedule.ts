import { setTimeout as sleep } from 'node:timers/promises';
import { countdown, live, say, title } from './screen.js';
import type { StatewardClient } from './stateward-client.js';
import { showSavepoint } from './tour-steps.js';

interface Preview {
  sentence: string;
  nextSlots: { slotAt: string }[];
  warnings: { code: string; message: string }[];
}

interface Slot {
  slotAt: string;
  reason: string | null;
  message: string | null;
  savepoint: { id: string } | null;
}

const OFFICE_HOURS = { expression: '0/30 9-17 * * MON-FRI', zone: 'Europe/Berlin' };
const EACH_MINUTE = { expression: '* * * * *' };
const FIRES_WITHIN_MS = 180_000;

/** Shows what a schedule would do, then sets one and waits until it has made a savepoint. */
export async function scheduleSavepoints(client: StatewardClient, deploymentId: string): Promise<void> {
  const { expression, zone } = OFFICE_HOURS;
  title(`What would the schedule "${expression}" in ${zone} do?`);
  await showPreview(client, deploymentId);

  title(`Setting the schedule "${EACH_MINUTE.expression}"`);
  const { sentence, nextSlotAt } = await client.change<{ sentence: string; nextSlotAt: string }>(
    'setSavepointSchedule',
    { deploymentId, schedule: EACH_MINUTE },
    '... on SavepointSchedule { sentence nextSlotAt }',
  );
  say(`${sentence}; first at ${nextSlotAt}`);
  const { slotAt, savepointId } = await waitUntilFired(client, deploymentId);
  say(`FIRED for ${slotAt}: nobody has asked for this one`);
  await showSavepoint(client, savepointId);
  const pause = { deploymentId, reason: 'One is enough for the demo.' };
  await client.change('pauseSavepointSchedule', pause, '... on SavepointSchedule { pausedAt }');
  say('paused after that one (resumeSavepointSchedule lets it go on)');
}

async function showPreview(client: StatewardClient, deploymentId: string): Promise<void> {
  const { previewSchedule: preview } = await client.ask<{ previewSchedule: Preview & { refusal?: string } }>(
    `query($id: ID!, $schedule: ScheduleInput!) { previewSchedule(deploymentId: $id, input: $schedule, count: 3) {
       ... on SchedulePreview { sentence nextSlots { slotAt } warnings { code message } } ... on UserError { refusal: message } } }`,
    { id: deploymentId, schedule: OFFICE_HOURS },
  );
  if (preview.refusal) throw new Error(`No preview: ${preview.refusal}`);
  say(preview.sentence);
  say(`coming slots: ${preview.nextSlots.map(({ slotAt }) => slotAt).join(', ')}`);
  say('For the demo its Stateward lets slots be closer together than it should, and warns of that:');
  for (const { code, message } of preview.warnings) say(`${code}: ${message}`);
}

async function waitUntilFired(
  client: StatewardClient,
  deploymentId: string,
): Promise<{ slotAt: string; savepointId: string }> {
  for (const deadline = Date.now() + FIRES_WITHIN_MS; Date.now() < deadline; await sleep(500)) {
    const { deployment } = await client.ask<{
      deployment: { schedule: { nextSlotAt: string }; slots: { edges: { node: Slot }[] } };
    }>(
      `query($id: ID!) { deployment(id: $id) { schedule { nextSlotAt }
         slots(first: 1) { edges { node { slotAt reason message savepoint { id } } } } } }`,
      { id: deploymentId },
    );
    const slot = deployment.slots.edges[0]?.node;
    if (slot?.savepoint) return { slotAt: slot.slotAt, savepointId: slot.savepoint.id };
    const skipped = slot ? `that of ${slot.slotAt} was skipped (${slot.reason}): ${slot.message} · ` : '';
    live(`${skipped}the slot comes in ${countdown(Date.parse(deployment.schedule.nextSlotAt) - Date.now())}`);
  }
  throw new Error(`The schedule has not fired within ${FIRES_WITHIN_MS / 1000} s.`);
}
