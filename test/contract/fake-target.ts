import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { FlinkVersion } from '../../demo/fake-flink/captured-replies.js';
import { jarOf } from '../support/jars.js';
import type { ContractTarget } from './contract-target.js';

/** A fake cluster, with a jar that holds as much of the test job as the fake looks at. */
export async function startFakeTarget(version: FlinkVersion): Promise<ContractTarget> {
  const outside = await mkdtemp(join(tmpdir(), 'stateward-contract-'));
  const jarFile = join(outside, 'StatefulCounter.jar');
  await writeFile(jarFile, jarOf('stateward.jobs.StatefulCounter', { 'stateward/jobs/StatefulCounter.class': '' }));
  const flink = await startFakeFlink({ version, configuration: { 'web.checkpoints.history': '100' } });
  return {
    version,
    url: flink.url,
    jarFile,
    newFolder: () => mkdtemp(join(flink.folder, 'case-')),
    prepareFor: ({ slowSnapshotMs = 0, parallelism = 2, fails = false, checkpointIntervalMs = null }) => {
      flink.knobs.checkpointIntervalMs = checkpointIntervalMs;
      flink.knobs.savepointDurationMs = slowSnapshotMs * parallelism;
      if (fails) flink.startsFailWith('exceptions-job-failed');
    },
    restartJobManager: () => flink.restart(),
    stop: async () => {
      await flink.stop();
      await rm(outside, { recursive: true, force: true });
    },
  };
}
