import type { CheckpointConfig } from '../flink/flink.types.js';
import { valueIn, withTodaysNames } from './configuration-keys.js';
import type { WrittenSetting } from './configuration-text.js';
import { defaultConfiguration } from './default-configuration.js';
import { durationMs, sameValueText } from './flink-values.js';
import { isSensitive, shownValue } from './secrets.js';
import {
  DeploymentParameter,
  ParameterObservation,
  ParameterValue,
  type StateParametersInput,
} from './state-parameters.types.js';

type ParameterName = keyof StateParametersInput;

interface TypedParameter {
  /** By today's names; a parameter of two keys sets both alike, and is shown by the first. */
  keys: readonly string[];
  /** null: Flink shows it nowhere. */
  observe: ((config: CheckpointConfig) => string) | null;
}

const ms = (value: number) => `${value} ms`;

const typed: Readonly<Record<ParameterName, TypedParameter>> = {
  stateBackend: {
    keys: ['state.backend.type'],
    observe: (config) =>
      config.stateBackend === 'OTHER' ? config.stateBackendClass : config.stateBackend.toLowerCase(),
  },
  incrementalCheckpoints: { keys: ['execution.checkpointing.incremental'], observe: null },
  stateTtl: { keys: ['table.exec.state.ttl'], observe: null },
  localRecovery: {
    keys: ['execution.state-recovery.from-local', 'execution.checkpointing.local-backup.enabled'],
    observe: null,
  },
  rocksdbLocalDirectory: { keys: ['state.backend.rocksdb.localdir'], observe: null },
  checkpointInterval: {
    keys: ['execution.checkpointing.interval'],
    observe: ({ intervalMs }) => (intervalMs === null ? 'off' : ms(intervalMs)),
  },
  checkpointTimeout: { keys: ['execution.checkpointing.timeout'], observe: ({ timeoutMs }) => ms(timeoutMs) },
  checkpointMinPause: { keys: ['execution.checkpointing.min-pause'], observe: ({ minPauseMs }) => ms(minPauseMs) },
  unalignedCheckpoints: {
    keys: ['execution.checkpointing.unaligned.enabled'],
    observe: ({ unaligned }) => String(unaligned),
  },
  checkpointRetention: {
    keys: ['execution.checkpointing.externalized-checkpoint-retention'],
    observe: ({ retainedOnCancellation, retainedOnFailure }) =>
      retainedOnCancellation
        ? 'RETAIN_ON_CANCELLATION'
        : retainedOnFailure
          ? 'DELETE_ON_CANCELLATION'
          : 'NO_EXTERNALIZED_CHECKPOINTS',
  },
};
const names = Object.keys(typed) as ParameterName[];
const typedKeys = new Set(names.flatMap((name) => typed[name].keys));

/** Shown from the cluster, and not to be set by a job. */
const ofCluster = ['execution.checkpointing.num-retained', 'execution.checkpointing.savepoint-dir'] as const;
const RETAINED_BY_DEFAULT = '1';

/** Typed parameters as the settings that they stand for. `field`: of the input that holds them. */
export function settingsOfParameters(field: string, parameters: StateParametersInput): WrittenSetting[] {
  return names.flatMap((name) => {
    const given = parameters[name];
    if (given === null || given === undefined) return [];
    const value = name === 'stateBackend' ? String(given).toLowerCase() : String(given);
    return typed[name].keys.map((key) => ({ key, value, place: `${field}.${name}` }));
  });
}

/** What is compared: the wish, the newest run, and its cluster. */
export interface Compared {
  /** As stored on the deployment. */
  configuration: Readonly<Record<string, string>>;
  /** null: there was no start yet. */
  run: {
    configuration: Readonly<Record<string, string>>;
    live: boolean;
    /** Somebody else started it: what was submitted is not known. */
    adopted: boolean;
    /** null: not read. */
    checkpointing: CheckpointConfig | null;
  } | null;
  /** As the JobManager shows it, which is all that is set there; null: not read yet. */
  cluster: Readonly<Record<string, string>> | null;
}

