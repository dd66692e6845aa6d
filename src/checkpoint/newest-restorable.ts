import { SnapshotKind } from '../job/snapshot-kind.js';
import type { Savepoint } from '../savepoint/savepoint.entity.js';
import type { Checkpoint } from './checkpoint.types.js';
import type { NewestRestorableState } from './overview.types.js';
import { savepointRestorable } from './restorable.js';

/** A snapshot that might be it, and the JobManager's clock minus the database's where it was made; null: never measured. */
export type Candidate = { clockOffsetMs: number | null } & (
  { savepoint: Savepoint; checkpoint?: undefined } | { checkpoint: Checkpoint; savepoint?: undefined }
);

/** The newest, by Flink's trigger time, that can be restored from. `now`: epoch ms on the database's clock. */
export function newestRestorable(candidates: readonly Candidate[], now: number): NewestRestorableState | null {
  const [newest] = candidates.filter(canBeRestored).sort((a, b) => timeOf(b) - timeOf(a));
  if (!newest) return null;
  const { savepoint = null, checkpoint = null, clockOffsetMs } = newest;
  const snapshot = savepoint ?? checkpoint;
  const triggeredAt = snapshot?.triggeredAt ?? null;
  const ageMs =
    triggeredAt === null || clockOffsetMs === null
      ? null
      : Math.max(0, Math.round(now + clockOffsetMs - triggeredAt.getTime()));
  return {
    kind: snapshot?.kind ?? SnapshotKind.SAVEPOINT,
    savepoint,
    checkpoint,
    location: snapshot?.location ?? null,
    triggeredAt,
    ageMs,
    ageUnknown: ageMs === null ? whyUnknown(triggeredAt) : null,
  };
}

const whyUnknown = (triggeredAt: Date | null): string =>
  triggeredAt === null
    ? 'Flink never told when it began it.'
    : 'It counts on the clock of the JobManager that made it, and no job there has shown that clock yet.';

const canBeRestored = ({ savepoint, checkpoint }: Candidate): boolean =>
  savepoint ? savepointRestorable(savepoint).obstacle === null : checkpoint.restorable.canBeRestored;

const timeOf = ({ savepoint, checkpoint }: Candidate): number =>
  (savepoint ? (savepoint.triggeredAt ?? savepoint.completedAt) : checkpoint.triggeredAt)?.getTime() ?? 0;
