import { existsSync, readdirSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { countersOn, EVERY } from './counters-on-real-flink.js';
import { deletionIn } from './deletion-scenario.js';
import type { Data } from './graphql-client.js';
import { mutate } from './mutate.js';
import type { RealScene } from './real-scene.js';
import { savepointIn } from './savepoint-scenario.js';
import { scheduled, slotDueFor, slotsOf } from './schedule-scenario.js';
import { waitFor } from './wait-for.js';

/** A schedule makes savepoints, a policy takes them away, and neither costs a job its state. */
export function describeSchedules(scene: RealScene): void {
  describe('schedules and retention', () => {
    const { newFile, argumentsFor, newDeployment, start, end, counted } = countersOn(scene);
    const folderOf = ({ location }: Data): string => location.replace(/^file:/, '');

    /** Lets a slot be due now, and answers its savepoint when that is complete. */
    async function fired(deploymentId: string): Promise<Data> {
      const slotAt = await slotDueFor(scene.stateward, deploymentId);
      const slot = await waitFor(
        async () => (await slotsOf(scene.stateward, deploymentId)).find((one) => one.slotAt === slotAt),
        { what: `the slot of ${slotAt} to be decided` },
      );
      expect(slot).toMatchObject({ outcome: 'FIRED', savepoint: { origin: 'SCHEDULED', slotAt } });
      const savepoint = await savepointIn(scene.stateward, slot.savepoint.id, 'COMPLETED', 60_000);
      expect(savepoint.format).toBe('NATIVE');
      expect(readdirSync(folderOf(savepoint))).toContain('_metadata');
      return savepoint;
    }

    /** From now on so many are kept; also while the deployment is stopped, so that nothing but what protects one keeps more. */
    async function keep(deploymentId: string, maxCount: number): Promise<void> {
      const policy = { maxCount, whileStopped: 'CLEAN' };
      expect(await mutate(scene.stateward, 'setRetentionPolicy', { deploymentId, policy })).toMatchObject({
        __typename: 'Deployment',
      });
    }

    /** Waits until a pass has been made that began after this call. */
    async function swept(deploymentId: string): Promise<void> {
      const { database } = scene.stateward.services;
      const asked = await database.row<{ at: Date }>(
        'update retention_policy set sweep_at = now() where deployment_id = $1 returning clock_timestamp() as at',
        [deploymentId],
      );
      await waitFor(
        () =>
          database.row('select 1 from retention_policy where deployment_id = $1 and swept_at > $2', [
            deploymentId,
            asked?.at,
          ]),
        { what: 'a cleaning pass' },
      );
    }

    async function goneByCount(savepoint: Data): Promise<void> {
      expect(await deletionIn(scene.stateward, savepoint.id, 'DELETED', 60_000)).toMatchObject({
        proof: 'EMPTY',
        deletion: { state: 'DONE', rule: 'MAX_COUNT', actor: 'retention', failure: null, note: null },
      });
      expect(existsSync(folderOf(savepoint))).toBe(false);
    }

    const stays = async (deploymentId: string): Promise<Data[]> =>
      (
        await scene.stateward.ask(
          `query($id: ID!) { previewRetention(deploymentId: $id) { ... on RetentionPreview {
             goes { savepoint { id } } stays { savepoint { id } why message expiresWhen } } } }`,
          { id: deploymentId },
        )
      ).previewRetention.stays;

    it.concurrent(
      'the oldest of three goes; what a run was started from stays until its first checkpoint, and the run does not need it then',
      async () => {
        const first = newFile();
        const deploymentId = await newDeployment('scheduled', first, {
          // Its incremental checkpoints would share files with a native savepoint, were it not for NO_CLAIM.
          parameters: { stateBackend: 'ROCKSDB', incrementalCheckpoints: true },
        });
        await start(deploymentId, { strategy: 'NONE' });
        await counted(first, 2);
        await scheduled(scene.stateward, deploymentId, { format: 'NATIVE' });
        await keep(deploymentId, 2);
        const oldest = await fired(deploymentId);
        const source = await fired(deploymentId);
        const newest = await fired(deploymentId);
        await goneByCount(oldest);
        for (const kept of [source, newest]) expect(readdirSync(folderOf(kept))).toContain('_metadata');

        await end(deploymentId);
        const [gate, second] = [newFile(), newFile()];
        await writeFile(gate, '');
        const { flinkJobId } = await start(deploymentId, {
          strategy: 'FROM_SAVEPOINT',
          savepointId: source.id,
          programArguments: [...argumentsFor(second), '--hold-snapshots-while', gate],
        });
        await keep(deploymentId, 1);
        await swept(deploymentId);
        expect(await stays(deploymentId)).toMatchObject([
          { savepoint: { id: newest.id }, why: 'NEWEST_GOOD' },
          {
            savepoint: { id: source.id },
            why: 'SOURCE_OF_LIVE_RUN',
            message: expect.stringContaining('until a checkpoint of that run is complete'),
            expiresWhen: 'when run 2 of deployment "scheduled" has completed a checkpoint or has ended',
          },
        ]);
        expect(readdirSync(folderOf(source))).toContain('_metadata');

        await rm(gate);
        await goneByCount(source);
        expect(readdirSync(folderOf(newest))).toContain('_metadata');
        await counted(second);
        const flink = scene.stateward.services.flinkClients.at(scene.real.flink.url);
        expect(await flink.jobStatus(flinkJobId)).toBe('RUNNING');

        await end(deploymentId);
        const third = newFile();
        await start(deploymentId, { strategy: 'LATEST_STATE', programArguments: argumentsFor(third) });
        const row = await scene.stateward.services.database.row(
          'select start_location as location, start_savepoint_id as savepoint from job where deployment_id = $1 and run = 3',
          [deploymentId],
        );
        expect(row).toEqual({ location: expect.stringMatching(/\/chk-\d+$/), savepoint: null });
        for (const [key, [lowest]] of await counted(third))
          expect([key, (lowest ?? 0) > 2 * EVERY]).toEqual([key, true]);
        await end(deploymentId);
      },
      180_000,
    );
  });
}
