import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import type { FlinkVersion } from '../../demo/fake-flink/captured-replies.js';
import { startRealFlink } from '../support/real-flink.js';
import { DEFAULT_CLUSTER, type ContractCluster, type ContractTarget } from './contract-target.js';

/** Statistics and job details are cached for so long: 3 s unless set, which would make every case wait. */
const CACHE_MS = '100';

/** A real cluster; one serves all cases of its version and set-up. */
export async function startRealTarget(
  version: FlinkVersion,
  cluster: ContractCluster = DEFAULT_CLUSTER,
): Promise<ContractTarget> {
  const real = await startRealFlink({
    version,
    slots: 16,
    scheduler: cluster.scheduler,
    configuration: {
      'web.refresh-interval': CACHE_MS,
      'web.checkpoints.history': String(cluster.historySize),
      ...(!cluster.hasCheckpointDirectory && { 'execution.checkpointing.dir': null }),
      'restart-strategy.type': 'none',
      // Off: a checkpoint of its own in between would change what a case sees.
      'execution.checkpointing.interval': null,
    },
  });
  return {
    version,
    cluster,
    url: real.flink.url,
    jarFile: real.jars.StatefulCounter ?? '',
    newFolder: () => mkdtemp(join(real.folder, 'case-')),
    prepareFor: () => undefined,
    restartJobManager: async () => {
      await real.flink.killJobManager();
      await real.flink.startJobManager();
      await real.flink.waitForSlots();
    },
    stop: () => real.stop(),
  };
}
