import { placeOf } from './check-savepoints.js';
import type { JobRow, RunRecord, StopRow } from './record.js';

/**
 * Every stop has ended its run, once and in the way that was asked for: with one savepoint, from which the next run goes on, or
 * without one, and then the next run goes on from the checkpoint that was left. Nothing but a stop has ended a run.
 */
export function checkStops(record: RunRecord): string[] {
  const { database, flink } = record;
  const found: string[] = [];
  for (const stop of database.stops) {
    const job = database.jobs.find(({ id }) => id === stop.job_id);
    if (!job) found.push(`I1 stop ${stop.id}: the database does not hold its run`);
    else found.push(...checkEnd(record, stop, job), ...checkLeft(record, stop, job), ...checkRest(record, stop, job));
  }
  const stopped = new Map<string, StopRow[]>();
  for (const job of database.jobs) {
    const stops = database.stops.filter((stop) => stop.job_id === job.id);
    if (stops.length > 1) found.push(`I2 run ${job.id}: ${stops.length} stops ended it`);
    stopped.set(job.flink_job_id, stops);
  }
  const asked = (id: string, withSavepoint: boolean): boolean =>
    (stopped.get(id) ?? []).some(({ mode }) => (mode === 'WITH_SAVEPOINT') === withSavepoint);
  for (const { jobId, triggerId, stops } of flink.triggers)
    if (stops && !asked(jobId, true))
      found.push(`I2 Flink was told to stop job ${jobId} (${triggerId}), and no stop was`);
  for (const jobId of flink.cancels)
    if (!asked(jobId, false)) found.push(`I2 Flink was told to cancel job ${jobId}, and no stop was`);
  for (const { id, state, alive } of flink.jobs)
    if (!alive && (stopped.get(id) ?? []).length === 0)
      found.push(`I1 job ${id} is ${state}, and no stop has ended it`);
  return found;
}

/** What it says of itself is true at Flink. */
function checkEnd({ database, flink }: RunRecord, stop: StopRow, job: JobRow): string[] {
  const found: string[] = [];
  const say = (promise: string, text: string) => found.push(`${promise} stop ${stop.id}: ${text}`);
  if (stop.state !== 'COMPLETED')
    say('I1', stop.state === 'FAILED' ? `FAILED (${stop.failure_code})` : `has not ended: it is ${stop.state}`);
  if (stop.state === 'COMPLETED' && stop.outcome !== 'STOPPED')
    say('I1', `is COMPLETED, and its outcome ${stop.outcome}`);
  if (job.state !== 'CANCELLED') say('I1', `its run is ${job.state}`);
  const withSavepoint = stop.mode === 'WITH_SAVEPOINT';
  const atFlink = flink.jobs.find(({ id }) => id === job.flink_job_id)?.state ?? 'not there';
  if (atFlink !== (withSavepoint ? 'FINISHED' : 'CANCELED'))
    say('I1', `is ${stop.mode}, and job ${job.flink_job_id} ${atFlink}`);

  const own = database.savepoints.filter((savepoint) => savepoint.stop_id === stop.id);
  const ids = new Set(
    flink.triggers.filter(({ jobId, stops }) => stops && jobId === job.flink_job_id).map((one) => one.triggerId),
  );
  const made = flink.savepointsMade.filter(({ triggerId }) => ids.has(triggerId));
  const expected = withSavepoint ? 1 : 0;
  if (own.length !== expected) say('I2', `has ${own.length} savepoints instead of ${expected}`);
  if (ids.size !== expected) say('I2', `${ids.size} trigger ids of it reached Flink instead of ${expected}`);
  if (made.length !== expected) say('I2', `Flink made ${made.length} savepoints for it instead of ${expected}`);
  const [location, truth] = [own[0]?.location, made[0]?.location];
  if (location && truth && placeOf(location) !== placeOf(truth))
    say('I1', `its savepoint is at ${location} by the record, and at ${truth} in Flink`);
  return found;
}

/** What the run has left is known as it is, and the next run goes on from nothing else. */
function checkLeft({ database, flink, checkpointsStored }: RunRecord, stop: StopRow, job: JobRow): string[] {
  const found: string[] = [];
  const say = (text: string) => found.push(`I1 stop ${stop.id}: ${text}`);
  const savepoints = database.savepoints
    .filter(({ stop_id: id }) => id === stop.id)
    .flatMap((one) => one.location ?? []);
  const checkpoints = checkpointsStored.filter((place) => place.includes(job.flink_job_id));
  const known = database.retained.filter(({ job_id: id }) => id === job.id).map(({ location }) => location);
  if (inWords(known) !== inWords(checkpoints))
    say(`its run is known to have left ${inWords(known)}, and ${inWords(checkpoints)} lies in the storage`);
  const next = database.jobs.find((one) => one.deployment_id === job.deployment_id && one.run === job.run + 1);
  const call = flink.runs.find(({ jobId }) => jobId === next?.flink_job_id);
  const left = stop.mode === 'WITH_SAVEPOINT' ? savepoints : checkpoints;
  if (call && inWords(call.savepointPath === null ? [] : [call.savepointPath]) !== inWords(left))
    say(`the next run was started from ${call.savepointPath ?? 'nothing'}, and ${inWords(left)} was left`);
  return found;
}

const inWords = (places: string[]): string => places.map(placeOf).sort().join(', ') || 'nothing';

/** Nothing moves any more, and each thing was told once. */
function checkRest({ database }: RunRecord, stop: StopRow, job: JobRow): string[] {
  const found: string[] = [];
  const say = (promise: string, text: string) => found.push(`${promise} stop ${stop.id}: ${text}`);
  if (stop.claimed_until !== null) say('I5', `a claim on it is held until ${stop.claimed_until}`);
  if (stop.look_at !== null) say('I5', `is due at ${stop.look_at}`);
  if (!job.end_read) say('I5', 'the end of its run was not read');
  const count = (type: string, of: 'stop_id' | 'job_id', id: string) =>
    database.events.filter((event) => event.type === type && event[of] === id).length;
  const expect = (type: string, of: 'stop_id' | 'job_id', id: string, times: number) => {
    if (count(type, of, id) !== times) say('I1', `${count(type, of, id)} events ${type} instead of ${times}`);
  };
  expect('STOP_REQUESTED', 'stop_id', stop.id, 1);
  expect('STOP_COMPLETED', 'stop_id', stop.id, stop.state === 'COMPLETED' ? 1 : 0);
  expect('STOP_FAILED', 'stop_id', stop.id, stop.state === 'FAILED' ? 1 : 0);
  expect('JOB_ENDED', 'job_id', job.id, 1);
  return found;
}
