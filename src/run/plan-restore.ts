import type { Cluster } from '../cluster/cluster.entity.js';
import { storagesOfCluster, storagesOfClusterAt } from '../cluster/find-cluster.js';
import { placesOf } from '../cluster/storage-root.js';
import {
  CompatibilityCode,
  type CompatibilityFinding,
  type CompatibilityVerdict,
} from '../compatibility/compatibility.types.js';
import { judgeRecorded } from '../compatibility/judge-recorded.js';
import { planKeyOf } from '../compatibility/program-plan.js';
import { rememberedPlan } from '../compatibility/program-plan.store.js';
import { backendOf, isBackendSet } from '../compatibility/state-backend.js';
import { Severity } from '../compatibility/verdict.js';
import type { Sql } from '../db/database.js';
import type { Deployment } from '../deployment/deployment.entity.js';
import type { RunSettings } from '../deployment/run-settings.js';
import { joinLocation, normaliseLocation } from '../flink/location.js';
import { runsOf } from '../job/find-job.js';
import { goingRunAt } from '../job/going-checkpoints.js';
import type { Place } from '../savepoint/find-savepoint.js';
import type { SnapshotContents } from '../savepoint/snapshot-contents.js';
import { type ReadContents, readContents } from '../savepoint/snapshot-contents.store.js';
import { findRestorePoint } from './find-restore-point.js';
import { type Found, isGoing, type PointRefusal } from './named-point.js';
import type { RestorePoint } from './restore-choice.js';
import { databaseNow, type Maker, makerOf } from './restore.store.js';
import { type Finding, findingsOf } from './restore-verdict.js';
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
  /** Of the circumstances. */
  findings: Finding[];
  /** Whether the code takes the state. */
  verdict: CompatibilityVerdict;
  /** When its `_metadata` was read, which the verdict goes by; null: it was not. */
  readAt: Date | null;
  /** When a Flink told the operators of the program; null: none did. */
  plannedAt: Date | null;
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
  // By the job id in its path, under whichever storage it was named: whoever disposes of what that run has left locks the same row.
  if (await goingRunAt(sql, point.location, { lock })) return isGoing(`The checkpoint ${point.location}`);
  const { location, places } = await whereItLies(sql, point, cluster);
  if (location === null) return new StateNotReachable(point.location, cluster.name);
  const held = await readContents(sql, { savepointId: point.savepointId, places });
  const drained =
    point.drained || (held?.contents.source === 'METADATA' && held.contents.metadata.properties.drained === true);
  if (drained && !start.acceptDrained) return new StateIsDrained(location);

  const maker = point.jobId === null ? null : ((await makerOf(sql, point.jobId)) ?? null);
  const now = await databaseNow(sql);
  const ageMs = point.triggeredAt === null ? null : Math.max(0, now + (maker?.clockOffsetMs ?? 0) - point.triggeredAt);
  if (uncertain && !start.acceptKnownState) {
    const at = (ms: number | null) => (ms === null ? null : new Date(ms));
    return new LatestStateUncertain(location, ageMs, at(uncertain.unseenFrom), at(uncertain.unseenTo), uncertain.why);
  }
  const settings = start.code === CodeChoice.AS_TAKEN ? asTaken(maker, location, start, extra) : today;
  if (settings instanceof CodeNotKnown) return settings;

  const { allowNonRestoredState } = start;
  const program = { deployment, cluster, settings, allowNonRestoredState };
  const { verdict, plannedAt } = await judge(sql, { point, held, maker, drained }, program);
  const blockers = verdict.findings.filter(({ severity }) => severity === Severity.BLOCKER);
  const readAt = held?.contents.source === 'METADATA' ? held.readAt : null;
  if (blockers.length > 0 && !start.ignoreFindings)
    return new RestoreIncompatible(blockers, { location, readAt, plannedAt });
  const target = { deploymentId: deployment.id, artifactId: settings.artifactId, allowNonRestoredState };
  const findings = findingsOf({ ...point, drained }, target, { ...found, maker });
  return { found, maker, location, ageMs, settings, findings, verdict, readAt, plannedAt };
}

interface ChosenState {
  point: RestorePoint;
  held: ReadContents | null;
  maker: Maker | null;
  drained: boolean;
}
interface Program {
  deployment: Deployment;
  cluster: Cluster;
  settings: RunSettings;
  allowNonRestoredState: boolean;
}

