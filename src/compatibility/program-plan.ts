import { createHash } from 'node:crypto';
import type { UidHashes } from '../artifact/uid-hashes.js';
import type { RunSettings } from '../deployment/run-settings.js';
import type { PlannedOperator } from '../flink/flink.types.js';

/** The operators that a program has under some settings, as a Flink told them by running its main(). */
export interface ProgramPlan {
  operators: PlannedOperator[];
  /** Ids that its operators may have besides, which no plan shows; null: the jar could not be read. */
  uidHashes: UidHashes | null;
  /** On the database's clock. */
  plannedAt: Date;
}

/** What the operators of a program depend on, besides what it reads from elsewhere: a secret, a table, the time. */
export interface PlanKey {
  artifactId: string;
  settingsHash: string;
  flinkVersion: string;
}

/** Settings of the cluster that a program's graph may depend on, where neither the run nor the program says anything else. */
const OF_CLUSTER = /^(?:parallelism\.default$|pipeline\.|table\.|execution\.)/;

/** null: without a jar, or on a cluster whose version is not known, nothing is remembered. */
export function planKeyOf(
  settings: RunSettings,
  cluster: { flinkVersion: string | null; configuration: Readonly<Record<string, string>> },
): PlanKey | null {
  if (settings.artifactId === null || cluster.flinkVersion === null) return null;
  const { entryClass, programArguments, parallelism, flinkConfiguration } = settings;
  const ofCluster = Object.fromEntries(Object.entries(cluster.configuration).filter(([key]) => OF_CLUSTER.test(key)));
  const told = { ...ofCluster, ...flinkConfiguration };
  const sorted = Object.keys(told)
    .sort()
    .map((key) => [key, told[key]]);
  const text = JSON.stringify([entryClass, programArguments, parallelism, sorted]);
  return {
    artifactId: settings.artifactId,
    settingsHash: createHash('sha256').update(text).digest('hex'),
    flinkVersion: cluster.flinkVersion,
  };
}
