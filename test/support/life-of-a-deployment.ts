import { describe, expect, it } from '@jest/globals';
import { COUNTS_MS, countersOn, EVERY } from './counters-on-real-flink.js';
import type { Data } from './graphql-client.js';
import type { RealScene } from './real-scene.js';
import { createSavepoint, endOfSavepoint } from './scenario.js';
import { waitFor } from './wait-for.js';

/** A deployment's whole life: stopped and started from every kind of state, and its counters tell. */
export function describeLife(scene: RealScene): void {
  describe('the life of a deployment', () => {
    const { newFile, argumentsFor, newDeployment, start, stop, end, counts, counted } = countersOn(scene);

    async function planned(deploymentId: string, start: object): Promise<Data> {
      const { restorePlan } = await scene.stateward.ask(
        `query($id: ID!, $start: StartInput!) { restorePlan(deploymentId: $id, start: $start) { __typename
           ... on RestorePlan { state { kind location why } findings { code } } ... on UserError { code message } } }`,
        { id: deploymentId, start },
      );
      return restorePlan;
    }

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
