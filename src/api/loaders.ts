import DataLoader from 'dataloader';
import type { Artifact } from '../artifact/artifact.entity.js';
import { findArtifacts } from '../artifact/find-artifact.js';
import type { Checkpoint } from '../checkpoint/checkpoint.types.js';
import type { StateOverview } from '../checkpoint/overview.types.js';
import { type CheckpointKey, readCheckpoints } from '../checkpoint/read-checkpoint.js';
import { readOverviews } from '../checkpoint/read-overview.js';
import type { Cluster } from '../cluster/cluster.entity.js';
import { findClusters, findStorages, type ReachedStorage, rootsOfStorages } from '../cluster/find-cluster.js';
import { findSameText } from '../cluster/same-text.js';
import type { Storage } from '../cluster/storage.entity.js';
import { findUidReports } from '../compatibility/find-uid-reports.js';
import type { UidReport } from '../compatibility/uid-report.types.js';
import type { Database } from '../db/database.js';
import type { Deletion } from '../deletion/deletion.entity.js';
import { findDeletions, findPlaceProblems } from '../deletion/find-deletion.js';
import { findProtections } from '../deletion/find-protections.js';
import type { Protection, Whose } from '../deletion/protection.js';
import type { Deployment } from '../deployment/deployment.entity.js';
import { findDeployments } from '../deployment/find-deployment.js';
import { findJobs } from '../job/find-job.js';
import type { Job } from '../job/job.entity.js';
import { findLeftBehind } from '../left-behind/find-left-behind.js';
import type { LeftBehindDisposal } from '../left-behind/left-behind.entity.js';
import { keptSavepoints } from '../retention/kept-savepoints.js';
import type { KeptSavepoint } from '../retention/retention.types.js';
import { findCurrentStops } from '../run/find-stop.js';
import type { Stop } from '../run/stop.entity.js';
import { findSavepoints } from '../savepoint/find-savepoint.js';
import type { Savepoint } from '../savepoint/savepoint.entity.js';
import { contentsOfSavepoints, type ReadContents } from '../savepoint/snapshot-contents.store.js';
import { findSchedules, findSchedulesOf } from '../schedule/find-schedule.js';
import type { SavepointSchedule } from '../schedule/schedule.entity.js';

export interface Loaders {
  cluster: DataLoader<string, Cluster | null>;
  storage: DataLoader<string, Storage | null>;
  storageRoots: DataLoader<string, ReachedStorage[]>;
  /** Storages with a root of equal text. */
  sameText: DataLoader<string, Storage[]>;
  artifact: DataLoader<string, Artifact | null>;
  deployment: DataLoader<string, Deployment | null>;
  job: DataLoader<string, Job | null>;
  savepoint: DataLoader<string, Savepoint | null>;
  /** By savepoint: what it holds. */
  contents: DataLoader<string, ReadContents | null>;
  schedule: DataLoader<string, SavepointSchedule | null>;
  /** Those in force, by deployment. */
  scheduleOf: DataLoader<string, SavepointSchedule | null>;
  /** By deployment. */
  currentStop: DataLoader<string, Stop | null>;
  checkpoint: DataLoader<CheckpointKey, Checkpoint | null, string>;
  /** By deployment. */
  overview: DataLoader<string, StateOverview | null>;
  /** By deployment. */
  uidReport: DataLoader<string, UidReport>;
  /** By savepoint. */
  deletion: DataLoader<string, Deletion | null>;
  /** By run. */
  leftBehindDisposal: DataLoader<string, LeftBehindDisposal | null>;
  /** By savepoint: why nothing is deleted where it lies; null: it may be. */
  placeProblem: DataLoader<string, string | null>;
  /** By deployment, or by a savepoint that is listed with none: what protects each savepoint. */
  protections: DataLoader<Whose, Map<string, Protection[]>, string>;
  /** By deployment: what its retention policy says of each completed savepoint. */
  kept: DataLoader<string, Map<string, KeptSavepoint>>;
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
    contents: new DataLoader(async (ids) => {
      const found = await contentsOfSavepoints(database, ids);
      return ids.map((id) => found.get(id) ?? null);
    }),
    schedule: byId(findSchedules),
    scheduleOf: new DataLoader(async (ids) => {
      const found = new Map((await findSchedulesOf(database, ids)).map((one) => [one.deploymentId, one]));
      return ids.map((id) => found.get(id) ?? null);
    }),
    currentStop: new DataLoader(async (ids) => {
      const found = new Map((await findCurrentStops(database, ids)).map((stop) => [stop.deploymentId, stop]));
      return ids.map((id) => found.get(id) ?? null);
    }),
    checkpoint: new DataLoader((keys) => readCheckpoints(database, keys), {
      cacheKeyFn: ({ jobId, flinkCheckpointId }) => `${jobId}:${flinkCheckpointId}`,
    }),
    overview: new DataLoader(async (ids) => {
      const found = await readOverviews(database, ids);
      return ids.map((id) => found.get(id) ?? null);
    }),
    uidReport: new DataLoader(async (ids) => {
      const found = await findUidReports(database, ids);
      return ids.map((id) => found.get(id) ?? new Error(`No report of the uids of deployment ${id}.`));
    }),
    deletion: byId(findDeletions),
    leftBehindDisposal: byId(findLeftBehind),
    placeProblem: new DataLoader(async (ids) => {
      const found = await findPlaceProblems(database, ids);
      return ids.map((id) => found.get(id) ?? null);
    }),
    protections: new DataLoader((all) => Promise.all(all.map((whose) => findProtections(database, whose))), {
      cacheKeyFn: (whose) => JSON.stringify(whose),
    }),
    kept: new DataLoader((ids) => Promise.all(ids.map((id) => keptSavepoints(database, id)))),
    sameText: new DataLoader(async (ids) => {
      const found = await findSameText(database, ids);
      return ids.map((id) => found.get(id) ?? []);
    }),
    storageRoots: new DataLoader(async (ids) => {
      const roots = await rootsOfStorages(database, ids);
      return ids.map((id) => roots.filter((root) => root.storageId === id));
    }),
  };
}

/** What a subscription delivers next is read anew: its operation may go on for days. */
export function forgetLoaded(loaders: Loaders): void {
  for (const loader of Object.values<Pick<DataLoader<unknown, unknown>, 'clearAll'>>({ ...loaders })) loader.clearAll();
}
