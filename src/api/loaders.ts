import DataLoader from 'dataloader';
import type { Artifact } from '../artifact/artifact.entity.js';
import { findArtifacts } from '../artifact/find-artifact.js';
import type { Cluster } from '../cluster/cluster.entity.js';
import { findClusters, findStorages, type ReachedStorage, rootsOfStorages } from '../cluster/find-cluster.js';
import type { Storage } from '../cluster/storage.entity.js';
import type { Database } from '../db/database.js';
import type { Deployment } from '../deployment/deployment.entity.js';
import { findDeployments } from '../deployment/find-deployment.js';
import { findJobs } from '../job/find-job.js';
import type { Job } from '../job/job.entity.js';
import { findSavepoints } from '../savepoint/find-savepoint.js';
import type { Savepoint } from '../savepoint/savepoint.entity.js';

export interface Loaders {
  cluster: DataLoader<string, Cluster | null>;
  storage: DataLoader<string, Storage | null>;
  storageRoots: DataLoader<string, ReachedStorage[]>;
  artifact: DataLoader<string, Artifact | null>;
  deployment: DataLoader<string, Deployment | null>;
  job: DataLoader<string, Job | null>;
  savepoint: DataLoader<string, Savepoint | null>;
}

/** One set per operation: a list of fifty savepoints asks once for their deployments. */
export function createLoaders(database: Database): Loaders {
  const byId = <T extends { id: string }>(find: (sql: Database, ids: readonly string[]) => Promise<T[]>) =>
    new DataLoader<string, T | null>(async (ids) => {
      const found = new Map((await find(database, ids)).map((one) => [one.id, one]));
      return ids.map((id) => found.get(id.toLowerCase()) ?? null);
    });
  return {
    cluster: byId(findClusters),
    storage: byId(findStorages),
    artifact: byId(findArtifacts),
    deployment: byId(findDeployments),
    job: byId(findJobs),
    savepoint: byId(findSavepoints),
    storageRoots: new DataLoader(async (ids) => {
      const roots = await rootsOfStorages(database, ids);
      return ids.map((id) => roots.filter((root) => root.storageId === id));
    }),
  };
}
