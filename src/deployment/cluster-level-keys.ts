import { valueIn } from './configuration-keys.js';

/**
 * Settings that a JobManager or TaskManager process reads when it starts. In the settings of a job that is submitted to a running
 * cluster they do nothing, and Flink says nothing of it (read in the sources of 1.20.5 and 2.3.0; num-retained and savepoint-dir also
 * tried on running clusters).
 */
const families = [
  'akka',
  'blob',
  'cluster',
  'completed-application-store',
  'env',
  'events',
  'execution.checkpointing.local-backup.dirs',
  'external-resources',
  'external-resource',
  'fine-grained',
  'fs',
  'gs',
  'heartbeat',
  'high-availability',
  'historyserver',
  'io.tmp.dirs',
  'job-event',
  'job-result-store',
  'jmx',
  'jobmanager',
  'jobstore',
  'kubernetes',
  'metrics',
  'oss',
  'pekko',
  'plugin',
  'process',
  'queryable-state',
  'resourcemanager',
  'rest',
  's3',
  's3a',
  'security',
  'slot',
  'slotmanager',
  'slow-task-detector',
  'state.changelog.dstl',
  'taskmanager',
  'traces',
  'web',
  'yarn',
  'zookeeper',
] as const;

const singles = new Set([
  'execution.checkpointing.num-retained',
  'execution.checkpointing.savepoint-dir',
  'execution.checkpointing.cleaner.parallel-mode',
  'state.backend.forst.memory.fixed-per-tm',
  'state.backend.rocksdb.memory.fixed-per-tm',
  'state.changelog.storage',
]);

/** Read by the processes too, but a job may state what its cluster does: see {@link statedOfCluster}. */
const statable: Readonly<Record<string, (cluster: Readonly<Record<string, string>>) => string>> = {
  'execution.state-recovery.from-local': (cluster) => fromLocal(cluster),
  'execution.checkpointing.local-backup.enabled': (cluster) =>
    valueIn(cluster, 'execution.checkpointing.local-backup.enabled') ?? fromLocal(cluster),
};
const fromLocal = (cluster: Readonly<Record<string, string>>) =>
  valueIn(cluster, 'execution.state-recovery.from-local') ?? 'false';

/** Whether a setting, by today's name, is none of a job's. `flinkVersion` null: not known yet. */
export function isClusterLevel(key: string, flinkVersion: string | null): boolean {
  if (singles.has(key)) return true;
  // 2.3.0 reads it from the job, 1.20.5 from the cluster.
  if (key === 'execution.checkpointing.data-inline-threshold') return majorOf(flinkVersion) === 1;
  return families.some((family) => key === family || key.startsWith(`${family}.`));
}

/**
 * What the cluster does about local recovery, which its TaskManagers read when they start: true or false for its two settings, undefined
 * for any other. A job may say the same, and nothing else.
 */
export function statedOfCluster(key: string, cluster: Readonly<Record<string, string>>): string | undefined {
  return Object.hasOwn(statable, key) ? statable[key]?.(cluster).toLowerCase() : undefined;
}

/** 1 or 2; null when the version is not known. */
export function majorOf(flinkVersion: string | null): number | null {
  const major = /^(\d+)\./.exec(flinkVersion ?? '')?.[1];
  return major === undefined ? null : Number(major);
}
