import { describe, expect, it } from '@jest/globals';
import { operatorIdOf } from '../../src/flink/operator-id.js';
import { checked } from '../support/check-scenario.js';
import { COUNTS_MS, countersOn } from '../support/counters-on-real-flink.js';
import { whyNoRealFlink } from '../support/real-flink.js';
import { sceneOnRealFlink } from '../support/real-scene.js';
import { createSavepoint, endOfSavepoint } from '../support/scenario.js';

const reason = await whyNoRealFlink();

describe('on a real Flink 2.3.0', () => {
  if (reason !== null) {
    it.skip(`a check judges a running job and its savepoint (skipped: ${reason})`, () => undefined);
    return;
  }
  const scene = sceneOnRealFlink({ slots: 4 });
  const { newFile, argumentsFor, newDeployment, start, counted, counts } = countersOn(scene);

  it(
    'the same jar takes its savepoint, one whose counter has another uid does not, and the job goes on meanwhile',
    async () => {
      const { stateward } = scene;
      const file = newFile();
      const deploymentId = await newDeployment('counter', file);
      const job = await start(deploymentId, { strategy: 'NONE' });
      const before = await counted(file);
      const { id } = await createSavepoint(stateward, deploymentId);
      expect(await endOfSavepoint(stateward, id)).toMatchObject({ state: 'COMPLETED', data: 'PRESENT' });

      const same = await checked(stateward, { deploymentId });
      expect(same.failure).toBeNull();
      expect(same).toMatchObject({ state: 'COMPLETED', snapshot: { savepoint: { id } } });
      expect(same.verdict).toMatchObject({ mapping: 'FULLY_COMPATIBLE', notChecked: [], planSource: 'ASKED' });
      expect(same.verdict.kept.map(({ operator }: { operator: { uid: string } }) => operator.uid)).toEqual(
        expect.arrayContaining(['source', 'counter']),
      );

      const other = await checked(stateward, {
        deploymentId,
        programArguments: [...argumentsFor(file), '--counter-uid', 'renamed'],
      });
      expect(other.verdict).toMatchObject({ mapping: 'INCOMPATIBLE', notChecked: ['MAX_PARALLELISM', 'STATE_TYPES'] });
      expect(other.verdict.findings[0]).toMatchObject({
        code: 'STATE_WITHOUT_OPERATOR',
        operator: { id: operatorIdOf('counter'), uid: 'counter' },
      });

      const wrong = await checked(stateward, { deploymentId, programArguments: ['--main-throws'] });
      expect(wrong.failure).toMatchObject({
        code: 'PROGRAM_FAILED',
        rootCause: expect.stringContaining('Told to fail in main'),
      });

      const client = stateward.services.flinkClients.at(scene.real.flink.url);
      expect(await client.jobStatus(job.flinkJobId)).toBe('RUNNING');
      expect((await client.jobs()).map(({ jobId }) => jobId)).toEqual([job.flinkJobId]);
      expect(await client.uploadedJars()).toEqual([]);
      const [key = '', numbers = []] = [...before][0] ?? [];
      await counted(file, numbers.length + 1);
      expect((await counts(file)).get(key)?.length).toBeGreaterThan(numbers.length);
    },
    COUNTS_MS + 120_000,
  );
});
