import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Data } from './graphql-client.js';
import { REAL_FLINK_START_MS, type RealFlink, startRealFlink } from './real-flink.js';
import { createDeployment, createSavepoint, endOfSavepoint, registerCluster } from './scenario.js';
import { startStateward, type Stateward } from './stateward.js';
import { waitFor } from './wait-for.js';

const KEYS = 50;
const EVERY = 5;
const COUNTS_MS = 30_000;

/** A deployment's whole life on a real Flink of this version: stopped and started from every kind of state, and its counters tell. */
export function describeLife(version: string): void {
  describe(`on a real Flink ${version}`, () => {
    let real: RealFlink;
    let stateward: Stateward;
    let clusterId: string;
    let artifactId: string;
    let files = 0;
    beforeAll(async () => {
      real = await startRealFlink({ version, slots: 8 });
      stateward = await startStateward();
      clusterId = await registerCluster(stateward, real.flink.url);
      const { body } = await stateward.upload('counter.jar', await readFile(real.jars.StatefulCounter ?? ''));
      artifactId = body.artifact?.id ?? '';
    }, REAL_FLINK_START_MS);
    afterAll(async () => {
      await stateward?.stop();
      await real?.stop();
    }, 60_000);

    const newFile = () => join(real.folder, `counts-${++files}.txt`);
    const argumentsFor = (file: string) => [
      ...['--keys', String(KEYS), '--rate', String(KEYS * 20), '--output-file', file, '--output-every', String(EVERY)],
      ...['--checkpoint-interval-ms', '1000', '--parallelism', '2'],
    ];
    const newDeployment = (name: string, file: string, more: object = {}) =>
      createDeployment(stateward, clusterId, artifactId, `${name} ${version}`, {
        programArguments: argumentsFor(file),
        ...more,
      });

    async function start(deploymentId: string, start: object): Promise<Data> {
      const { startDeployment: asked } = await stateward.ask(
        `mutation($input: StartDeploymentInput!) { startDeployment(input: $input) { __typename ... on Job { id } ... on UserError { code message } } }`,
        { input: { deploymentId, start } },
      );
      if (!asked.id) throw new Error(`Not started: ${JSON.stringify(asked)}`);
      const { job } = await stateward.ask(
        `query($id: ID!) { job(id: $id, waitMs: 60000) { id run state flinkJobId waitingFor failureMessage programArguments } }`,
        { id: asked.id },
      );
      if (job.state !== 'RUNNING') throw new Error(`Did not start: ${JSON.stringify(job)}`);
      return job;
    }

    /** To its end. */
    async function stop(deploymentId: string, more: object): Promise<Data> {
      const { stopDeployment: asked } = await stateward.ask(
        `mutation($input: StopDeploymentInput!) { stopDeployment(input: $input) { __typename ... on Stop { id } ... on UserError { code message } } }`,
        { input: { deploymentId, ...more } },
      );
      if (!asked.id) throw new Error(`Not stopped: ${JSON.stringify(asked)}`);
      const { stop: ended } = await stateward.ask(
        `query($id: ID!) { stop(id: $id, waitMs: 60000) { state outcome failure { code message } savepoint { id state location drained } } }`,
        { id: asked.id },
      );
      return ended;
    }

    async function planned(deploymentId: string, start: object): Promise<Data> {
      const { restorePlan } = await stateward.ask(
        `query($id: ID!, $start: StartInput!) { restorePlan(deploymentId: $id, start: $start) { __typename
           ... on RestorePlan { state { kind location why } findings { code } } ... on UserError { code message } } }`,
        { id: deploymentId, start },
      );
      return restorePlan;
    }

    /** Per key the numbers that were written, in their order. */
    async function counts(file: string): Promise<Map<string, number[]>> {
      const text = await readFile(file, 'utf8').catch(() => '');
      const numbers = new Map<string, number[]>();
      for (const line of text.split('\n').filter(Boolean)) {
        const [key = '', value = ''] = line.split('=');
        numbers.set(key, [...(numbers.get(key) ?? []), Number(value)]);
      }
      return numbers;
    }
    const counted = (file: string, atLeast = 1) =>
      waitFor(
        async () => {
          const numbers = await counts(file);
          return numbers.size === KEYS && [...numbers.values()].every((all) => all.length >= atLeast) && numbers;
        },
        { what: `${KEYS} counters to be written to ${file}`, timeoutMs: COUNTS_MS },
      );

    it('goes on counting from the savepoint of its stop, each counter with the very next number', async () => {
      const first = newFile();
      const deploymentId = await newDeployment('stopped', first);
      await start(deploymentId, { strategy: 'NONE' });
      await counted(first, 2);
      const stopped = await stop(deploymentId, { mode: 'WITH_SAVEPOINT', description: 'before the upgrade' });
      expect(stopped).toMatchObject({
        state: 'COMPLETED',
        outcome: 'STOPPED',
        savepoint: { state: 'COMPLETED', drained: false },
      });
      const before = await counts(first);
      const second = newFile();
      await start(deploymentId, {
        strategy: 'FROM_SAVEPOINT',
        savepointId: stopped.savepoint.id,
        programArguments: argumentsFor(second),
      });
      const after = await counted(second);
      for (const [key, numbers] of before)
        expect([key, after.get(key)?.[0]]).toEqual([key, (numbers.at(-1) ?? 0) + EVERY]);
      await stop(deploymentId, { mode: 'WITHOUT_SAVEPOINT' });
    }, 180_000);

    it('goes on from the checkpoint that a cancel left behind, and says why it is that one', async () => {
      const first = newFile();
      const deploymentId = await newDeployment('cancelled', first);
      await start(deploymentId, { strategy: 'NONE' });
      await counted(first, 10); // more than a second's worth, so that the newest checkpoint holds some of each
      await waitFor(
        () =>
          stateward.services.database.row(
            `select 1 from job_checkpoints where deployment_id = $1 and last_completed_id is not null`,
            [deploymentId],
          ),
        { what: 'its first checkpoint to be recorded', timeoutMs: COUNTS_MS },
      );
      const cancelled = await stop(deploymentId, { mode: 'WITHOUT_SAVEPOINT' });
      expect(cancelled).toMatchObject({ state: 'COMPLETED', outcome: 'STOPPED', savepoint: null });
      const second = newFile();
      await start(deploymentId, { strategy: 'LATEST_STATE', programArguments: argumentsFor(second) });
      const row = await stateward.services.database.row<{ why: string; location: string }>(
        'select start_why as why, start_location as location from job where deployment_id = $1 order by run desc limit 1',
        [deploymentId],
      );
      expect(row).toMatchObject({
        location: expect.stringMatching(/\/chk-\d+$/),
        why: expect.stringContaining('run 1'),
      });
      const after = await counted(second);
      // Some of what had been written is written again; nothing begins anew.
      for (const [key, [lowest]] of after) expect([key, (lowest ?? 0) > EVERY]).toEqual([key, true]);
      await stop(deploymentId, { mode: 'WITHOUT_SAVEPOINT' });
    }, 180_000);

    it('serves a second deployment from the same savepoint while the first runs on', async () => {
      const first = newFile();
      const a = await newDeployment('a', first);
      await start(a, { strategy: 'NONE' });
      await counted(first);
      const savepoint = await endOfSavepoint(stateward, (await createSavepoint(stateward, a)).id);
      const second = newFile();
      const b = await newDeployment('b', second);
      const start_ = { strategy: 'FROM_SAVEPOINT', savepointId: savepoint.id };
      const { findings } = await planned(b, start_);
      expect(findings.map(({ code }: Data) => code)).toEqual(
        expect.arrayContaining(['MAKER_STILL_RUNS', 'ANOTHER_DEPLOYMENT']),
      );
      await start(b, start_);
      const after = await counted(second);
      expect([...after.values()].some(([lowest]) => (lowest ?? 0) > EVERY)).toBe(true);
      for (const id of [a, b]) await stop(id, { mode: 'WITHOUT_SAVEPOINT' });
    }, 180_000);

    it('is over after a drain: its state must be named, and accepted as drained', async () => {
      const first = newFile();
      const deploymentId = await newDeployment('drained', first);
      await start(deploymentId, { strategy: 'NONE' });
      await counted(first);
      const drained = await stop(deploymentId, { mode: 'WITH_DRAIN', final: true });
      expect(drained).toMatchObject({
        state: 'COMPLETED',
        outcome: 'STOPPED',
        savepoint: { state: 'COMPLETED', drained: true },
      });
      expect(await planned(deploymentId, { strategy: 'LATEST_STATE' })).toMatchObject({ code: 'JOB_HAD_FINISHED' });
      const start_ = { strategy: 'FROM_SAVEPOINT', savepointId: drained.savepoint.id };
      expect(await planned(deploymentId, start_)).toMatchObject({ code: 'STATE_IS_DRAINED' });
      expect(await planned(deploymentId, { ...start_, acceptDrained: true })).toMatchObject({
        __typename: 'RestorePlan',
      });
      const plan = await planned(deploymentId, { strategy: 'NONE' });
      expect(plan).toMatchObject({ state: null, findings: [{ code: 'STARTS_EMPTY' }] });
    }, 180_000);

    it('comes back from a bad release in one call', async () => {
      const file = newFile();
      const deploymentId = await newDeployment('released', file);
      await start(deploymentId, { strategy: 'NONE' });
      await counted(file);
      const stopped = await stop(deploymentId, { mode: 'WITH_SAVEPOINT' });
      const start_ = { strategy: 'FROM_SAVEPOINT', savepointId: stopped.savepoint.id };
      // The new release has renamed the operator: Flink refuses, and says which.
      const bad = [...argumentsFor(file), '--counter-uid', 'renamed'];
      await stateward.services.database.changed('update deployment set program_arguments = $2 where id = $1', [
        deploymentId,
        bad,
      ]);
      const { startDeployment: asked } = await stateward.ask(
        `mutation($input: StartDeploymentInput!) { startDeployment(input: $input) { ... on Job { id } ... on UserError { code message } } }`,
        { input: { deploymentId, start: start_ } },
      );
      const { job } = await stateward.ask(
        `query($id: ID!) { job(id: $id, waitMs: 60000, until: ENDED) { state failureCode failureRootCause deployment { state } } }`,
        { id: asked.id },
      );
      expect(job).toMatchObject({
        state: 'FAILED',
        failureCode: 'SUBMISSION_REFUSED',
        deployment: { state: 'FAILED' },
      });
      expect(job.failureRootCause).toMatch(/allowNonRestoredState|mapped/);
      const undone = await start(deploymentId, { ...start_, code: 'AS_TAKEN' });
      expect(undone.programArguments).toEqual(argumentsFor(file));
      await stop(deploymentId, { mode: 'WITHOUT_SAVEPOINT' });
    }, 180_000);
  });
}
