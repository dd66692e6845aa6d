import type { Transaction } from '../db/database.js';
import { SavepointFormat } from '../deployment/savepoint-format.js';
import { EventType } from '../event/event-types.js';
import type { NewEvent } from '../event/record-event.js';
import { chooseFormat } from './choose-format.js';
import { expectedDurationMs, likelyToExpire } from './expectations.js';
import { turnPauseMs } from './look-pause.js';
import type { SavepointWarning } from './savepoint.entity.js';
import { FormatNotSupported } from './savepoint.types.js';
import { insertScheduled, lastDurationsOfMany } from './scheduled-savepoint.store.js';

/** The actor of what schedules do. */
export const SCHEDULE = 'schedule';

/** A savepoint that a schedule asks for; nothing speaks against it, and its cluster's row is locked. */
export interface ScheduledRequest {
  id: string;
  deploymentId: string;
  deploymentName: string;
  jobId: string;
  clusterId: string;
  scheduleId: string;
  slotAt: Date;
  /** Still to come: it is not to be sent before. null: it may go at once. */
  notBefore: Date | null;
  attempts: number;
  format: SavepointFormat | null;
  stateBackend: string | null;
  checkpointTimeoutMs: number | null;
  /** Missed slots that it stands for, its own included; 0: it is in time. */
  missed: number;
}

/** Time in which whoever has decided admits what it can, before somebody looks whether that has happened. */
const ADMITTED_WITHIN_MS = 2_000;
const LOOKS_APART_MS = 500;

/** Accepts savepoints of any number of schedules together, as PENDING. They are admitted afterwards, cluster by cluster. Answers the events to be recorded. */
export async function acceptScheduled(tx: Transaction, requests: readonly ScheduledRequest[]): Promise<NewEvent[]> {
  if (requests.length === 0) return [];
  const chosen = [...requests].sort(inTurn).map((request) => ({ ...request, ...formatOf(request) }));
  const durations = await lastDurationsOfMany(tx, chosen);
  const seen = new Map<string, number>();
  const rows = chosen.map(({ warning, ...request }, index) => {
    const last = durations[index] ?? [];
    const late = likelyToExpire(last, request.checkpointTimeoutMs);
    const place = seen.get(request.clusterId) ?? 0;
    seen.set(request.clusterId, place + 1);
    return {
      ...request,
      expectedDurationMs: expectedDurationMs(last),
      warnings: [warning, late].filter((one) => one !== null),
      lookInMs: lookInMs(request, place),
    };
  });
  await insertScheduled(tx, rows, SCHEDULE);
  return requests.map(requested);
}

/** As they are admitted. */
const inTurn = (a: ScheduledRequest, b: ScheduledRequest): number =>
  a.slotAt.getTime() - b.slotAt.getTime() || (a.id < b.id ? -1 : 1);

/** After its time has come, or after now. A look at one admits all that the budget of its cluster allows, so of those that go at once only the first has one soon. */
function lookInMs({ notBefore }: ScheduledRequest, place: number): number {
  if (notBefore) return 0;
  return place === 0 ? ADMITTED_WITHIN_MS : turnPauseMs(null, true) + place * LOOKS_APART_MS;
}

/** A schedule goes on where its format cannot be written any more, and says so. */
function formatOf({ format, stateBackend }: ScheduledRequest): {
  format: SavepointFormat;
  warning: SavepointWarning | null;
} {
  const chosen = chooseFormat(format, stateBackend);
  if (!(chosen instanceof FormatNotSupported)) return { format: chosen, warning: null };
  const message = `${chosen.message} This one is made NATIVE: change the format of the schedule, or of the deployment.`;
  return { format: SavepointFormat.NATIVE, warning: { code: chosen.code, message } };
}

const requested = ({
  id,
  deploymentId,
  deploymentName,
  jobId,
  clusterId,
  slotAt,
  missed,
}: ScheduledRequest): NewEvent => ({
  type: EventType.SAVEPOINT_REQUESTED,
  deploymentId,
  clusterId,
  jobId,
  savepointId: id,
  actor: SCHEDULE,
  message:
    `Savepoint ${id} of ${deploymentName} was asked for by its schedule, for the slot of ${slotAt.toISOString()}` +
    (missed > 0 ? `, which makes up for ${missed === 1 ? 'this one' : `${missed} slots`} that had been missed.` : '.'),
});
