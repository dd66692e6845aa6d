import { type Cluster, ClusterState } from '../cluster/cluster.entity.js';
import { columnsOf, eventsOfChange, isChanged, makeStorages } from '../cluster/record-facts.js';
import { findCluster } from '../cluster/find-cluster.js';
import { NOW } from '../db/assign.js';
import { type Claim, fencedWrite } from '../db/claims.js';
import type { Database } from '../db/database.js';
import { AppError } from '../errors.js';
import { EventType } from '../event/event-types.js';
import { recordEvent, recordInOrder } from '../event/record-event.js';
import type { ClusterFacts, FlinkApi, FlinkJobOverview, Slots } from '../flink/flink.types.js';
import type { LookAtClusterDeps } from './cluster-follower.js';
import { followForeignJobs } from './follow-foreign-jobs.js';
import { followSeenJobs } from './follow-seen-jobs.js';
import { liveJobsOf, type ObservedJob } from './find-job.js';
import { JobState } from './job.entity.js';

const FACTS_EVERY_MS = 55_000; // "at least once a minute"
const SILENT_AFTER_FAILURES = 2;
const states = Object.values(ClusterState);

interface Seen {
  facts: ClusterFacts | null;
  jobs: FlinkJobOverview[];
  slots: Slots | null;
  hosts: string[] | null;
}

/** One look at a JobManager and at all its live jobs: `/jobs/overview` each time, version, configuration and process mark now and then. */
export async function lookAtCluster(deps: LookAtClusterDeps, claim: Claim): Promise<void> {
  const { database, flinkClients } = deps;
  const cluster = await findCluster(database, claim.id);
  if (!cluster) return;
  const live = await liveJobsOf(database, cluster.id);
  const jobs = live.filter((job) => job.state !== JobState.SUBMITTING);
  const flink = flinkClients.at(cluster.url);
  let seen: Seen;
  try {
    seen = await read(flink, cluster);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return recordSilence(database, cluster, claim, error, jobs.length > 0);
  }
  const processMark = seen.facts ? seen.facts.processMark : cluster.processMark;
  if (seen.facts) await recordFacts(deps, cluster, claim, seen, seen.facts, jobs);
  const isTheRegistered = seen.facts ? !isChanged(cluster, seen.facts) : cluster.state !== ClusterState.CHANGED;
  const { moving } = await followSeenJobs(deps, {
    cluster,
    isTheRegistered,
    processMark,
    flinkVersion: seen.facts?.flinkVersion ?? cluster.flinkVersion,
    flink,
    jobs,
    overview: seen.jobs,
    slots: seen.slots,
  });
  if (isTheRegistered)
    await followForeignJobs(deps, cluster.id, seen.jobs, new Set(live.map(({ flinkJobId }) => flinkJobId)));
  const againInMs = pauseMs(deps.clusterLoad.owned, jobs.length > 0, moving);
  await fencedWrite(database, claim, states, { failures: 0, observed_at: NOW, ...slotColumns(seen) }, { againInMs });
}

async function read(flink: FlinkApi, cluster: Cluster): Promise<Seen> {
  const due =
    cluster.factsReadAt === null ||
    cluster.state !== ClusterState.REACHABLE ||
    cluster.failures > 0 || // the first answer after a failure may be another process
    Date.now() - cluster.factsReadAt.getTime() > FACTS_EVERY_MS;
  // Together: one after the other, the calls to a slow JobManager would outlast the lease, and no look would ever count.
  const [facts, jobs, hosts] = await Promise.all([
    due ? flink.clusterFacts() : null,
    flink.jobs(),
    due ? flink.taskManagerHosts() : null,
  ]);
  const someWait = jobs.some(({ tasks }) => (tasks.SCHEDULED ?? 0) + (tasks.CREATED ?? 0) > 0);
  const slots = due || someWait ? await flink.slots() : null;
  return { facts, jobs, slots, hosts };
}

const slotColumns = ({ slots, hosts }: Seen) => ({
  ...(slots && { slots_total: slots.total, slots_available: slots.available, task_managers: slots.taskManagers }),
  ...(hosts && { task_manager_hosts: hosts }),
});

async function recordFacts(
  { database, clusterFollower }: LookAtClusterDeps,
  cluster: Cluster,
  claim: Claim,
  seen: Seen,
  facts: ClusterFacts,
  jobs: ObservedJob[],
): Promise<void> {
  const changed = isChanged(cluster, facts);
  const state = changed ? ClusterState.CHANGED : ClusterState.REACHABLE;
  await database.transaction(async (tx) => {
    const storages = changed ? {} : await makeStorages(tx, cluster, facts);
    const moved = state === cluster.state ? {} : { state, state_since: NOW };
    await fencedWrite(
      tx,
      claim,
      states,
      { ...columnsOf(facts, changed), ...storages, ...slotColumns(seen), ...moved, observed_at: NOW },
      'HOLD',
    );
    const isBack = state !== cluster.state && state === ClusterState.REACHABLE;
    const goOn = isBack ? await clusterFollower.clusterIsBack(tx, cluster.id) : [];
    const deploymentIds = jobs.map((job) => job.deploymentId);
    await recordInOrder(tx, [...eventsOfChange(cluster, facts, state, deploymentIds), ...goOn]);
  });
}

async function recordSilence(
  database: Database,
  cluster: Cluster,
  claim: Claim,
  error: AppError,
  hasLiveJobs: boolean,
): Promise<void> {
  const failures = cluster.failures + 1;
  const silent = failures >= SILENT_AFTER_FAILURES && cluster.state !== ClusterState.UNREACHABLE;
  const pause = Math.min(hasLiveJobs ? 5_000 : 15_000, 500 * 2 ** Math.min(failures, 10));
  await database.transaction(async (tx) => {
    await fencedWrite(
      tx,
      claim,
      states,
      {
        failures,
        last_error: error.message,
        last_error_at: NOW,
        ...(silent ? { state: ClusterState.UNREACHABLE, state_since: NOW } : {}),
      },
      { againInMs: pause },
    );
    if (silent) {
      await recordEvent(tx, {
        type: EventType.CLUSTER_UNREACHABLE,
        clusterId: cluster.id,
        message: `Cluster ${cluster.name} does not answer: ${error.message} What runs there keeps its last known state until it does.`,
      });
    }
  });
}

/** Soon while a job is on its way somewhere, seldom where nothing runs; more seldom the more clusters this worker looks after. */
function pauseMs(owned: number, hasLiveJobs: boolean, moving: boolean): number {
  if (moving) return 300;
  return hasLiveJobs ? Math.max(2_000, Math.min(10_000, owned * 40)) : 20_000;
}
