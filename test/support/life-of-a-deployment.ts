import { describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Data } from './graphql-client.js';
import type { RealScene } from './real-scene.js';
import { createDeployment, createSavepoint, endOfSavepoint } from './scenario.js';
import { waitFor } from './wait-for.js';

const KEYS = 50;
const EVERY = 5;
const COUNTS_MS = 30_000;

/** A deployment's whole life: stopped and started from every kind of state, and its counters tell. */
export function describeLife(scene: RealScene): void {
  describe('the life of a deployment', () => {
    let files = 0;
    const newFile = () => join(scene.real.folder, `counts-${++files}.txt`);
    const argumentsFor = (file: string) => [
      ...['--keys', String(KEYS), '--rate', String(KEYS * 20), '--output-file', file, '--output-every', String(EVERY)],
      ...['--checkpoint-interval-ms', '1000', '--parallelism', '2'],
    ];
    const newDeployment = (name: string, file: string, more: object = {}) =>
      createDeployment(scene.stateward, scene.clusterId, scene.artifactId, name, {
        programArguments: argumentsFor(file),
        ...more,
      });

    async function start(deploymentId: string, start: object): Promise<Data> {
      const { startDeployment: asked } = await scene.stateward.ask(
        `mutation($input: StartDeploymentInput!) { startDeployment(input: $input) { __typename ... on Job { id } ... on UserError { code message } } }`,
        { input: { deploymentId, start } },
      );
      if (!asked.id) throw new Error(`Not started: ${JSON.stringify(asked)}`);
      const { job } = await scene.stateward.ask(
        `query($id: ID!) { job(id: $id, waitMs: 60000) { id run state flinkJobId waitingFor failureMessage programArguments } }`,
        { id: asked.id },
      );
      if (job.state !== 'RUNNING') throw new Error(`Did not start: ${JSON.stringify(job)}`);
      return job;
    }

    /** To its end. */
    async function stop(deploymentId: string, more: object): Promise<Data> {
      const { stopDeployment: asked } = await scene.stateward.ask(
        `mutation($input: StopDeploymentInput!) { stopDeployment(input: $input) { __typename ... on Stop { id } ... on UserError { code message } } }`,
        { input: { deploymentId, ...more } },
      );
      if (!asked.id) throw new Error(`Not stopped: ${JSON.stringify(asked)}`);
      const { stop: ended } = await scene.stateward.ask(
        `query($id: ID!) { stop(id: $id, waitMs: 60000) { state outcome failure { code message } savepoint { id state location drained } } }`,
        { id: asked.id },
      );
      return ended;
    }

    /** Whatever it has made. */
    const end = (deploymentId: string) => stop(deploymentId, { mode: 'WITHOUT_SAVEPOINT', acceptStateLoss: true });

    async function planned(deploymentId: string, start: object): Promise<Data> {
      const { restorePlan } = await scene.stateward.ask(
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

    it.concurrent(
      'goes on counting from the savepoint of its stop, each counter with the very next number',
      async () => {
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
      },
      180_000,
    );

    it.concurrent(
      'goes on from the checkpoint that a cancel left behind, and says why it is that one',
      async () => {
        const first = newFile();
        const deploymentId = await newDeployment('cancelled', first);
        await start(deploymentId, { strategy: 'NONE' });
        await counted(first, 10); // more than a second's worth, so that the newest checkpoint holds some of each
        await waitFor(
          () =>
            scene.stateward.services.database.row(
              `select 1 from job_checkpoints where deployment_id = $1 and last_completed_id is not null`,
              [deploymentId],
            ),
          { what: 'its first checkpoint to be recorded', timeoutMs: COUNTS_MS },
        );
        const cancelled = await stop(deploymentId, { mode: 'WITHOUT_SAVEPOINT' });
        expect(cancelled).toMatchObject({ state: 'COMPLETED', outcome: 'STOPPED', savepoint: null });
        const second = newFile();
        await start(deploymentId, { strategy: 'LATEST_STATE', programArguments: argumentsFor(second) });
        const row = await scene.stateward.services.database.row<{ why: string; location: string }>(
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
      },
      180_000,
    );

    it.concurrent(
      'serves a second deployment from the same savepoint while the first runs on',
      async () => {
        const first = newFile();
        const a = await newDeployment('a', first);
        await start(a, { strategy: 'NONE' });
        await counted(first);
        const savepoint = await endOfSavepoint(scene.stateward, (await createSavepoint(scene.stateward, a)).id);
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
        for (const id of [a, b]) await end(id);
      },
      180_000,
    );

    it.concurrent(
      'is over after a drain: its state must be named, and accepted as drained',
      async () => {
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
      },
      180_000,
    );

    it.concurrent(
      'comes back from a bad release in one call',
      async () => {
        const file = newFile();
        const deploymentId = await newDeployment('released', file);
        await start(deploymentId, { strategy: 'NONE' });
        await counted(file);
        const stopped = await stop(deploymentId, { mode: 'WITH_SAVEPOINT' });
        const start_ = { strategy: 'FROM_SAVEPOINT', savepointId: stopped.savepoint.id };
        // The new release has renamed the operator: Flink refuses, and says which.
        const bad = [...argumentsFor(file), '--counter-uid', 'renamed'];
        await scene.stateward.services.database.changed('update deployment set program_arguments = $2 where id = $1', [
          deploymentId,
          bad,
        ]);
        const { startDeployment: asked } = await scene.stateward.ask(
          `mutation($input: StartDeploymentInput!) { startDeployment(input: $input) { ... on Job { id } ... on UserError { code message } } }`,
          { input: { deploymentId, start: start_ } },
        );
        const { job } = await scene.stateward.ask(
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
      },
      180_000,
    );
  });
}
