import type { ClusterFacts } from './flink.types.js';

/** The cluster's configuration as `GET /jobmanager/config` lists it: explicitly set keys only, defaults are not shown. */
export type ClusterConfiguration = ReadonlyMap<string, string>;

const UNIT_MS: Record<string, number> = {
  ns: 1e-6,
  nano: 1e-6,
  nanosecond: 1e-6,
  µs: 1e-3,
  micro: 1e-3,
  microsecond: 1e-3,
  '': 1,
  ms: 1,
  milli: 1,
  millisecond: 1,
  s: 1_000,
  sec: 1_000,
  second: 1_000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
};

/** Option names and defaults are the same in 1.20 and 2.3; the second name of a pair is the deprecated one that both still read. */
export function readClusterFacts(
  config: { flinkVersion: string; acceptsJars: boolean },
  options: ClusterConfiguration,
): ClusterFacts {
  const first = (...keys: string[]) => keys.map((key) => options.get(key)).find((value) => value) ?? null;
  const highAvailability = first('high-availability.type', 'high-availability');
  return {
    ...config,
    processMark: readProcessMark(options),
    savepointRoot: first('execution.checkpointing.savepoint-dir', 'state.savepoints.dir'),
    checkpointRoot: first('execution.checkpointing.dir', 'state.checkpoints.dir'),
    haClusterId:
      highAvailability === null || highAvailability.toUpperCase() === 'NONE'
        ? null
        : (first('high-availability.cluster-id', 'kubernetes.cluster-id') ?? '/default'),
    asyncStoreDurationMs: parseFlinkDuration(first('rest.async.store-duration')) ?? 300_000,
    heartbeatTimeoutMs: parseFlinkDuration(first('heartbeat.timeout')) ?? 50_000,
    checkpointHistorySize: parseCount(first('web.checkpoints.history')) ?? 10,
    configuration: Object.fromEntries(options),
  };
}

/** Each JobManager process makes a folder `flink-web-<uuid>` and shows it at the end of `web.tmpdir` (seen on 1.20.5 and 2.3.0). */
export function readProcessMark(options: ClusterConfiguration): string | null {
  const folder =
    options
      .get('web.tmpdir')
      ?.split(/[/\\]/)
      .findLast((part) => part !== '') ?? '';
  return /^flink-web-.+/.test(folder) ? folder : null;
}

/** Flink's forms of a duration: a number with a unit or without (milliseconds), or ISO 8601 (`PT5M`); null for anything else. */
export function parseFlinkDuration(text: string | null): number | null {
  if (text === null) return null;
  const trimmed = text.trim().toLowerCase();
  const plain = /^(\d+)\s*([a-zµ]*)$/.exec(trimmed);
  if (plain) {
    const unit = plain[2] ?? '';
    const factor = UNIT_MS[unit] ?? UNIT_MS[unit.replace(/s$/, '')];
    return factor === undefined ? null : Math.trunc(Number(plain[1]) * factor);
  }
  const iso = /^p(?:(\d+)d)?(?:t(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?)?$/.exec(trimmed);
  if (!iso || iso.slice(1).every((part) => part === undefined)) return null;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = iso.slice(1).map((part) => Number(part ?? 0));
  return Math.trunc(days * 86_400_000 + hours * 3_600_000 + minutes * 60_000 + seconds * 1_000);
}

function parseCount(text: string | null): number | null {
  return text !== null && /^\d+$/.test(text.trim()) ? Number(text) : null;
}
