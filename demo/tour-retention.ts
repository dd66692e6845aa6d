import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { bytes, live, say, table, title } from './screen.js';
import type { StatewardClient } from './stateward-client.js';
import { folderOf } from './tour-steps.js';

interface Listed {
  id: string;
  origin: string;
  description: string | null;
  location: string;
}

interface Preview {
  goes: { savepoint: Listed; message: string; bytes: number | null }[];
  stays: { savepoint: Listed; why: string; message: string }[];
  freedBytes: number;
}

interface Going {
  state: string;
  proof: string | null;
  deletion: { state: string; rule: string; reason: string; waitingFor: string | null } | null;
}

interface Refusal {
  code?: string;
  protections?: { kind: string; message: string; unlock: string }[];
}

const POLICY = { maxCount: 1, includeStop: true };
const GOES_WITHIN_MS = 120_000;

/** Shows what a policy would delete, lets it do that, and tries to delete what is protected. */
export async function keepOne(client: StatewardClient, deploymentId: string): Promise<void> {
  title(`What would the policy ${inspect(POLICY)} delete?`);
  const { goes, stays, freedBytes } = await previewOnceSomethingGoes(client, deploymentId);
  table([
    ['', 'savepoint', 'why'],
    ...goes.map(({ savepoint, message }) => ['goes', named(savepoint), message]),
    ...stays.map(({ savepoint, why, message }) => ['stays', named(savepoint), `${why}: ${message}`]),
  ]);
  say(`That frees ${bytes(freedBytes)}. Nothing is deleted yet.`);

  const going = goes[0]?.savepoint;
  const newest = stays.find(({ why }) => why === 'NEWEST_GOOD')?.savepoint;
  if (!going || !newest) throw new Error('The preview names none that goes, or no newest good one.');
  title('Setting that policy');
  const folder = folderOf(going.location);
  say(`on disk: ${folder} · files: ${(await readdir(folder)).length}`);
  await client.change('setRetentionPolicy', { deploymentId, policy: POLICY }, '... on Deployment { id }');
  const { state, proof, deletion } = await waitUntilGone(client, going.id);
  if (existsSync(folder)) throw new Error(`It is ${state} with the proof ${proof}, and ${folder} is still there.`);
  say(`${state} by ${deletion?.rule}, proof: ${proof}`);
  say(`gone:    ${folder}`);

  title('Deleting the newest one by hand');
  await showRefusal(client, newest);
}

const named = ({ origin, description }: Listed) => `${origin}${description === null ? '' : ` "${description}"`}`;

/** What a run was started from stays until that run has a checkpoint of its own. */
async function previewOnceSomethingGoes(client: StatewardClient, deploymentId: string): Promise<Preview> {
  for (const deadline = Date.now() + GOES_WITHIN_MS; Date.now() < deadline; await sleep(500)) {
    const { previewRetention: preview } = await client.ask<{ previewRetention: Preview & { refusal?: string } }>(
      `query($id: ID!, $policy: RetentionInput!) { previewRetention(deploymentId: $id, policy: $policy) {
         ... on RetentionPreview {
           goes { savepoint { ...Listed } message bytes } stays { savepoint { ...Listed } why message } freedBytes }
         ... on UserError { refusal: message } } }
       fragment Listed on Savepoint { id origin description location }`,
      { id: deploymentId, policy: POLICY },
    );
    if (preview.refusal) throw new Error(`No preview: ${preview.refusal}`);
    if (preview.goes.length > 0) return preview;
    const source = preview.stays.find(({ savepoint }) => savepoint.origin === 'STOP');
    live(`nothing goes yet: ${source?.message}`);
  }
  throw new Error(`The policy would not have deleted anything within ${GOES_WITHIN_MS / 1000} s.`);
}

async function waitUntilGone(client: StatewardClient, savepointId: string): Promise<Going> {
  for (const deadline = Date.now() + GOES_WITHIN_MS; Date.now() < deadline; await sleep(250)) {
    const { savepoint } = await client.ask<{ savepoint: Going }>(
      'query($id: ID!) { savepoint(id: $id) { state proof deletion { state rule reason waitingFor } } }',
      { id: savepointId },
    );
    if (savepoint.state === 'DELETED') return savepoint;
    const { state, deletion } = savepoint;
    const waits = deletion?.waitingFor ? `, waits for ${deletion.waitingFor}` : '';
    live(
      deletion
        ? `${state}: ${deletion.state}${waits} · ${deletion.reason}`
        : `${state}, until the policy makes its pass`,
    );
  }
  throw new Error(`Savepoint ${savepointId} is not deleted within ${GOES_WITHIN_MS / 1000} s.`);
}

async function showRefusal(client: StatewardClient, savepoint: Listed): Promise<void> {
  const { deleteSavepoint: answer } = await client.ask<{ deleteSavepoint: Refusal }>(
    `mutation($id: ID!) { deleteSavepoint(input: { savepointId: $id }) {
       ... on SavepointProtected { protections { kind message unlock } } ... on UserError { code } } }`,
    { id: savepoint.id },
  );
  if (!answer.protections || !existsSync(folderOf(savepoint.location)))
    throw new Error(`Savepoint ${savepoint.id} should be protected, and the answer is ${JSON.stringify(answer)}.`);
  for (const { kind, message, unlock } of answer.protections) {
    say(`${answer.code}, ${kind}: ${message}`);
    say(`It can be deleted when ${unlock}.`);
  }
}
