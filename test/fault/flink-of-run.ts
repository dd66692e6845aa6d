import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { RunRecord } from './record.js';
import type { Dice } from './seeded.js';

const ENDED = ['FINISHED', 'CANCELED', 'FAILED'];
/** As a real cluster's: how old its statistics may be. */
const STATISTICS_CACHE_MS = 1_000;

export interface FlinkSet {
  savepointMs: [from: number, to: number];
  /** Between two checkpoints of a job; null: it makes none. */
  checkpointMs: number | null;
}

/** A fake Flink whose savepoints last as long as the dice say, each for itself. */
export async function startFlinkOfRun(
  folder: string,
  dice: Dice,
  { savepointMs, checkpointMs }: FlinkSet,
): Promise<FakeFlink> {
  const flink = await startFakeFlink({
    folder,
    slots: 1_000,
    statisticsCacheMs: STATISTICS_CACHE_MS,
    // Details are read from the history: it must hold what a run makes of one job.
    configuration: { 'web.checkpoints.history': '100' },
  });
  Object.defineProperty(flink.knobs, 'savepointDurationMs', { get: () => Math.round(dice.between(...savepointMs)) });
  Object.defineProperty(flink.knobs, 'mainDurationMs', { get: () => Math.round(dice.between(50, 500)) });
  flink.knobs.startDelayMs = 100;
  if (checkpointMs !== null) Object.assign(flink.knobs, { takesCheckpoints: true, checkpointIntervalMs: checkpointMs });
  return flink;
}

/** Flink's own account of what happened. */
export function accountOf(flink: FakeFlink): RunRecord['flink'] {
  return {
    savepointsMade: [...flink.savepointsMade],
    triggers: flink.requests.flatMap(({ method, path, body }) => {
      const [, jobId, of] = /^(?:\/v1)?\/jobs\/([^/]+)\/(savepoints|stop)$/.exec(path) ?? [];
      const triggerId = (body as { triggerId?: unknown } | null)?.triggerId;
      if (method !== 'POST' || !jobId || typeof triggerId !== 'string') return [];
      return [{ jobId, triggerId, stops: of === 'stop' }];
    }),
    cancels: flink.requests.flatMap(({ method, path }) => {
      const jobId = /^(?:\/v1)?\/jobs\/([^/?]+)\?mode=cancel$/.exec(path)?.[1];
      return method === 'PATCH' && jobId ? [jobId] : [];
    }),
    runs: flink.requests.flatMap(({ method, path, body }) => {
      const { jobId, savepointPath = null } = (body ?? {}) as { jobId?: unknown; savepointPath?: string | null };
      return method === 'POST' && path.endsWith('/run') && typeof jobId === 'string' ? [{ jobId, savepointPath }] : [];
    }),
    jobs: flink.jobIds.map((id) => {
      const { name, state } = flink.job(id);
      return { id, name, state, alive: !ENDED.includes(state) };
    }),
    jarIds: flink.jarIds,
    disposed: [...flink.disposed],
  };
}

/** Locations below a root that hold a `_metadata`, which Flink writes last. */
export function locationsBelow(root: string | null): string[] {
  const folder = root?.replace('file://', '') ?? '';
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(({ name }) => name === '_metadata')
    .map(({ parentPath }) => `file:${join(parentPath)}`);
}
