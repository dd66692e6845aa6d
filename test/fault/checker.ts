import { checkEvents } from './check-events.js';
import { checkSavepoints } from './check-savepoints.js';
import { checkStarts } from './check-starts.js';
import { checkStops } from './check-stops.js';
import { checkUpkeep } from './check-upkeep.js';
import type { RunRecord } from './record.js';

/**
 * Compares what the clients were told, what the database says, what Flink did and what the storage holds, after everything
 * has come to rest. Answers every violation of a promise, each with the promise's name; none is a pass.
 *
 *     I1  every accepted request ends once, and its end is true
 *     I2  one trigger id per attempt, one savepoint per request, one job per start, one end per stop; one savepoint per slot, one disposal per deletion
 *     I5  nothing is left half done
 *     I6  event numbers without gap or repeat
 */
export function findViolations(record: RunRecord): string[] {
  return [checkRequests, checkSavepoints, checkStarts, checkStops, checkUpkeep, checkEvents]
    .flatMap((check) => check(record))
    .sort();
}

function checkRequests({ client, database }: RunRecord): string[] {
  const found: string[] = [];
  const rows = new Set([...database.savepoints, ...database.jobs, ...database.stops].map(({ id }) => id));
  const keys = new Map(database.keys.map(({ key, object_id: id }) => [key, id]));
  const owner = new Map<string, string>();
  for (const { key, ids, refusals, bugs, answeredAt } of client.asked) {
    const say = (text: string) => found.push(`I1 request ${key}: ${text}`);
    if (answeredAt === null) say('was never answered');
    for (const bug of bugs) say(`was answered with ${bug}`);
    const distinct = new Set(ids);
    if (distinct.size > 1) found.push(`I2 request ${key}: was answered with ${[...distinct].join(' and ')}`);
    if (answeredAt !== null && distinct.size === 0) say(`was declined: ${refusals.at(-1)}`);
    for (const id of distinct) {
      if (!rows.has(id)) say(`was answered with ${id}, which the database does not hold`);
      if (keys.get(key) !== id) say(`was answered with ${id}, and its key is remembered with ${keys.get(key)}`);
      const other = owner.get(id);
      if (other) found.push(`I2 ${id} answered both ${other} and ${key}`);
      owner.set(id, key);
    }
  }
  const accepted = new Set(database.keys.map(({ object_id: id }) => id));
  for (const { id, stop_id: stopId, schedule_id: scheduleId } of database.savepoints)
    if (scheduleId === null && !accepted.has(stopId ?? id))
      found.push(`I2 savepoint ${id}: no request has asked for it`);
  for (const { id } of database.stops) if (!accepted.has(id)) found.push(`I2 stop ${id}: no request has asked for it`);
  return found;
}
