import { Field, ObjectType } from 'type-graphql';
import { DateTime } from '../api/scalars.js';
import type { Job } from '../job/job.entity.js';
import { SnapshotKind } from '../job/snapshot-kind.js';
import { JobOrigin } from '../job/job.entity.js';

@ObjectType({ description: 'The state that a run was started from.' })
export class StartedFrom {
  @Field(() => SnapshotKind, {
    nullable: true,
    description: 'Null where its location does not tell: a copy under another name.',
  })
  readonly kind: SnapshotKind | null;

  @Field(() => String, { nullable: true, description: 'Where it lay, as the cluster of the run reaches it.' })
  readonly location: string | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When Flink had begun it, on the clock of the JobManager that made it; null: not known.',
  })
  readonly takenAt: Date | null;

  @Field(() => String, { nullable: true, description: 'Why this one was chosen, for a person.' })
  readonly why: string | null;

  constructor(
    readonly job: Job,
    { location, why }: { location: string | null; why: string | null },
  ) {
    this.kind = kindOf(location, job.startSavepointId !== null);
    this.location = location;
    this.takenAt = job.startTriggeredAt;
    this.why = why;
  }
}

/** null: it was started without state, or nothing is known of it. */
export function startedFromOf(job: Job): StartedFrom | null {
  if (job.startLocation !== null || job.startSavepointId !== null)
    return new StartedFrom(job, { location: job.startLocation, why: job.startWhy });
  const { origin, restoredLocation: location } = job;
  // A job that has recovered by itself shows a checkpoint of its own.
  if (origin !== JobOrigin.ADOPTED || location === null || location.includes(job.flinkJobId)) return null;
  return new StartedFrom(job, {
    location,
    why: 'Somebody else started it from there; Flink showed it when it was adopted.',
  });
}

/** Flink names the folder of a checkpoint chk-<n>, and that of a savepoint savepoint-<job>-<random> (2.3.0 and 1.20.5). */
function kindOf(location: string | null, isOurs: boolean): SnapshotKind | null {
  const folder = location?.split('/').at(-1) ?? '';
  if (/^chk-\d+$/.test(folder)) return SnapshotKind.CHECKPOINT;
  return isOurs || folder.startsWith('savepoint-') ? SnapshotKind.SAVEPOINT : null;
}
