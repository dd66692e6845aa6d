import { describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { COUNTS_MS, countersOn, EVERY } from '../support/counters-on-real-flink.js';
import type { Data } from '../support/graphql-client.js';
import { mutate } from '../support/mutate.js';
import { whyNoRealFlink } from '../support/real-flink.js';
import { sceneOnRealFlink } from '../support/real-scene.js';
import { waitFor } from '../support/wait-for.js';

const reason = await whyNoRealFlink();
const RETAINED = 3;

describe('what runs have left behind, on a real Flink 2.3.0', () => {
  if (reason !== null) {
    it.skip(`is disposed of, and the run that went on from it does not need it (skipped: ${reason})`, () => undefined);
    return;
  }
  const scene = sceneOnRealFlink({
    version: '2.3.0',
    slots: 4,
    configuration: {
      'state.backend.type': 'rocksdb',
      'execution.checkpointing.incremental': 'true',
      'execution.checkpointing.num-retained': String(RETAINED),
      'execution.checkpointing.data-inline-threshold': '0',
      'restart-strategy.type': 'fixed-delay',
      'restart-strategy.fixed-delay.attempts': '100',
      'restart-strategy.fixed-delay.delay': '1 s',
    },
    config: { leftBehindAfterMs: 3_000 },
  });
  const { newFile, argumentsFor, newDeployment, start, stop, end, counted } = countersOn(scene);

  const completed = (jobId: string, atLeast: number) =>
    waitFor(
      () =>
        scene.stateward.services.database.row(
          `select 1 from job_checkpoints where job_id = $1 and recorded_completed >= $2`,
          [jobId, atLeast],
        ),
      { what: `${atLeast} checkpoints of run ${jobId} to be recorded`, timeoutMs: COUNTS_MS },
    );

  async function leftOf(deploymentId: string): Promise<Data> {
    const { deployment } = await scene.stateward.ask(
      `query($id: ID!) { deployment(id: $id) { leftBehind { count totalBytes checkpoints { edges { node { location deletable { obstacle } } } } } } }`,
      { id: deploymentId },
    );
    return deployment.leftBehind;
  }
  const filesBelow = (folder: string) =>
    readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
      entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
    );

  it('goes together, shared files included, and the run that went on from it recovers from its own', async () => {
    const first = newFile();
    const deploymentId = await newDeployment('left', first, {
      programArguments: [...argumentsFor(first), '--state-bytes', '2000'],
    });
    const before = await start(deploymentId, { strategy: 'NONE' });
    await counted(first, 2);
    await completed(before.id, RETAINED + 1);
    await stop(deploymentId, { mode: 'WITHOUT_SAVEPOINT' });
    const left = await waitFor(
      async () => {
        const found = await leftOf(deploymentId);
        return found.count === RETAINED && found;
      },
      { what: `${RETAINED} checkpoints to be left behind`, timeoutMs: 20_000 },
    );
    expect(left.totalBytes).toBeGreaterThan(0);
    const folder = join(scene.real.flink.checkpointFolder, before.flinkJobId);
    expect(readdirSync(join(folder, 'shared')).length).toBeGreaterThan(0);

    const second = newFile();
    const again = await start(deploymentId, {
      strategy: 'LATEST_STATE',
      programArguments: [...argumentsFor(second), '--state-bytes', '2000'],
    });
    await completed(again.id, 1);
    const policy = { maxCount: 10, leftBehind: 'DISPOSE' };
    expect(
      await mutate(scene.stateward, 'setRetentionPolicy', { deploymentId, policy }, '... on Deployment { id }'),
    ).toMatchObject({
      id: deploymentId,
    });
    const disposal = await waitFor(
      async () => {
        const { job } = await scene.stateward.ask(
          `query($id: ID!) { job(id: $id) { leftBehindDisposal { state proof disposals leftBytes failure { message rootCause } } } }`,
          { id: before.id },
        );
        return job.leftBehindDisposal?.state === 'DONE' && job.leftBehindDisposal;
      },
      { what: 'what the first run has left to be gone', timeoutMs: 60_000 },
    );
    expect(disposal).toEqual({ state: 'DONE', proof: 'EMPTY', disposals: RETAINED, leftBytes: null, failure: null });
    expect(existsSync(folder)).toBe(true);
    expect(filesBelow(folder)).toEqual([]);
    expect(await leftOf(deploymentId)).toMatchObject({ count: 0, totalBytes: 0 });

    const after = await counted(second);
    for (const [key, [lowest]] of after) expect([key, (lowest ?? 0) > EVERY]).toEqual([key, true]); // it began with what was there
    const many = [...after.values()].reduce((sum, numbers) => sum + numbers.length, 0);
    await scene.real.flink.killTaskManager();
    await scene.real.flink.startTaskManager();
    await waitFor(
      async () => {
        const { checkpoints } = (await scene.stateward.services.database.row<{ checkpoints: number }>(
          `select count(*)::int as checkpoints from checkpoint where job_id = $1 and state = 'COMPLETED' and triggered_at > now() - interval '3 s'`,
          [again.id],
        )) ?? { checkpoints: 0 };
        const numbers = await counted(second);
        const { job } = await scene.stateward.ask(`query($id: ID!) { job(id: $id) { state } }`, { id: again.id });
        return (
          job.state === 'RUNNING' &&
          checkpoints > 0 &&
          [...numbers.values()].reduce((sum, all) => sum + all.length, 0) > many
        );
      },
      { what: 'the second run to have recovered and gone on', timeoutMs: 90_000 },
    );
    const { deployment } = await scene.stateward.ask(
      `query($id: ID!) { deployment(id: $id) { currentJob { id state failureMessage } } }`,
      { id: deploymentId },
    );
    expect(deployment.currentJob).toEqual({ id: again.id, state: 'RUNNING', failureMessage: null });
    await end(deploymentId);
  }, 240_000);
});
