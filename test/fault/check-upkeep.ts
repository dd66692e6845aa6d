import { placeOf } from './check-savepoints.js';
import type { DeletionRow, RunRecord } from './record.js';

/** What happens by itself: slots fire once, and what a policy deletes is gone once. */
export const checkUpkeep = (record: RunRecord): string[] => [
  ...checkSlots(record),
  ...record.database.deletions.flatMap((deletion) => checkDeletion(record, deletion)),
  ...checkDisposals(record),
  ...checkKept(record),
];

function checkSlots({ client, database }: RunRecord): string[] {
  const found: string[] = [];
  const made = new Map(database.savepoints.map((savepoint) => [savepoint.id, savepoint]));
  for (const { scheduleId, slotAt } of client.slots) {
    const lines = database.slots.filter(({ schedule_id: id, slot_at: at }) => id === scheduleId && at === slotAt);
    const name = `slot ${new Date(slotAt).toISOString()} of schedule ${scheduleId}`;
    if (lines.length !== 1) found.push(`I1 ${name}: has ${lines.length} lines instead of one`);
    for (const { outcome, reason, count, savepoint_id: savepointId } of lines) {
      const savepoint = made.get(savepointId ?? '');
      if (outcome !== 'FIRED' || count !== 1) found.push(`I1 ${name}: ${count} are ${outcome} (${reason})`);
      else if (savepoint?.schedule_id !== scheduleId)
        found.push(`I1 ${name}: its savepoint ${savepointId} is none of it`);
    }
  }
  if (database.slots.length > client.slots.length)
    found.push(`I2 ${database.slots.length} slots were decided, and ${client.slots.length} have come`);
  const fired = database.slots.map(({ savepoint_id: id }) => id);
  for (const { id, schedule_id: scheduleId } of database.savepoints) {
    const times = fired.filter((one) => one === id).length;
    if (scheduleId !== null && times !== 1) found.push(`I2 savepoint ${id}: ${times} slots have fired it`);
  }
  return found;
}

/** It is over, and true at Flink and in the storage. */
function checkDeletion({ database, flink, stored }: RunRecord, deletion: DeletionRow): string[] {
  const found: string[] = [];
  const say = (promise: string, text: string) => found.push(`${promise} deletion ${deletion.id}: ${text}`);
  const savepoint = database.savepoints.find(({ id }) => id === deletion.id);
  if (deletion.state !== 'DONE' || savepoint?.state !== 'DELETED')
    say('I1', `has not ended: it is ${deletion.state}, and its savepoint ${savepoint?.state}`);
  if (deletion.claimed_until !== null) say('I5', `a claim on it is held until ${deletion.claimed_until}`);
  if (deletion.state === 'DONE' && deletion.look_at !== null) say('I5', `ended, and is due at ${deletion.look_at}`);
  const place = placeOf(savepoint?.location ?? '');
  if (stored.some((one) => placeOf(one) === place)) say('I1', `has ended, and ${place} lies in the storage`);
  const times = flink.disposed.filter((one) => placeOf(one) === place).length;
  if (times !== 1) say('I2', `Flink has disposed of ${place} ${times} times`);
  for (const [type, expected] of [['DELETION_REQUESTED', 1], ['SAVEPOINT_DELETED', 1], ['DELETION_FAILED', 0]] as const) {
    const told = database.events.filter((event) => event.savepoint_id === deletion.id && event.type === type).length;
    if (told !== expected) say('I1', `${told} events ${type} instead of ${expected}`);
  } // prettier-ignore
  return found;
}

function checkDisposals({ database, flink }: RunRecord): string[] {
  const deleted = new Set(database.deletions.map(({ id }) => id));
  const places = new Set(
    database.savepoints.filter(({ id }) => deleted.has(id)).map(({ location }) => placeOf(location ?? '')),
  );
  return flink.disposed
    .filter((one) => !places.has(placeOf(one)))
    .map((one) => `I2 Flink has disposed of ${one}, and nothing says that it should`);
}

/** The policies of a run keep the newest alone. */
function checkKept({ client, database }: RunRecord): string[] {
  const schedules = new Set(client.slots.map(({ scheduleId }) => scheduleId));
  return [...schedules].flatMap((scheduleId) => {
    const kept = database.savepoints.filter((one) => one.schedule_id === scheduleId && one.state === 'COMPLETED');
    return kept.length === 1
      ? []
      : [`I1 schedule ${scheduleId}: ${kept.length} of its savepoints are kept instead of one`];
  });
}
