import { FieldResolver, Resolver, Root } from 'type-graphql';
import { Job, JobOrigin } from '../job/job.entity.js';
import { isLive } from '../job/job.lifecycle.js';
import type { KeptRestoreCheck } from './look-after-start.js';
import { RestoreCheck, RestoreCheckState, StateLook, type StateLookResult } from './start-looks.types.js';

/** What was looked at before a run was submitted, and after it had begun. */
@Resolver(() => Job)
export class JobStartLooksResolver {
  @FieldResolver(() => StateLook, {
    nullable: true,
    description:
      'The look at its state before it was submitted; null: it was started without state, or not looked at yet.',
  })
  stateLook(@Root() { stateLook, stateLookedAt }: Job): StateLook | null {
    if (!stateLook || !stateLookedAt) return null;
    return { result: stateLook.result as StateLookResult, why: stateLook.why, asOf: stateLookedAt };
  }

  @FieldResolver(() => RestoreCheck, {
    nullable: true,
    description: 'Whether it holds what it was started from; null: it was started without state, as far as is known.',
  })
  restoreCheck(@Root() job: Job): RestoreCheck | null {
    const kept = job.restoreCheck as KeptRestoreCheck | null;
    if (kept) {
      const { startedEmpty = [], dropped = [], underAnotherId = [], emptied = [] } = kept.differences ?? {};
      return {
        state: kept.state as RestoreCheckState,
        why: kept.why,
        startedEmpty,
        dropped,
        underAnotherId,
        emptied,
        notPlanned: kept.differences?.notPlanned ?? null,
        asOf: new Date(kept.asOf),
      };
    }
    const hasSource = job.origin === JobOrigin.ADOPTED ? job.restoredLocation !== null : job.startLocation !== null;
    if (!hasSource) return null;
    const nothing = { startedEmpty: [], dropped: [], underAnotherId: [], emptied: [], notPlanned: null, asOf: null };
    if (job.ownLook === 'DUE')
      return { ...nothing, state: RestoreCheckState.PENDING, why: 'Its first snapshot is being read.' };
    if (job.ownLook === null && isLive(job.state))
      return { ...nothing, state: RestoreCheckState.PENDING, why: 'No snapshot of its own has completed yet.' };
    const why = 'It ended before a snapshot of its own was read.';
    return { ...nothing, state: RestoreCheckState.NOT_TOLD, why };
  }
}
