import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { InvalidInput, NotFound, type UserError } from '../api/user-error.js';
import type { Cluster } from '../cluster/cluster.entity.js';
import type { Transaction } from '../db/database.js';
import type { Caller } from '../db/idempotency.js';
import type { Deployment } from '../deployment/deployment.entity.js';
import { findForDecision } from '../deployment/find-deployment.js';
import { EventType } from '../event/event-types.js';
import { type NewEvent, recordInOrder } from '../event/record-event.js';
import { admitTo } from '../savepoint/admit-savepoints.js';
import { decideAllOf } from './decide-slots.js';
import { endSchedule } from './end-schedule.js';
import { findSchedule } from './find-schedule.js';
import type { SavepointSchedule } from './schedule.entity.js';
import { lockScheduleOf, markPaused, markResumed, wakeSlotWatchers } from './schedule.store.js';
import {
  NoSchedule,
  type PauseSavepointScheduleInput,
  type PauseSavepointScheduleResult,
  type RemoveSavepointScheduleInput,
  type RemoveSavepointScheduleResult,
  type ResumeSavepointScheduleInput,
  type ResumeSavepointScheduleResult,
  ScheduleUnreadable,
} from './schedule.types.js';
import type { ScheduleDeps } from './set-schedule.js';
import { isUnreadable, readStored } from './stored-schedule.js';

/** Lets the slots of a schedule go by, those that were due before it aside. One that is paused already answers as it is. */
export async function pauseSchedule(
  deps: ScheduleDeps,
  input: PauseSavepointScheduleInput,
  caller: Caller,
): Promise<PauseSavepointScheduleResult> {
  const reason = input.reason?.trim() || null;
  if (reason && reason.length > 500)
    return new InvalidInput('reason', `it has ${reason.length} characters; 500 are kept.`);
  return change(deps, 'pauseSavepointSchedule', input, caller, async (tx, { schedule, deployment, cluster, about }) => {
    if (schedule.pausedAt) return [];
    const decided = await decideAllOf(tx, schedule.id, cluster, { floorMs: deps.config.leastSlotIntervalMs });
    await markPaused(tx, schedule.id, caller.actor, reason);
    const message = `The schedule of ${deployment.name} was paused by ${caller.actor}${reason ? `: ${reason}` : ''}. Its slots go by until it is resumed.`;
    return [...decided, { ...about, type: EventType.SCHEDULE_PAUSED, message }, ...(await admitTo(tx, cluster, 0))];
  });
}

/** Lets a paused schedule go on; its slots are where they were. What came due until now was paused still. */
export const resumeSchedule = (
  deps: ScheduleDeps,
  input: ResumeSavepointScheduleInput,
  caller: Caller,
): Promise<ResumeSavepointScheduleResult> =>
  change<ScheduleUnreadable>(
    deps,
    'resumeSavepointSchedule',
    input,
    caller,
    async (tx, { schedule, deployment, cluster, about }) => {
      if (!schedule.pausedAt) return [];
      const settings = readStored(schedule);
      if (isUnreadable(settings)) return new ScheduleUnreadable(deployment.name, settings.unreadable);
      const decided = await decideAllOf(tx, schedule.id, cluster, { floorMs: deps.config.leastSlotIntervalMs });
      await markResumed(tx, schedule.id);
      await wakeSlotWatchers(tx);
      const message = `The schedule of ${deployment.name} was resumed by ${caller.actor}.`;
      return [...decided, { ...about, type: EventType.SCHEDULE_RESUMED, message }];
    },
  );

/** Ends a schedule; the savepoints that it made stay, and one that is under way goes on. */
export const removeSchedule = (
  deps: ScheduleDeps,
  input: RemoveSavepointScheduleInput,
  caller: Caller,
): Promise<RemoveSavepointScheduleResult> =>
  change(deps, 'removeSavepointSchedule', input, caller, async (tx, { schedule, deployment, cluster, about }) => {
    const ended = await endSchedule(tx, schedule, cluster, caller.actor, deps.config.leastSlotIntervalMs);
    const message = `The schedule of ${deployment.name} ("${schedule.expression}", ${schedule.zone}) was removed by ${caller.actor}. Its savepoints stay.`;
    return [...ended, { ...about, type: EventType.SCHEDULE_REMOVED, message }, ...(await admitTo(tx, cluster, 0))];
  });

interface InForce {
  schedule: SavepointSchedule;
  deployment: Deployment;
  cluster: Cluster;
  /** What each event of it has in common. */
  about: Pick<NewEvent, 'deploymentId' | 'clusterId' | 'actor' | 'details'>;
}

/** The transaction of a change to the schedule in force of a deployment. `work` answers the events to be recorded, or a refusal. */
async function change<R extends UserError = never>(
  { database }: ScheduleDeps,
  mutation: string,
  input: { deploymentId: string; idempotencyKey?: string | null },
  caller: Caller,
  work: (tx: Transaction, inForce: InForce) => Promise<NewEvent[] | NoInfer<R>>,
): Promise<RemoveSavepointScheduleResult | NoInfer<R>> {
  checkId('deploymentId', input.deploymentId);
  const request = { caller, idempotencyKey: input.idempotencyKey, mutation, input };
  return answerOnce<SavepointSchedule, NotFound | NoSchedule | R>(database, request, findSchedule, async (tx) => {
    const found = await findForDecision(tx, input.deploymentId);
    if (!found || found.deployment.archivedAt) return new NotFound('deploymentId', 'deployment', input.deploymentId);
    const { deployment, cluster } = found;
    const schedule = await lockScheduleOf(tx, deployment.id);
    if (!schedule) return new NoSchedule(deployment.name);
    const about = {
      deploymentId: deployment.id,
      clusterId: cluster.id,
      actor: caller.actor,
      details: { scheduleId: schedule.id },
    };
    const done = await work(tx, { schedule, deployment, cluster, about });
    if (!Array.isArray(done)) return done;
    await recordInOrder(tx, done);
    return schedule.id;
  });
}
