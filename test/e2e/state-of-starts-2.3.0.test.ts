import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { operatorIdOf } from '../../src/flink/operator-id.js';
import { countersOn } from '../support/counters-on-real-flink.js';
import type { Data } from '../support/graphql-client.js';
import { whyNoRealFlink } from '../support/real-flink.js';
import { sceneOnRealFlink } from '../support/real-scene.js';
import { waitFor } from '../support/wait-for.js';

const reason = await whyNoRealFlink();

describe('the state of a start on a real Flink 2.3.0', () => {
  if (reason !== null) {
    it.skip(`is looked at before and after it (skipped: ${reason})`, () => undefined);
    return;
  }
  // Every state in a file of its own, however small.
  const configuration = { 'execution.checkpointing.data-inline-threshold': '0b' };
  const scene = sceneOnRealFlink({ version: '2.3.0', slots: 8, configuration });
  const { newFile, argumentsFor, newDeployment, start, stop, end, counted } = countersOn(scene);

  const jobOf = async (id: string): Promise<Data> =>
    (
      await scene.stateward.ask(
        `query($id: ID!) { job(id: $id, waitMs: 30000, until: STARTED) { state failureCode failureMessage submittedAt flinkJobId stateLook { result why }
           restoreCheck { state why startedEmpty { id uid stateBytes } dropped { id uid stateBytes } }
           deployment { uidReport { state source operators { name } } } } }`,
        { id },
      )
    ).job;

  const compared = (id: string): Promise<Data> =>
    waitFor(
      async () => {
        const job = await jobOf(id);
        return job.restoreCheck.state !== 'PENDING' && job;
      },
      { what: `job ${id} to be compared with what it was started from`, timeoutMs: 60_000 },
    );

  /** The savepoint of the stop of a run that has counted. */
  async function stopped(name: string): Promise<{ deploymentId: string; savepoint: Data }> {
    const file = newFile();
    const deploymentId = await newDeployment(name, file);
    await start(deploymentId, { strategy: 'NONE' });
    await counted(file, 2);
    const { savepoint } = await stop(deploymentId, { mode: 'WITH_SAVEPOINT' });
    expect(savepoint).toMatchObject({ state: 'COMPLETED' });
    return { deploymentId, savepoint };
  }

  it('is the same where the code is, and every operator with state has a uid', async () => {
    const { deploymentId, savepoint } = await stopped('same');
    const { id } = await start(deploymentId, { strategy: 'FROM_SAVEPOINT', savepointId: savepoint.id });
    const job = await compared(id);
    expect(job).toMatchObject({
      stateLook: { result: 'WHOLE', why: null },
      restoreCheck: { state: 'SAME', why: null, startedEmpty: [], dropped: [] },
      deployment: { uidReport: { state: 'ALL_SET', operators: [] } },
    });
    await end(deploymentId);
  }, 180_000);

  it('differs where a uid was changed and state may be dropped: both operators are named', async () => {
    const { deploymentId, savepoint } = await stopped('renamed');
    const { id } = await start(deploymentId, {
      strategy: 'FROM_SAVEPOINT',
      savepointId: savepoint.id,
      allowNonRestoredState: true,
      programArguments: [...argumentsFor(newFile()), '--counter-uid', 'counter-2'],
    });
    const { restoreCheck } = await compared(id);
    expect(restoreCheck).toMatchObject({
      state: 'DIFFERS',
      startedEmpty: [{ id: operatorIdOf('counter-2'), uid: 'counter-2' }],
      dropped: [{ id: operatorIdOf('counter'), uid: 'counter' }],
    });
    for (const { stateBytes } of [...restoreCheck.startedEmpty, ...restoreCheck.dropped])
      expect(stateBytes).toBeGreaterThan(0);
    await end(deploymentId);
  }, 180_000);

  it('of which a file is gone is not submitted', async () => {
    const { deploymentId, savepoint } = await stopped('damaged');
    const folder = savepoint.location.replace(/^file:/, '');
    const gone = (await readdir(folder)).filter((name) => name !== '_metadata')[0] ?? '';
    expect(gone).not.toBe('');
    await rm(join(folder, gone));
    const client = scene.stateward.services.flinkClients.at(scene.real.flink.url);
    const before = (await client.jobs()).length;
    const { startDeployment: asked } = await scene.stateward.ask(
      `mutation($input: StartDeploymentInput!) { startDeployment(input: $input) { ... on Job { id } ... on UserError { message } } }`,
      { input: { deploymentId, start: { strategy: 'FROM_SAVEPOINT', savepointId: savepoint.id } } },
    );
    const job = await jobOf(asked.id);
    expect(job).toMatchObject({ state: 'FAILED', failureCode: 'STATE_DAMAGED', submittedAt: null });
    expect(job.failureMessage).toContain(`${gone} is not there`);
    expect(await client.jobs()).toHaveLength(before);
    expect((await client.jobs()).map(({ jobId }) => jobId)).not.toContain(job.flinkJobId);
  }, 180_000);
});
