import type { DemoFlink } from './demo-flink.js';
import { bytes, say, title } from './screen.js';
import type { StatewardClient } from './stateward-client.js';
import { counterArguments } from './tour-steps.js';

interface Check {
  state: string;
  failure: { message: string } | null;
  verdict: {
    mapping: string;
    notChecked: string[];
    findings: { severity: string; stateBytes: number; message: string; remedy: string | null }[];
    kept: { operator: { name: string | null; uid: string | null; id: string }; stateBytes: number }[];
  } | null;
}

/** A new release is asked about while the old one runs: one that would lose the counters, and the same one mended. */
export async function askBeforeUpgrading(
  client: StatewardClient,
  flink: Pick<DemoFlink, 'countsFolder'>,
  deploymentId: string,
): Promise<void> {
  const release = counterArguments(flink, 'second');
  title('A new release, in which somebody has renamed the counter: would it take the state? The job runs on');
  const broken = await check(client, deploymentId, [...release, '--counter-uid', 'counter-v2']);
  show(broken);
  if (broken.mapping !== 'INCOMPATIBLE') throw new Error('A broken upgrade was not seen.');
  const { deployment } = await client.ask<{ deployment: { state: string } }>(
    'query($id: ID!) { deployment(id: $id) { state } }',
    { id: deploymentId },
  );
  say(`the job is ${deployment.state}: nothing was stopped, and nothing was started`);

  title('The same release with the uid that the state was made with');
  const mended = await check(client, deploymentId, release);
  show(mended);
  if (mended.mapping !== 'FULLY_COMPATIBLE') throw new Error('A good upgrade was not seen to be one.');
}

async function check(
  client: StatewardClient,
  deploymentId: string,
  programArguments: string[],
): Promise<NonNullable<Check['verdict']>> {
  const { id } = await client.change<{ id: string }>(
    'checkCompatibility',
    { deploymentId, programArguments },
    '... on CompatibilityCheck { id }',
  );
  const { compatibilityCheck: done } = await client.ask<{ compatibilityCheck: Check }>(
    `query($id: ID!) { compatibilityCheck(id: $id, waitMs: 60000) { state failure { message }
       verdict { mapping notChecked findings { severity stateBytes message remedy } kept { operator { id name uid } stateBytes } } } }`,
    { id },
  );
  if (!done.verdict) throw new Error(`The check is ${done.state}: ${done.failure?.message ?? 'it takes too long'}`);
  return done.verdict;
}

function show({ mapping, notChecked, findings, kept }: NonNullable<Check['verdict']>): void {
  say(`${mapping}${notChecked.length === 0 ? '' : `, not checked: ${notChecked.join(', ')}`}`);
  for (const { severity, message, remedy } of findings) {
    say(`  ${severity}: ${message}`);
    if (remedy !== null) say(`  ${' '.repeat(severity.length)}  ${remedy}`);
  }
  for (const { operator, stateBytes } of kept)
    say(`  keeps its ${bytes(stateBytes)}: ${operator.name ?? operator.uid ?? operator.id}`);
}
