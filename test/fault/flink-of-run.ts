import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { RunRecord } from './record.js';
import type { Dice } from './seeded.js';

const ENDED = ['FINISHED', 'CANCELED', 'FAILED'];
/** As a real cluster's: how old its statistics may be. */
const STATISTICS_CACHE_MS = 1_000;

/** A fake Flink whose savepoints last as long as the dice say, each for itself. */
export async function startFlinkOfRun(folder: string, dice: Dice, savepointMs: [number, number]): Promise<FakeFlink> {
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
  return flink;
}

/** Flink's own account of what happened. */
export function accountOf(flink: FakeFlink): RunRecord['flink'] {
  return {
    savepointsMade: [...flink.savepointsMade],
    triggers: flink.requests.flatMap(({ method, path, body }) => {
      const jobId = /^(?:\/v1)?\/jobs\/([^/]+)\/savepoints$/.exec(path)?.[1];
      const triggerId = (body as { triggerId?: unknown } | null)?.triggerId;
      return method === 'POST' && jobId && typeof triggerId === 'string' ? [{ jobId, triggerId }] : [];
    }),
    runs: flink.requests.flatMap(({ method, path, body }) => {
      const jobId = (body as { jobId?: unknown } | null)?.jobId;
      return method === 'POST' && path.endsWith('/run') && typeof jobId === 'string' ? [jobId] : [];
    }),
    jobs: flink.jobIds.map((id) => {
      const { name, state } = flink.job(id);
      return { id, name, alive: !ENDED.includes(state) };
    }),
    jarIds: flink.jarIds,
  };
}

/** Locations below the savepoint root that hold a `_metadata`, which Flink writes last. */
export function locationsStored({ savepointRoot }: FakeFlink): string[] {
  const root = savepointRoot?.replace('file://', '') ?? '';
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter(({ name }) => name === '_metadata')
    .map(({ parentPath }) => `file:${join(parentPath)}`);
}
