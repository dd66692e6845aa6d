import { schemeOf } from '../flink/location.js';
import type { Cluster, ClusterWarning } from './cluster.entity.js';

/** A `file:` root is one folder per host: with TaskManagers on several, a savepoint is scattered unless the folder is shared (CL-5). */
export function warningsOf({
  savepointRoot,
  checkpointRoot,
  taskManagerHosts,
}: Pick<Cluster, 'savepointRoot' | 'checkpointRoot' | 'taskManagerHosts'>): ClusterWarning[] {
  if (taskManagerHosts.length < 2) return [];
  return [savepointRoot, checkpointRoot]
    .filter((root): root is string => root !== null && schemeOf(root) === 'file')
    .map((root) => ({
      code: 'STORAGE_MAY_BE_LOCAL',
      message: `${root} is a folder of each host, and TaskManagers run on ${taskManagerHosts.join(', ')}. Make sure that it is one shared folder on all of them, or a snapshot is scattered and cannot be restored.`,
    }));
}