/** Every parameter: the typed ones, the rest of what is wanted or was submitted, and what only the cluster decides. */
export function compareParameters({ configuration, run, cluster }: Compared): DeploymentParameter[] {
  const desired: Readonly<Record<string, string>> = { ...defaultConfiguration, ...withTodaysNames(configuration) };
  const submitted = run && !run.adopted ? withTodaysNames(run.configuration) : null;
  const rest = new Set([...Object.keys(desired), ...Object.keys(submitted ?? {})].filter((key) => !typedKeys.has(key)));

  const ofClusterItself = (key: string) => (cluster && valueIn(cluster, key)) ?? null;
  const compare = (name: ParameterName | null, key: string, observe: TypedParameter['observe']) => {
    const wanted = own(desired, key);
    const sent = submitted && own(submitted, key);
    const seen = run?.checkpointing && observe ? observe(run.checkpointing) : null;
    const parameter: DeploymentParameter = {
      name,
      key,
      settable: true,
      desired: valueOf(key, wanted),
      submitted: valueOf(key, sent),
      observed: valueOf(key, seen),
      observation: observationOf(key, { observable: observe !== null, seen, sent }),
      clusterValue: valueOf(key, ofClusterItself(key)),
      restartDue: run !== null && run.live && submitted !== null && !same(key, wanted, sent),
    };
    return Object.assign(new DeploymentParameter(), parameter);
  };
  return [
    ...names.map((name) => compare(name, typed[name].keys[0] ?? '', typed[name].observe)),
    ...[...rest].sort().map((key) => compare(null, key, observeRest(key))),
    ...ofCluster.map((key) => shownFromCluster(key, cluster)),
  ];
}

const own = (record: Readonly<Record<string, string>>, key: string): string | null =>
  Object.hasOwn(record, key) ? (record[key] ?? null) : null;

const same = (key: string, one: string | null, other: string | null) =>
  one === null || other === null ? one === other : sameValueText(key, one) === sameValueText(key, other);

const observeRest = (key: string): TypedParameter['observe'] =>
  key === 'execution.checkpointing.tolerable-failed-checkpoints'
    ? ({ tolerableFailures }) => String(tolerableFailures)
    : null;

function observationOf(
  key: string,
  { observable, seen, sent }: { observable: boolean; seen: string | null; sent: string | null },
): ParameterObservation {
  if (!observable) return ParameterObservation.NOT_OBSERVABLE;
  if (seen === null) return ParameterObservation.NOT_YET_OBSERVED;
  // Where nothing was submitted, the configuration of the cluster at that time decided: nothing to compare with.
  if (sent === null || sent.includes('${secret:')) return ParameterObservation.OBSERVED;
  return same(key, seen, sent) ? ParameterObservation.OBSERVED : ParameterObservation.SET_BY_PROGRAM;
}

function valueOf(key: string, text: string | null): ParameterValue | null {
  if (text === null) return null;
  return isSensitive(key)
    ? new ParameterValue(shownValue(key, text), null)
    : new ParameterValue(text, durationMs(key, text));
}

function shownFromCluster(
  key: (typeof ofCluster)[number],
  cluster: Readonly<Record<string, string>> | null,
): DeploymentParameter {
  const own = (cluster && valueIn(cluster, key)) ?? null;
  const byDefault = cluster && key === 'execution.checkpointing.num-retained' ? RETAINED_BY_DEFAULT : null;
  const holds = own ?? byDefault;
  const parameter: DeploymentParameter = {
    name: null,
    key,
    settable: false,
    desired: null,
    submitted: null,
    observed: valueOf(key, holds),
    observation:
      holds !== null
        ? ParameterObservation.OBSERVED
        : cluster
          ? ParameterObservation.NOT_OBSERVABLE
          : ParameterObservation.NOT_YET_OBSERVED,
    clusterValue: valueOf(key, own),
    restartDue: false,
  };
  return Object.assign(new DeploymentParameter(), parameter);
}
