import { parseFlinkDuration } from '../flink/cluster-facts.js';

/** How Flink reads the value of a setting, as far as it is known here; anything else is passed on as it is. */
type Kind = 'DURATION' | 'BOOLEAN' | 'COUNT' | 'BYTES' | 'BACKEND' | 'FOLDERS' | readonly string[];

const checkpointing = (kind: Kind, ...names: string[]) =>
  names.map((name): [string, Kind] => [`execution.checkpointing.${name}`, kind]);

/** By today's names; kinds as in the sources of 1.20.5 and 2.3.0. */
const kinds = new Map<string, Kind>([
  ...checkpointing('DURATION', 'interval', 'interval-during-backlog', 'timeout', 'min-pause'),
  ...checkpointing('DURATION', 'aligned-checkpoint-timeout'),
  ...checkpointing('BOOLEAN', 'incremental', 'unaligned.enabled', 'unaligned.forced', 'local-backup.enabled'),
  ...checkpointing('BOOLEAN', 'unaligned.interruptible-timers.enabled', 'create-subdir', 'snapshot-compression'),
  ...checkpointing('BOOLEAN', 'file-merging.enabled', 'file-merging.across-checkpoint-boundary'),
  ...checkpointing('BOOLEAN', 'checkpoints-after-tasks-finish'),
  ...checkpointing('COUNT', 'max-concurrent-checkpoints', 'tolerable-failed-checkpoints', 'write-buffer-size'),
  ...checkpointing('BYTES', 'data-inline-threshold', 'file-merging.max-file-size'),
  ...checkpointing(['EXACTLY_ONCE', 'AT_LEAST_ONCE'], 'mode'),
  ...checkpointing(
    ['RETAIN_ON_CANCELLATION', 'DELETE_ON_CANCELLATION', 'NO_EXTERNALIZED_CHECKPOINTS'],
    'externalized-checkpoint-retention',
  ),
  ['execution.state-recovery.from-local', 'BOOLEAN'],
  ['execution.runtime-mode', ['STREAMING', 'BATCH', 'AUTOMATIC']],
  ['parallelism.default', 'COUNT'],
  ['pipeline.auto-generate-uids', 'BOOLEAN'],
  ['pipeline.auto-watermark-interval', 'DURATION'],
  ['pipeline.object-reuse', 'BOOLEAN'],
  ['pipeline.operator-chaining.enabled', 'BOOLEAN'],
  ['state.backend.type', 'BACKEND'],
  ['state.backend.rocksdb.localdir', 'FOLDERS'],
  ['state.backend.rocksdb.memory.managed', 'BOOLEAN'],
  ['state.backend.rocksdb.memory.fixed-per-slot', 'BYTES'],
  ['state.changelog.enabled', 'BOOLEAN'],
  ['state.changelog.periodic-materialize.enabled', 'BOOLEAN'],
  ['state.changelog.periodic-materialize.interval', 'DURATION'],
  ['table.exec.state.ttl', 'DURATION'],
]);

/** Flink's MINIMAL_CHECKPOINT_TIME: what is less makes the submission fail. */
const leastMs: Readonly<Record<string, number>> = {
  'execution.checkpointing.interval': 10,
  'execution.checkpointing.timeout': 10,
};

/** The units that Flink knows, exactly: mins is none. */
const UNIT =
  /^(?:d|days?|h|hours?|m|min|minutes?|s|secs?|seconds?|ms|millis?|milliseconds?|µs|micros?|microseconds?|ns|nanos?|nanoseconds?)?$/;
const BYTES = /^\d{1,18}\s*(?:b|bytes|kb?|kibibytes|mb?|mebibytes|gb?|gibibytes|tb?|tebibytes)?$/i;
const LONGEST_MS = Number.MAX_SAFE_INTEGER;

/**
 * What is wrong with the value of a setting, by today's name, in words; null: nothing that is known. A value that holds a secret is not
 * looked at. `major`: of the Flink that will read it; null: not known.
 */
export function problemOf(key: string, value: string, major: number | null): string | null {
  const kind = kinds.get(key);
  if (kind === undefined || value.includes('${secret:')) return null;
  const text = value.trim();
  const shown = `"${value.slice(0, 60)}"`;
  switch (kind) {
    case 'DURATION': {
      const ms = readDuration(text);
      if (ms === null || ms > LONGEST_MS)
        return `${shown} is no duration. Write a number with a unit (ms, s, min, h, d), such as 10 min; without a unit Flink takes it as milliseconds.`;
      if (/^p/i.test(text) && major === 1)
        return `${shown} is read by Flink 2 only. Write it with a unit, such as 10 min.`;
      const least = Object.hasOwn(leastMs, key) ? (leastMs[key] ?? 0) : 0;
      return ms < least
        ? `${shown} is ${ms} ms, and Flink takes no less than ${least} ms. Did you forget the unit?`
        : null;
    }
    case 'BOOLEAN':
      return /^(?:true|false)$/i.test(text) ? null : `${shown} is neither true nor false.`;
    case 'COUNT':
      return /^\d{1,9}$/.test(text) ? null : `${shown} is no whole number from 0 on.`;
    case 'BYTES':
      return BYTES.test(text) ? null : `${shown} is no size. Write a number with a unit (kb, mb, gb), such as 20 kb.`;
    case 'BACKEND':
      return backendProblem(text, shown, major);
    case 'FOLDERS':
      return foldersProblem(text, shown);
    default:
      return kind.includes(text.toUpperCase()) ? null : `${shown} is none of ${kind.join(', ')}.`;
  }
}

function readDuration(text: string): number | null {
  if (text.length > 60) return null;
  const unit = /^\d+\s*(\D*)$/.exec(text)?.[1]?.toLowerCase();
  return unit === undefined || UNIT.test(unit) ? parseFlinkDuration(text) : null;
}

/** Flink cuts at commas, and at colons where its hosts are no Windows: `file:/data` would be two folders there. */
function foldersProblem(text: string, shown: string): string | null {
  const absolute = /^[A-Za-z]:[\\/]/.test(text) || text.split(/[,:]/).every((folder) => folder.startsWith('/'));
  return absolute
    ? null
    : `${shown} names no folders. Write whole paths with commas between them, such as /data/1,/data/2.`;
}

function backendProblem(text: string, shown: string, major: number | null): string | null {
  const name = text.toLowerCase();
  if (name === 'forst' && major === 1)
    return `${shown} needs Flink 2, and the cluster runs Flink 1. Choose rocksdb or hashmap, or another cluster.`;
  if (['hashmap', 'rocksdb', 'forst'].includes(name)) return null;
  // Two old names, which Flink 1 still takes for hashmap.
  if (['filesystem', 'jobmanager'].includes(name) && major !== 2) return null;
  return /^[\w$]+(?:\.[\w$]+)+$/.test(text)
    ? null
    : `${shown} is none of hashmap, rocksdb, forst, and no class name of a factory.`;
}

/** One text for equal values: milliseconds for durations, lower case for words. For comparing, not for Flink. */
export function sameValueText(key: string, value: string): string {
  const kind = kinds.get(key);
  if (kind === undefined || kind === 'FOLDERS') return value;
  const text = value.trim();
  if (kind === 'DURATION') return String(readDuration(text) ?? text);
  return text.toLowerCase();
}

/** Milliseconds of a setting that is a duration; null for any other setting, and for what is none. */
export const durationMs = (key: string, value: string): number | null =>
  kinds.get(key) === 'DURATION' ? readDuration(value.trim()) : null;
