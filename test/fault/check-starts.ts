import type { RunRecord } from './record.js';

/** Of the starts that were asked for; jobs that ran before the run began are no concern of it. */
export function checkStarts(record: RunRecord): string[] {
  const { client, database, flink, tolerated } = record;
  const found: string[] = [];
  const ids = new Set(client.asked.filter(({ kind }) => kind === 'START').flatMap((one) => one.ids));
  for (const job of database.jobs) {
    if (!ids.has(job.id)) continue;
    const say = (promise: string, text: string) => found.push(`${promise} start ${job.id}: ${text}`);
    const atFlink = flink.jobs.find(({ id }) => id === job.flink_job_id);
    const stopped = job.state === 'CANCELLED' && database.stops.some((stop) => stop.job_id === job.id); // told by checkStops
    if (job.state === 'RUNNING') {
      if (!atFlink?.alive) say('I1', `is ${job.state}, and Flink runs no job ${job.flink_job_id}`);
    } else if (job.state === 'FAILED') {
      if (job.failure_code !== 'SUBMISSION_LOST' || !tolerated.submissionLost)
        say('I1', `FAILED (${job.failure_code}), and Flink declined nothing`);
      if (atFlink?.alive) say('I1', `FAILED, and Flink runs job ${job.flink_job_id}`);
    } else if (!stopped) say('I1', `has not ended: it is ${job.state}`);
    const calls = flink.runs.filter(({ jobId }) => jobId === job.flink_job_id).length;
    if (calls > 1) say('I2', `its run call reached Flink ${calls} times`);
    if (job.claimed_until !== null) say('I5', `a claim on it is held until ${job.claimed_until}`);
    if (job.look_at !== null) say('I5', `is due at ${job.look_at}`);
    const told = database.events.filter((event) => event.job_id === job.id).map(({ type }) => type);
    for (const type of [
      'START_REQUESTED',
      ...(job.state === 'FAILED' ? ['JOB_FAILED'] : ['JOB_SUBMITTED', 'JOB_STARTED']),
    ]) {
      const times = told.filter((one) => one === type).length;
      if (times !== 1) say('I1', `${times} events ${type} instead of 1`);
    }
  }
  for (const { id, name, state, current_job_id: jobId } of database.deployments) {
    const alive = flink.jobs.filter((job) => job.name === name && job.alive);
    if (alive.length > 1) found.push(`I2 deployment ${id}: ${alive.length} jobs of it run in Flink`);
    if (jobId && ids.has(jobId) && !['RUNNING', 'FAILED'].includes(state))
      found.push(`I5 deployment ${id}: its start has ended, and it is ${state}`);
  }
  if (flink.jarIds.length > tolerated.jarsLeft)
    found.push(`I5 ${flink.jarIds.length} uploaded jars are left on the cluster; ${tolerated.jarsLeft} may be`);
  return found;
}
