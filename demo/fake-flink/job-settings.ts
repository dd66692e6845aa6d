import { parseFlinkDuration } from '../../src/flink/cluster-facts.js';
import type { Cluster } from './cluster.js';

/** How a job takes checkpoints, as `/jobs/:id/checkpoints/config` shows it. */
export interface JobSettings {
  /** null: periodic checkpoints are off. */
  checkpointIntervalMs: number | null;
  checkpointTimeoutMs: number;
  minPauseMs: number;
  retention: Retention;
  tolerableFailures: number;
  unaligned: boolean;
  alignedTimeoutMs: number;
  atLeastOnce: boolean;
  /** Class name as Flink says it. */
  stateBackend: string;
  /** Class name as Flink says it. */
  checkpointStorage: 'JobManagerCheckpointStorage' | 'FileSystemCheckpointStorage';
  /** As configured; null: checkpoints have no address. With either storage they lie there where it is set (2.3.0, 1.20.5). */
  checkpointRoot: string | null;
  /** Of the cluster alone: in a job's configuration Flink ignores it. */
  retained: number;
}

export type Retention = 'RETAIN_ON_CANCELLATION' | 'DELETE_ON_CANCELLATION' | 'NO_EXTERNALIZED_CHECKPOINTS';

const BACKENDS: Record<string, string> = {
  hashmap: 'HashMapStateBackend',
  rocksdb: 'EmbeddedRocksDBStateBackend',
  forst: 'ForStStateBackend',
};

/**
 * What holds for a job that is run: its own configuration, else that of the cluster, else the knobs for interval and
 * retention, else Flink's default. `--checkpoint-interval-ms` among the program's arguments wins, as a program's own call does.
 */
export function settingsOf(cluster: Cluster, own: Record<string, unknown> = {}, program: string[] = []): JobSettings {
  const ownly = (...keys: string[]) => keys.map((key) => own[key]).find((value) => value != null && value !== '');
  const first = (...keys: string[]): string | null => {
    const value = ownly(...keys) ?? keys.map((key) => cluster.configuration.get(key)).find((text) => text);
    return value === undefined ? null : String(value as string | number | boolean);
  };
  const checkpointing = (name: string, ...deprecated: string[]) =>
    first(`execution.checkpointing.${name}`, ...deprecated);
  const duration = (name: string): number | null => parseFlinkDuration(checkpointing(name));
  const byProgram = Number(program[program.indexOf('--checkpoint-interval-ms') + 1]);
  const intervalMs = program.includes('--checkpoint-interval-ms') && byProgram > 0 ? byProgram : duration('interval');
  const backend = first('state.backend.type', 'state.backend')?.toLowerCase() ?? 'hashmap';
  const checkpointRoot = checkpointing('dir', 'state.checkpoints.dir');
  const storage = checkpointing('storage', 'state.checkpoint-storage')?.toLowerCase();
  const inMemory = storage === 'jobmanager' || (storage === undefined && checkpointRoot === null);
  return {
    checkpointIntervalMs: intervalMs ?? cluster.knobs.checkpointIntervalMs,
    checkpointTimeoutMs: duration('timeout') ?? 600_000,
    minPauseMs: duration('min-pause') ?? 0,
    retention:
      (checkpointing('externalized-checkpoint-retention')?.toUpperCase() as Retention | undefined) ??
      cluster.knobs.retention,
    tolerableFailures: Number(checkpointing('tolerable-failed-checkpoints') ?? 0),
    unaligned: checkpointing('unaligned.enabled', 'execution.checkpointing.unaligned') === 'true',
    alignedTimeoutMs: duration('aligned-checkpoint-timeout') ?? 0,
    atLeastOnce: checkpointing('mode')?.toUpperCase() === 'AT_LEAST_ONCE',
    stateBackend: BACKENDS[backend] ?? backend,
    checkpointStorage: inMemory ? 'JobManagerCheckpointStorage' : 'FileSystemCheckpointStorage',
    checkpointRoot,
    retained: retainedOf(cluster),
  };
}

/** Durations that Flink reads before it starts a job. */
const DURATIONS = ['interval', 'timeout', 'min-pause'].map((name) => `execution.checkpointing.${name}`);

/** What Flink says of the first value that it cannot read; null when it can read all. */
export function whyUnreadable(own: Record<string, unknown>): string | null {
  const key = DURATIONS.find((name) => own[name] != null && parseFlinkDuration(String(own[name])) === null);
  return key === undefined ? null : `Could not parse value '${String(own[key])}' for key '${key}'.`;
}

function retainedOf({ configuration }: Cluster): number {
  const keys = ['execution.checkpointing.num-retained', 'state.checkpoints.num-retained'];
  return Math.max(1, Number(keys.map((key) => configuration.get(key)).find((value) => value) ?? 1));
}