/** Whether the program takes the state, by what is recorded of both. That nobody has looked at one of them yet stands in `notChecked`, and is no finding. */
async function judge(
  sql: Sql,
  { point, held, maker, drained }: ChosenState,
  { deployment, cluster, settings, allowNonRestoredState }: Program,
): Promise<{ verdict: CompatibilityVerdict; plannedAt: Date | null }> {
  const key = planKeyOf(settings, cluster);
  const plan = key && (await rememberedPlan(sql, key));
  const stateBackend = await expectedBackend(sql, deployment, cluster, settings);
  const verdict = judgeRecorded(
    { ...point, contents: held && withoutDamage(held.contents) },
    { plan, settings, cluster, stateBackend, allowNonRestoredState, madeWith: maker },
  );
  const toldElsewhere = [
    CompatibilityCode.NO_METADATA,
    CompatibilityCode.NO_PLAN,
    ...(drained ? [CompatibilityCode.DRAINED] : []),
  ];
  const findings = [...damageThen(held), ...verdict.findings.filter(({ code }) => !toldElsewhere.includes(code))];
  return { verdict: { ...verdict, findings }, plannedAt: plan?.plannedAt ?? null };
}

/** The files may have been brought back since: the start looks for them again, and the verdict leaves them open. */
function withoutDamage(contents: SnapshotContents): SnapshotContents {
  if (contents.source === 'REST' || contents.files.damaged === 0) return contents;
  const { damaged, notReached } = contents.files;
  return { ...contents, files: { ...contents.files, damaged: 0, notReached: notReached + damaged } };
}

function damageThen(held: ReadContents | null): CompatibilityFinding[] {
  if (held?.contents.source !== 'METADATA' || held.contents.files.damaged === 0) return [];
  const { damaged, files } = held.contents.files;
  return [
    {
      code: CompatibilityCode.FILES_DAMAGED,
      severity: Severity.WARNING,
      operator: null,
      stateBytes: 0,
      message: `When it was looked at (${held.readAt.toISOString()}), ${damaged} of its ${files} files were gone or had another size. The start looks for them once more, and fails before anything is submitted if that is still so.`,
      remedy: 'Bring the files back, or choose another state.',
    },
  ];
}

export interface Whereabouts {
  /** As the cluster reaches it; null: no storage that it reaches holds it. Outside all storages only the cluster that made it does, while it is the same one. */
  location: string | null;
  /** Where it is read; null: it lies in no storage that is known, or in one of several that may hold it. */
  place: Place | null;
  /** All that it may lie in: roots may lie in each other. */
  places: readonly Place[];
}

export async function whereItLies(sql: Sql, point: RestorePoint, cluster: Cluster): Promise<Whereabouts> {
  const reached = await storagesOfCluster(sql, cluster.id);
  const under = ({ storageId, path }: Place): string[] => {
    const storage = reached.find((one) => one.storageId === storageId);
    return storage ? [normaliseLocation(joinLocation(storage.uri, path))] : [];
  };
  if (point.storage) {
    const place = { storageId: point.storage.id, path: point.storage.path };
    return { location: under(place)[0] ?? null, place, places: [place] };
  }
  if (point.clusterId === null || point.locatedAt === null) return { location: null, place: null, places: [] };
  const { storages, replaced } = await storagesOfClusterAt(sql, point.clusterId, point.locatedAt);
  const { best, all } = placesOf(storages, point.location);
  const [place = null, another] = best;
  const outside = all.length === 0 && point.clusterId === cluster.id && !replaced;
  return {
    location: outside ? normaliseLocation(point.location) : (all.flatMap(under)[0] ?? null),
    place: another ? null : place,
    places: all,
  };
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
export async function expectedBackend(
  sql: Sql,
  deployment: Pick<Deployment, 'id'>,
  cluster: Pick<Cluster, 'configuration'>,
  settings: RunSettings,
): Promise<string | null> {
  const expected = backendOf(settings.flinkConfiguration, cluster.configuration);
  const last = (await runsOf(sql, deployment.id, 10)).find(({ stateBackend }) => stateBackend !== null);
  if (last && backendOf(last.flinkConfiguration, cluster.configuration) === expected) return last.stateBackend;
  return isBackendSet(settings.flinkConfiguration, cluster.configuration) ? expected : null;
}
