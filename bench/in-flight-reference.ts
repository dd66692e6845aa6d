import type { PollingTask } from './bare-poller.js';
import type { Open } from './benchmark.js';
import { messageOf, startScript } from './child.js';
import type { FleetTally } from './fake-fleet.js';
import { query } from './in-flight-run.js';
import type { SeededDeployment } from './seed-deployments.js';

export interface PollingCost {
  requests: number;
  cpuMs: number;
  wallMs: number;
}

/** As many connections to a JobManager as Stateward opens. */
const CONNECTIONS = 4;
/** Enough for a steady cost per request; ten times as many would only take longer. */
const REQUESTS_AT_MOST = 200_000;
const PATHS_OF_A_CLUSTER = 400;

/** Lets a bare undici loop ask the same clusters the same mix of questions, and reads what a request costs it. */
export async function measurePolling(
  open: Open,
  folder: string,
  run: { databaseUrl: string; deployments: readonly SeededDeployment[]; tally: FleetTally },
): Promise<PollingCost> {
  const task: PollingTask = {
    clusters: await pathsOf(run),
    requests: Math.min(run.tally.total, REQUESTS_AT_MOST),
    connections: CONNECTIONS,
  };
  const poller = startScript('./bare-poller.js', { name: 'bare-poller', folder });
  open('the bare poller', () => poller.stop());
  await messageOf(poller, 'The bare poller');
  const before = { cpuMs: poller.cpuMs(), at: performance.now() };
  const done = messageOf<{ error?: string }>(poller, 'The bare poller');
  poller.process.send(task);
  const { error } = await done;
  if (error) throw new Error(`The bare poller failed: ${error}`);
  const cost = {
    requests: task.requests,
    cpuMs: poller.cpuMs() - before.cpuMs,
    wallMs: performance.now() - before.at,
  };
  await poller.stop();
  return cost;
}

/** For each cluster questions in the shares in which the worker has put them. */
async function pathsOf({
  databaseUrl,
  deployments,
  tally,
}: {
  databaseUrl: string;
  deployments: readonly SeededDeployment[];
  tally: FleetTally;
}): Promise<PollingTask['clusters']> {
  const attempts = await query<{ flink_job_id: string; trigger_id: string }>(
    databaseUrl,
    `select distinct on (j.flink_job_id) j.flink_job_id, a.trigger_id
       from savepoint_attempt a join savepoint s on s.id = a.savepoint_id join job j on j.id = s.job_id where a.sends > 0`,
  );
  const triggerOf = new Map(attempts.map((row) => [row.flink_job_id, row.trigger_id]));
  const asked = tally.requests.status + tally.requests.statistics + tally.requests.overview;
  const shares = {
    status: tally.requests.status / asked,
    statistics: tally.requests.statistics / asked,
  };
  const clusters = new Set(deployments.map(({ cluster }) => cluster));
  return [...clusters].map(({ url, jobIds }) => ({
    url,
    paths: Array.from({ length: PATHS_OF_A_CLUSTER }, (_, at) => {
      const jobId = jobIds[at % jobIds.length] ?? '';
      const spot = ((at * 37) % PATHS_OF_A_CLUSTER) / PATHS_OF_A_CLUSTER; // spreads the kinds over the list
      if (spot < shares.status && triggerOf.has(jobId)) return `/jobs/${jobId}/savepoints/${triggerOf.get(jobId)}`;
      if (spot < shares.status + shares.statistics) return `/jobs/${jobId}/checkpoints`;
      return '/jobs/overview';
    }),
  }));
}
