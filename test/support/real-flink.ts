import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assembleFlink } from '../../demo/local-flink/assemble.js';
import { compileFlinkJobs, type FlinkJobs } from '../../demo/local-flink/flink-jobs.js';
import { findJavaTools } from '../../demo/local-flink/java-tools.js';
import { startLocalFlink, type LocalFlink, type LocalFlinkOptions } from '../../demo/local-flink/local-flink.js';

/** For the time limit of a beforeAll: gathering the jars over a slow network included. */
export const REAL_FLINK_START_MS = 240_000;

export interface RealFlink {
  flink: LocalFlink;
  /** By the name of the job: `StatefulCounter`. */
  jars: FlinkJobs;
  /** Has conf, logs, checkpoints and savepoints, and is there for files of the test. */
  folder: string;
  /** Stops the cluster and removes its folder. */
  stop(): Promise<void>;
}

export type RealFlinkOptions = Partial<Pick<LocalFlinkOptions, 'version' | 'configuration' | 'slots' | 'scheduler'>>;

/** null when a real Flink can be started here; else the reason, for the name of a skipped test. */
export async function whyNoRealFlink(): Promise<string | null> {
  const tools = await findJavaTools();
  return 'missing' in tools ? `${tools.missing.join(', ')} not found` : null;
}

/** A cluster in a temporary folder. `reason` when Java or Maven is absent; a cluster that does not start is an error. */
export async function realFlink(options: RealFlinkOptions = {}): Promise<RealFlink | { reason: string }> {
  const reason = await whyNoRealFlink();
  if (reason !== null) return { reason };
  return startRealFlink(options);
}

/** For tests that already know that {@link whyNoRealFlink} has no reason. */
export async function startRealFlink(options: RealFlinkOptions = {}): Promise<RealFlink> {
  const { version = '2.3.0' } = options;
  const jars = await compileFlinkJobs(await assembleFlink(version));
  const folder = await mkdtemp(join(tmpdir(), 'stateward-flink-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const flink = await startLocalFlink({ ...options, version, folder });
    const stop = async () => {
      await flink.stop();
      await remove();
    };
    return { flink, jars, folder, stop };
  } catch (error) {
    await remove();
    throw error;
  }
}
