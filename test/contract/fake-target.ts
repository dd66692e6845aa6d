import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { FlinkVersion } from '../../demo/fake-flink/captured-replies.js';
import { jarOf } from '../support/jars.js';
import { DEFAULT_CLUSTER, type ContractCluster, type ContractTarget } from './contract-target.js';

/** A job with a longer interval takes no checkpoint of its own that a case would look at. */
const NO_INTERVAL_MS = 60_000;

/** A fake cluster, with a jar that holds as much of the test job as the fake looks at. */
export async function startFakeTarget(
  version: FlinkVersion,
  cluster: ContractCluster = DEFAULT_CLUSTER,
): Promise<ContractTarget> {
  const outside = await mkdtemp(join(tmpdir(), 'stateward-contract-'));
  const jarFile = join(outside, 'StatefulCounter.jar');
  await writeFile(jarFile, jarOf('stateward.jobs.StatefulCounter', { 'stateward/jobs/StatefulCounter.class': '' }));
  const flink = await startFakeFlink({
    version,
    scheduler: cluster.scheduler,
    slots: 16,
    ...(!cluster.hasCheckpointDirectory && { checkpointRoot: null }),
    configuration: {
      'web.checkpoints.history': String(cluster.historySize),
      'execution.checkpointing.num-retained': '3',
      'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
    },
  });
  flink.knobs.checkpointIntervalMs = null;
  return {
    version,
    cluster,
    url: flink.url,
    jarFile,
    newFolder: () => mkdtemp(join(flink.folder, 'case-')),
    prepareFor: ({
      slowSnapshotMs = 0,
      parallelism = 2,
      fails = false,
      failsOnClose = false,
      restartsLate = false,
      checkpointIntervalMs = Infinity,
    }) => {
      flink.knobs.takesCheckpoints = checkpointIntervalMs < NO_INTERVAL_MS;
      flink.knobs.savepointDurationMs = slowSnapshotMs * parallelism;
      if (restartsLate) flink.knobs.restartDurationMs = Infinity;
      if (fails) flink.startsFailWith('exceptions-job-failed', { restarts: restartsLate });
      if (failsOnClose) flink.savepointsFailWith('stop-poll-stopping-failed');
    },
    restartJobManager: () => flink.restart(),
    stop: async () => {
      await flink.stop();
      await rm(outside, { recursive: true, force: true });
    },
  };
}
