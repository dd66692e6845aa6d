import type { Cluster } from '../cluster/cluster.entity.js';
import { storagesOfCluster, storagesOfClusterAt } from '../cluster/find-cluster.js';
import { placesOf } from '../cluster/storage-root.js';
import { backendOf } from '../compatibility/state-backend.js';
import { type Mapping, type NotChecked, Severity } from '../compatibility/verdict.js';
import type { Sql } from '../db/database.js';
import type { Deployment } from '../deployment/deployment.entity.js';
import type { RunSettings } from '../deployment/run-settings.js';
import { joinLocation, normaliseLocation } from '../flink/location.js';
import { runsOf } from '../job/find-job.js';
import type { Place } from '../savepoint/find-savepoint.js';
import { findRestorePoint } from './find-restore-point.js';
import type { Found, PointRefusal } from './named-point.js';
import type { RestorePoint } from './restore-choice.js';
import { databaseNow, type Maker, makerOf } from './restore.store.js';
import { type Finding, findingsOf, verdictOf } from './restore-verdict.js';
import { CodeChoice, type StartInput } from './run.types.js';
import {
  CodeNotKnown,
  LatestStateUncertain,
  RestoreIncompatible,
  StateIsDrained,
  StateNotReachable,
} from './start-refusals.types.js';

/** What a start would do, or does. */
export interface Plan {
  found: Found;
  maker: Maker | null;
  /** As the deployment's cluster reaches it. */
  location: string;
  /** How far back in time it goes, on the clock of the JobManager that made it; null: its time is not known. */
  ageMs: number | null;
  settings: RunSettings;
  findings: Finding[];
  mapping: Mapping;
  notChecked: NotChecked[];
}

export type PlanRefusal =
  PointRefusal | StateNotReachable | StateIsDrained | LatestStateUncertain | RestoreIncompatible | CodeNotKnown;

/**
 * Chooses the state of a start with a strategy other than NONE, and says what speaks against it (SR-2 to SR-6, SR-9). Touches no
 * cluster: everything is read from what is recorded. `today`: the settings of the deployment with those
 * of this start, of which `extra` are those of Flink.
 */
export async function planRestore(
  sql: Sql,
  start: StartInput,
  deployment: Deployment,
  cluster: Cluster,
  { today, extra }: { today: RunSettings; extra: Record<string, string> },
  { lock }: { lock: boolean },
): Promise<Plan | PlanRefusal> {
  const found = await findRestorePoint(sql, start, deployment, cluster, lock);
  if (!('point' in found)) return found;
  const { point, uncertain } = found;
  const location = await reachedFrom(sql, point, cluster);
  if (location === null) return new StateNotReachable(point.location, cluster.name);
  if (point.drained && !start.acceptDrained) return new StateIsDrained(location);

  const maker = point.jobId === null ? null : ((await makerOf(sql, point.jobId)) ?? null);
  const now = await databaseNow(sql);
  const ageMs = point.triggeredAt === null ? null : Math.max(0, now + (maker?.clockOffsetMs ?? 0) - point.triggeredAt);
  if (uncertain && !start.acceptKnownState) {
    const at = (ms: number | null) => (ms === null ? null : new Date(ms));
    return new LatestStateUncertain(location, ageMs, at(uncertain.unseenFrom), at(uncertain.unseenTo), uncertain.why);
  }
  const settings = start.code === CodeChoice.AS_TAKEN ? asTaken(maker, location, start, extra) : today;
  if (settings instanceof CodeNotKnown) return settings;

  const target = {
    deploymentId: deployment.id,
    artifactId: settings.artifactId,
    flinkVersion: cluster.flinkVersion,
    stateBackend: await expectedBackend(sql, deployment, cluster, settings),
    allowNonRestoredState: start.allowNonRestoredState,
  };
  const findings = findingsOf(point, target, { ...found, maker });
  const blockers = findings.filter(({ severity }) => severity === Severity.BLOCKER);
  if (blockers.length > 0 && !start.ignoreFindings)
    return new RestoreIncompatible(blockers.map(({ message }) => message));
  const sameArtifact = maker !== null && maker.artifactId !== null && maker.artifactId === settings.artifactId;
  return { found, maker, location, ageMs, settings, findings, ...verdictOf(findings, sameArtifact) };
}

/** null: no storage that the cluster reaches holds it. Outside all storages only the cluster that made it does, while it is the same one. */
async function reachedFrom(sql: Sql, point: RestorePoint, cluster: Cluster): Promise<string | null> {
  const reached = await storagesOfCluster(sql, cluster.id);
  const under = ({ storageId, path }: Place): string[] => {
    const storage = reached.find((one) => one.storageId === storageId);
    return storage ? [normaliseLocation(joinLocation(storage.uri, path))] : [];
  };
  if (point.storage) return under({ storageId: point.storage.id, path: point.storage.path })[0] ?? null;
  if (point.clusterId === null || point.locatedAt === null) return null;
  const { storages, replaced } = await storagesOfClusterAt(sql, point.clusterId, point.locatedAt);
  const { all } = placesOf(storages, point.location);
  if (all.length === 0) return point.clusterId === cluster.id && !replaced ? normaliseLocation(point.location) : null;
  return all.flatMap(under)[0] ?? null;
}

/** Artifact, arguments and settings of the run that made the state; what this start says itself goes before (SR-4). */
function asTaken(
  maker: Maker | null,
  location: string,
  start: StartInput,
  extra: Record<string, string>,
): RunSettings | CodeNotKnown {
  if (!maker) return new CodeNotKnown(location, 'no run of Stateward made it');
  if (maker.origin === 'ADOPTED' || maker.artifactId === null)
    return new CodeNotKnown(
      location,
      `run ${maker.run} of ${maker.deploymentName} was adopted, and its jar is not here`,
    );
  return {
    artifactId: maker.artifactId,
    entryClass: maker.entryClass,
    programArguments: start.programArguments ?? maker.programArguments,
    parallelism: start.parallelism ?? maker.parallelism,
    flinkConfiguration: { ...maker.flinkConfiguration, ...extra },
  };
}

/** What the last run used, where its settings say the same; a program may set it by itself, and then the settings do not tell. */
async function expectedBackend(
  sql: Sql,
  deployment: Deployment,
  cluster: Cluster,
  settings: RunSettings,
): Promise<string | null> {
  const expected = backendOf(settings.flinkConfiguration, cluster.configuration);
  const last = (await runsOf(sql, deployment.id, 10)).find(({ stateBackend }) => stateBackend !== null);
  if (!last || backendOf(last.flinkConfiguration, cluster.configuration) !== expected) return expected;
  return last.stateBackend;
}
