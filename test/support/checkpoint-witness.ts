import type { FlinkApi, SnapshotEntry } from '../../src/flink/flink.types.js';
import type { Stateward } from './stateward.js';

/** Flink's answers change every 3 s, and hold the last ten. */
const NOTED_EVERY_MS = 500;

export interface CheckpointWitness {
  /** What Flink has ever shown of the run, by id, as it was shown last. */
  readonly shown: ReadonlyMap<number, SnapshotEntry>;
  /** The newest that is known to have completed, 0 before there is one. */
  newestCompleted(): number;
  stop(): void;
}

/** Asks Flink itself, beside Stateward and often enough to miss nothing. */
export function witnessCheckpoints(flink: FlinkApi, flinkJobId: string): CheckpointWitness {
  const shown = new Map<number, SnapshotEntry>();
  const note = async () => {
    const statistics = await flink.checkpoints(flinkJobId).catch(() => null); // asked again soon
    for (const entry of statistics?.history ?? []) shown.set(entry.id, entry);
  };
  const noting = setInterval(() => void note(), NOTED_EVERY_MS);
  return {
    shown,
    newestCompleted: () =>
      Math.max(0, ...[...shown.values()].filter(({ status }) => status === 'COMPLETED').map(({ id }) => id)),
    stop: () => clearInterval(noting),
  };
}

export interface RecordedSnapshot {
  id: number;
  state: string;
  triggeredAt: number;
}

/** What Stateward has recorded of a run, in the order of the ids. */
export async function recordedSnapshots({ services }: Stateward, jobId: string): Promise<RecordedSnapshot[]> {
  return services.database.rows<RecordedSnapshot>(
    `select flink_checkpoint_id::int as id, state, extract(epoch from triggered_at)::float8 * 1000 as "triggeredAt"
       from checkpoint where job_id = $1 order by 1`,
    [jobId],
  );
}

export interface RecordedGap {
  reason: string;
  missing: number | null;
  from: number;
  to: number;
}

export async function recordedGaps({ services }: Stateward, jobId: string): Promise<RecordedGap[]> {
  return services.database.rows<RecordedGap>(
    `select reason, missing, extract(epoch from from_at)::float8 * 1000 as "from", extract(epoch from to_at)::float8 * 1000 as "to"
       from checkpoint_gap where job_id = $1 order by from_at`,
    [jobId],
  );
}
