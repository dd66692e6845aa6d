import type { FlinkApi } from '../flink/flink.types.js';
import type { ContentsOfRest } from './snapshot-contents.js';

/** What Flink tells of the job that made a snapshot, and of the snapshot by its checkpoint id; null: it does not know the job any more. */
export async function contentsByStatistics(
  flink: Pick<FlinkApi, 'job' | 'stateBytesByVertex'>,
  flinkJobId: string,
  checkpointId: number,
): Promise<ContentsOfRest | null> {
  const job = await flink.job(flinkJobId);
  if (!job || job.vertices.length === 0) return null;
  const stateBytes = await flink.stateBytesByVertex(flinkJobId, checkpointId);
  return {
    source: 'REST',
    vertices: job.vertices.map(({ id, name, parallelism, maxParallelism }) => ({
      id,
      name,
      parallelism,
      maxParallelism: maxParallelism > 0 ? maxParallelism : null,
      stateBytes: stateBytes?.get(id) ?? null,
    })),
  };
}
