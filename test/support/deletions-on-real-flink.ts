import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { askToDelete, completedSavepoint, deletionIn, hideStorageOf } from './deletion-scenario.js';
import type { RealScene } from './real-scene.js';
import { createDeployment, registerCluster, startDeployment } from './scenario.js';
import { acceptedStop, stopOf } from './stop-scenario.js';
import { startStateward, type Stateward } from './stateward.js';

/** Savepoints that Flink has written are deleted by Flink, and are gone from the disk. */
export function describeDeletions(scene: RealScene): void {
  describe('deletions', () => {
    const folderOf = (location: string) => location.replace(/^file:/, '');

    /** A running counter with two savepoints, of which the older one may go. */
    async function twoSavepoints(stateward: Stateward, clusterId: string, artifactId: string, name: string) {
      const deploymentId = await createDeployment(stateward, clusterId, artifactId, name, {
        programArguments: ['--checkpoint-interval-ms', '3600000'],
        parallelism: 2,
      });
      await startDeployment(stateward, deploymentId);
      const old = await completedSavepoint(stateward, deploymentId);
      return { deploymentId, old, newest: await completedSavepoint(stateward, deploymentId) };
    }
    async function end(stateward: Stateward, deploymentId: string): Promise<void> {
      const stop = await acceptedStop(stateward, deploymentId, { mode: 'WITHOUT_SAVEPOINT', acceptStateLoss: true });
      await stopOf(stateward, stop.id, 60_000);
    }

    it.concurrent(
      'a savepoint is gone from the disk, its own folder alone, and that is the proof',
      async () => {
        const { stateward, clusterId, artifactId } = scene;
        const { deploymentId, old, newest } = await twoSavepoints(stateward, clusterId, artifactId, 'deleted');
        expect(readdirSync(folderOf(old.location))).toContain('_metadata');
        expect(await askToDelete(stateward, newest.id)).toMatchObject({ code: 'SAVEPOINT_PROTECTED' });
        expect(await askToDelete(stateward, old.id)).toMatchObject({ state: 'DELETING' });
        expect(await deletionIn(stateward, old.id, 'DELETED', 60_000)).toMatchObject({
          proof: 'EMPTY',
          deletion: { state: 'DONE', failure: null, note: null },
        });
        expect(existsSync(folderOf(old.location))).toBe(false);
        expect(readdirSync(dirname(folderOf(old.location)))).toEqual([]);
        expect(readdirSync(folderOf(newest.location))).toContain('_metadata');
        await end(stateward, deploymentId);
      },
      120_000,
    );

    it.concurrent(
      'a savepoint in a storage that cannot be looked into is gone by the word of Flink',
      async () => {
        const stateward = await startStateward(); // its own: whether a storage can be read counts for all that lies in it
        try {
          const clusterId = await registerCluster(stateward, scene.real.flink.url);
          const { body } = await stateward.upload('counter.jar', await readFile(scene.real.jars.StatefulCounter ?? ''));
          const { deploymentId, old } = await twoSavepoints(stateward, clusterId, body.artifact?.id ?? '', 'unseen');
          await hideStorageOf(stateward, old.id);
          await askToDelete(stateward, old.id);
          expect(await deletionIn(stateward, old.id, 'DELETED', 60_000)).toMatchObject({
            proof: 'FLINK_CONFIRMED',
            deletion: { failure: null },
          });
          expect(existsSync(folderOf(old.location))).toBe(false);
          await end(stateward, deploymentId);
        } finally {
          await stateward.stop();
        }
      },
      120_000,
    );
  });
}
