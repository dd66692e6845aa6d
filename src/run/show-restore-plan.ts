import { checkId } from '../api/id-arg.js';
import { NotFound } from '../api/user-error.js';
import { findCluster } from '../cluster/find-cluster.js';
import { Severity } from '../compatibility/verdict.js';
import type { Database } from '../db/database.js';
import type { Deployment } from '../deployment/deployment.entity.js';
import { findDeployment } from '../deployment/find-deployment.js';
import type { RunSettings } from '../deployment/run-settings.js';
import { shownValue } from '../deployment/secrets.js';
import { defaultConfiguration } from '../deployment/flink-configuration.js';
import type { EventWakeups } from '../event/event-wakeups.js';
import { StartStrategy } from '../job/start-strategy.js';
import { awaitEndRead, needsEnd } from './await-end-read.js';
import { type Plan, planRestore } from './plan-restore.js';
import {
  PlannedState,
  type RestoreFinding,
  RestorePlan,
  type RestorePlanResult,
  type SettingDifference,
} from './restore-plan.types.js';
import { chooseLatestState } from './restore-choice.js';
import { type Finding, findingsOfNone } from './restore-verdict.js';
import { runsWithPoints } from './restore.store.js';
import { DeploymentNotStopped, isStopped } from '../deployment/deployment-not-stopped.js';
import type { StartInput } from './run.types.js';
import { ArtifactNeeded } from './start-refusals.types.js';
import { checkStart, settingsOf } from './start-settings.js';

/** What a start would do, by what is recorded. Touches no cluster, and locks nothing. */
export async function showRestorePlan(
  { database, wakeups }: { database: Database; wakeups: EventWakeups },
  deploymentId: string,
  start: StartInput,
): Promise<RestorePlanResult> {
  checkId('deploymentId', deploymentId);
  const problem = checkStart(start);
  if (problem) return problem;
  if (needsEnd(start)) await awaitEndRead({ database, wakeups }, deploymentId);
  const deployment = await findDeployment(database, deploymentId);
  if (!deployment) return new NotFound('deploymentId', 'deployment', deploymentId);
  if (!isStopped(deployment)) return new DeploymentNotStopped(deployment);
  if (deployment.artifactId === null) return new ArtifactNeeded(deployment.name);
  const cluster = await findCluster(database, deployment.clusterId);
  if (!cluster) throw new Error(`Cluster ${deployment.clusterId} has vanished`);
  const settings = settingsOf(deployment, start, cluster);
  if ('code' in settings) return settings;
  if (start.strategy === StartStrategy.NONE) {
    const left = chooseLatestState(await runsWithPoints(database, deployment.id));
    return planOf(deployment, null, settings.today, {
      findings: findingsOfNone(left).map(plain),
      asOf: cluster.observedAt,
    });
  }
  const plan = await planRestore(database, start, deployment, cluster, settings, { lock: false });
  if (!('findings' in plan)) return plan;
  return planOf(deployment, plan, plan.settings, { findings: allOf(plan), asOf: cluster.observedAt });
}

const weights = { [Severity.BLOCKER]: 0, [Severity.WARNING]: 1, [Severity.INFO]: 2 };

const allOf = ({ findings, verdict }: Plan): RestoreFinding[] => [...findings.map(plain), ...verdict.findings];

const plain = (finding: Finding): RestoreFinding => ({ ...finding, operator: null, stateBytes: null, remedy: null });

function planOf(
  deployment: Deployment,
  plan: Plan | null,
  settings: RunSettings,
  { findings, asOf }: { findings: readonly RestoreFinding[]; asOf: Date | null },
): RestorePlan {
  return Object.assign(new RestorePlan(), {
    state: plan && stateOf(plan),
    findings: [...findings].sort((a, b) => weights[a.severity] - weights[b.severity]),
    mapping: plan?.verdict.mapping ?? 'UNKNOWN',
    notChecked: plan?.verdict.notChecked ?? [],
    kept: plan?.verdict.kept ?? [],
    stateBytes: plan?.verdict.stateBytes ?? null,
    metadataReadAt: plan?.readAt ?? null,
    plannedAt: plan?.plannedAt ?? null,
    diff: differences(deployment, settings),
    asOf,
  });
}

function stateOf({ found, location, ageMs }: Plan): PlannedState {
  const { point, why } = found;
  return Object.assign(new PlannedState(), {
    kind: point.kind,
    location,
    takenAt: point.triggeredAt === null ? null : new Date(point.triggeredAt),
    ageMs: ageMs === null ? null : Math.round(ageMs),
    sizeBytes: point.bytes,
    why,
    savepointId: point.savepointId,
    jobId: point.jobId,
  });
}

function differences(deployment: Deployment, settings: RunSettings): SettingDifference[] {
  const differ = (setting: string, today: string | null, run: string | null) =>
    today === run ? [] : [{ setting, today: shown(setting, today), run: shown(setting, run) }];
  const shown = (setting: string, value: string | null) => value && shownValue(setting, value);
  const text = (value: number | null) => (value === null ? null : String(value));
  const configuration: Record<string, string> = { ...defaultConfiguration, ...deployment.flinkConfiguration };
  const keys = new Set([...Object.keys(configuration), ...Object.keys(settings.flinkConfiguration)]);
  return [
    ...differ('artifact', deployment.artifactId, settings.artifactId),
    ...differ('entryClass', deployment.entryClass, settings.entryClass),
    ...differ(
      'programArguments',
      JSON.stringify(deployment.programArguments),
      JSON.stringify(settings.programArguments),
    ),
    ...differ('parallelism', text(deployment.parallelism), text(settings.parallelism)),
    ...[...keys]
      .sort()
      .flatMap((key) => differ(key, configuration[key] ?? null, settings.flinkConfiguration[key] ?? null)),
  ];
}
