import type { AttemptRow, RunRecord, SavepointRow } from './record.js';

const ENDED = ['COMPLETED', 'FAILED', 'DELETED'];
/** It was complete, and may have been deleted since. */
const wasMade = ({ state }: SavepointRow): boolean => state === 'COMPLETED' || state === 'DELETED';
/** "Unknown", which is not "failed": a savepoint may lie there all the same. */
const MAY_EXIST = ['RESULT_LOST', 'ABANDONED'];

/** One location in one spelling: Flink writes `file:/x` and `file:///x`. */
export const placeOf = (location: string): string => location.replace(/^file:\/+/, 'file:/').replace(/\/+$/, '');
const isBelow = (folder: string, location: string): boolean => placeOf(location).startsWith(`${placeOf(folder)}/`);
const directoryOf = ({ root, directory }: AttemptRow): string => `${root}/${directory}`;

export function checkSavepoints(record: RunRecord): string[] {
  const { database, flink, stored } = record;
  const found: string[] = [];
  for (const savepoint of database.savepoints) {
    const attempts = database.attempts.filter(({ savepoint_id: id }) => id === savepoint.id);
    found.push(
      ...checkEnd(record, savepoint, attempts),
      ...checkRest(savepoint, attempts),
      ...checkAttempts(record, savepoint, attempts),
      ...checkTold(record, savepoint),
    );
  }
  const directories = database.attempts.map(directoryOf);
  for (const { location, triggerId } of flink.savepointsMade)
    if (!directories.some((directory) => isBelow(directory, location)))
      found.push(`I2 Flink made ${location} for trigger ${triggerId}, and no attempt has that directory`);
  const made = new Set(flink.savepointsMade.map(({ location }) => placeOf(location)));
  for (const location of stored)
    if (!made.has(placeOf(location))) found.push(`I1 ${location} lies in the storage, and Flink did not make it`);
  const known = new Set(database.attempts.map(({ trigger_id: id }) => id));
  for (const { triggerId } of flink.triggers)
    if (!known.has(triggerId)) found.push(`I2 trigger ${triggerId} reached Flink, and no attempt has it`);
  return found;
}

/** The end is there, and it is true at Flink and in the storage. */
function checkEnd({ flink, stored, tolerated }: RunRecord, savepoint: SavepointRow, attempts: AttemptRow[]): string[] {
  const found: string[] = [];
  const say = (text: string) => found.push(`I1 savepoint ${savepoint.id}: ${text}`);
  const made = flink.savepointsMade.filter(({ location }) =>
    attempts.some((attempt) => isBelow(directoryOf(attempt), location)),
  );
  if (made.length > 1)
    found.push(
      `I2 savepoint ${savepoint.id}: Flink made it ${made.length} times (${made.map((one) => one.location).join(', ')})`,
    );
  if (wasMade(savepoint)) {
    const location = savepoint.location ?? '';
    if (!made.some((one) => placeOf(one.location) === placeOf(location)))
      say(`is ${savepoint.state} at ${location || 'no location'}, which Flink did not make for an attempt of it`);
    if (savepoint.state === 'COMPLETED' && !stored.some((place) => placeOf(place) === placeOf(location)))
      say(`is COMPLETED at ${location}, which is not in the storage`);
    if (savepoint.state === 'COMPLETED' && savepoint.data === 'MISSING') say('is COMPLETED, and its data are MISSING');
  } else if (savepoint.state === 'FAILED') {
    const mayExist = MAY_EXIST.includes(savepoint.failure_code ?? '');
    if (made.length > 0) say(`FAILED (${savepoint.failure_code}), and Flink made ${made[0]?.location}`);
    if (mayExist && !tolerated.flinkRestarted)
      say(`FAILED (${savepoint.failure_code}), and nothing happened that loses a result`);
    if (!mayExist && !tolerated.flinkRestarted) say(`FAILED (${savepoint.failure_code}), and Flink declined nothing`);
  } else say(`has not ended: it is ${savepoint.state}`);
  return found;
}

/** Nothing moves any more. */
function checkRest(savepoint: SavepointRow, attempts: AttemptRow[]): string[] {
  const found: string[] = [];
  if (!ENDED.includes(savepoint.state)) return found;
  const say = (text: string) => found.push(`I5 savepoint ${savepoint.id}: ${text}`);
  if (savepoint.claimed_until !== null) say(`ended, and a claim on it is held until ${savepoint.claimed_until}`);
  if (savepoint.in_flight) say('ended, and counts against the budget');
  const isLookedFor = MAY_EXIST.includes(savepoint.failure_code ?? '');
  if (savepoint.look_at !== null && !isLookedFor) say(`ended, and is due at ${savepoint.look_at}`);
  if (savepoint.state === 'COMPLETED' && savepoint.details === 'NOT_YET_REPORTED') say('rests without its details');
  for (const { number, ended, outcome } of attempts)
    if (!ended) say(`ended, and its attempt ${number} did not (${outcome ?? 'no outcome'})`);
  const last = attempts.find(({ number }) => number === savepoint.attempt);
  if (savepoint.state === 'COMPLETED' && last?.outcome !== 'COMPLETED')
    say(`is COMPLETED, and its attempt ${savepoint.attempt} is ${last?.outcome ?? 'not there'}`);
  return found;
}

function checkAttempts({ flink }: RunRecord, savepoint: SavepointRow, attempts: AttemptRow[]): string[] {
  const found: string[] = [];
  const say = (text: string) => found.push(`I2 savepoint ${savepoint.id}: ${text}`);
  if (new Set(attempts.map(({ trigger_id: id }) => id)).size !== attempts.length)
    say('two attempts have one trigger id');
  const arrived = attempts.map((attempt) => ({
    attempt,
    times: flink.triggers.filter(({ triggerId }) => triggerId === attempt.trigger_id).length,
  }));
  const reached = arrived.filter(({ times }) => times > 0);
  if (reached.length > 1) say(`${reached.length} of its attempts reached Flink`);
  for (const { attempt, times } of arrived)
    if (times > attempt.sends)
      say(`attempt ${attempt.number} was sent ${attempt.sends} times by its record, and reached Flink ${times} times`);
  return found;
}

/** Exactly one event of each kind that tells of an end; FAILED to COMPLETED is told as found late. */
function checkTold({ database }: RunRecord, savepoint: SavepointRow): string[] {
  const found: string[] = [];
  const types = database.events.filter(({ savepoint_id: id }) => id === savepoint.id).map(({ type }) => type);
  const count = (type: string) => types.filter((one) => one === type).length;
  const expect = (type: string, times: number) => {
    if (count(type) !== times)
      found.push(`I1 savepoint ${savepoint.id}: ${count(type)} events ${type} instead of ${times}`);
  };
  expect('SAVEPOINT_REQUESTED', savepoint.stop_id === null ? 1 : 0); // that of a stop is asked for with the stop
  if (wasMade(savepoint)) {
    expect('SAVEPOINT_COMPLETED', 1);
    expect('SAVEPOINT_DETAILS', savepoint.details === 'REPORTED' ? 1 : 0);
    expect('SAVEPOINT_FAILED', count('SAVEPOINT_FOUND_LATE'));
  }
  if (savepoint.state === 'FAILED') {
    expect('SAVEPOINT_FAILED', 1);
    expect('SAVEPOINT_COMPLETED', 0);
  }
  expect('SAVEPOINT_MADE_TWICE', 0);
  expect('SAVEPOINT_DATA_MISSING', 0);
  expect('SAVEPOINT_DATA_DAMAGED', 0);
  expect('UNEXPECTED_LOCATION', 0);
  return found;
}
