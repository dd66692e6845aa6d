import { captured } from './captured-replies.js';
import type { Cluster } from './cluster.js';
import type { JsonObject } from './captured-replies.js';
import type { FakeJob } from './fake-job.js';

/** What the reading endpoints say of a job. 2.3.0 has fields that 1.20.5 lacks, and the other way round. */

/** Put into a reply for Java's Long.MAX_VALUE, which a JSON number of JavaScript cannot hold; exchanged when it is sent. */
export const LONG_MAX_MARK = '@@LONG_MAX@@';

const TASK_STATES = [
  'SCHEDULED',
  'CANCELING',
  'INITIALIZING',
  'CANCELED',
  'FINISHED',
  'RUNNING',
  'CREATED',
  'DEPLOYING',
  'FAILED',
  'RECONCILING',
];
const JOB_STATES = [
  'CANCELLING',
  'RECONCILING',
  'INITIALIZING',
  'SUSPENDED',
  'CREATED',
  'FAILING',
  'FINISHED',
  'RUNNING',
  'FAILED',
  'CANCELED',
  'RESTARTING',
];
/** The first that any of its subtasks is in names the state of a vertex. */
const WORST_FIRST = [
  'FAILED',
  'CANCELING',
  'CANCELED',
  'CREATED',
  'SCHEDULED',
  'DEPLOYING',
  'INITIALIZING',
  'RECONCILING',
  'RUNNING',
  'FINISHED',
];

function countTasks(tasks: string[]): Record<string, number> {
  return Object.fromEntries(TASK_STATES.map((state) => [state, tasks.filter((task) => task === state).length]));
}

const endOf = (cluster: Cluster, job: FakeJob): number => (job.endTime < 0 ? cluster.timeline.now() : job.endTime);

export function overviewJson(cluster: Cluster, job: FakeJob): JsonObject {
  const counts = countTasks(job.tasks);
  return {
    jid: job.id,
    name: job.name,
    ...(cluster.version === '2.3.0' ? { jobType: 'STREAMING', schedulerType: schedulerOf(cluster, job) } : {}),
    'start-time': job.startTime,
    'end-time': job.endTime,
    duration: endOf(cluster, job) - job.startTime,
    state: job.state,
    'last-modification': job.lastModification,
    tasks: {
      total: job.tasks.length,
      ...Object.fromEntries(Object.entries(counts).map(([state, count]) => [state.toLowerCase(), count])),
    },
    ...(cluster.version === '2.3.0' ? { 'pending-operators': 0 } : {}),
  };
}

export function detailsJson(cluster: Cluster, job: FakeJob): JsonObject {
  const now = cluster.timeline.now();
  const newer = cluster.version === '2.3.0';
  const vertices = job.vertices.map((vertex, index): JsonObject => {
    const tasks = job.tasksOf(index);
    return {
      id: vertex.id,
      slotSharingGroupId: job.slotSharingGroupId,
      name: vertex.name,
      maxParallelism: 128,
      parallelism: vertex.parallelism,
      status: WORST_FIRST.find((state) => tasks.includes(state)) ?? 'CREATED',
      'start-time': job.startTime,
      'end-time': job.endTime,
      duration: endOf(cluster, job) - job.startTime,
      tasks: countTasks(tasks),
      metrics: {
        ...Object.fromEntries(
          ['read-bytes', 'write-bytes', 'read-records', 'write-records'].flatMap((name) => [
            [name, 0],
            [`${name}-complete`, true],
          ]),
        ),
        'accumulated-backpressured-time': 0,
        'accumulated-idle-time': 0,
        'accumulated-busy-time': 0,
      },
    };
  });
  return {
    jid: job.id,
    ...(newer ? { 'application-id': job.isBuilt ? job.id : null } : {}),
    name: job.name,
    isStoppable: false,
    state: job.state,
    'job-type': 'STREAMING',
    ...(newer ? { schedulerType: schedulerOf(cluster, job) } : {}),
    'start-time': job.startTime,
    'end-time': job.endTime,
    duration: endOf(cluster, job) - job.startTime,
    maxParallelism: -1,
    now,
    timestamps: Object.fromEntries(JOB_STATES.map((state) => [state, job.timestamps.get(state) ?? 0])),
    vertices,
    'status-counts': countTasks(job.tasks),
    plan: planJson(cluster, job),
    ...(newer ? { 'pending-operators': 0 } : {}),
  };
}

/** What 2.3.0 says of its scheduler; nothing of a job that never got one. */
function schedulerOf(cluster: Cluster, job: FakeJob): string | null {
  if (cluster.isAdaptive) return 'Adaptive';
  return job.isBuilt ? 'Default' : null;
}

export function planJson(cluster: Cluster, job: FakeJob): unknown {
  if (!job.isBuilt) return (captured(cluster.version, 'job-plan-restore-refused').body as JsonObject)['plan'];
  const nodes = job.vertices.map((vertex, index): JsonObject => {
    const upstream = job.vertices[index - 1];
    const input = upstream && { id: upstream.id, num: 0, exchange: 'pipelined_bounded', ship_strategy: 'HASH' };
    return {
      id: vertex.id,
      operator: '',
      parallelism: vertex.parallelism,
      operator_strategy: '',
      description: `${vertex.name}<br/>`,
      optimizer_properties: {},
      ...(input === undefined ? {} : { inputs: [input] }),
    };
  });
  // As in Flink's plan, the last vertex comes first.
  return { jid: job.id, name: job.name, type: 'STREAMING', nodes: nodes.reverse() };
}

export function jobConfigJson(cluster: Cluster, job: FakeJob): JsonObject {
  const shown = captured(cluster.version, 'job-config').body as JsonObject;
  const settings = shown['execution-config'] as JsonObject;
  const parallelism = { 'job-parallelism': job.parallelism };
  return { ...shown, jid: job.id, name: job.name, 'execution-config': { ...settings, ...parallelism } };
}

export function exceptionsJson(cluster: Cluster, job: FakeJob): JsonObject {
  const shown = job.failure?.inHistory === true ? job.failure : null;
  const at = job.timestamps.get('FAILED') ?? job.timestamps.get('RESTARTING') ?? 0;
  const entry = shown && {
    failureLabels: {},
    concurrentExceptions: [],
    ...shown.entry,
    exceptionName: shown.class,
    stacktrace: shown.stackTrace,
    timestamp: at,
  };
  return {
    // 1.20 shows the cause at the root also where the history is empty (adaptive scheduler).
    ...(cluster.version === '1.20.5'
      ? {
          'root-exception': job.failure?.stackTrace ?? null,
          timestamp: job.failure === null ? null : at,
          'all-exceptions': job.failure?.ofTasks ?? [],
          truncated: false,
        }
      : {}),
    exceptionHistory: { entries: entry === null ? [] : [entry], truncated: false },
  };
}

export function executionResultJson(cluster: Cluster, job: FakeJob): JsonObject {
  if (!job.hasEnded()) return { status: { id: 'IN_PROGRESS' } };
  const newer = cluster.version === '2.3.0';
  const failure = job.state === 'FAILED' ? job.failure : null;
  return {
    status: { id: 'COMPLETED' },
    'job-execution-result': {
      id: job.id,
      ...(newer ? { name: job.name } : {}),
      'application-status': job.state === 'FINISHED' ? 'SUCCEEDED' : job.state,
      'accumulator-results': {},
      'net-runtime': job.endTime - job.startTime,
      ...(failure === null
        ? {}
        : {
            'failure-cause': {
              class: failure.class,
              'stack-trace': failure.stackTrace,
              'serialized-throwable': '<dropped>',
            },
          }),
      ...(newer && job.isBuilt ? { 'application-id': job.id } : {}),
      ...(newer ? { 'start-time': job.startTime, 'end-time': job.endTime } : {}),
    },
  };
}

export function checkpointConfigJson(job: FakeJob): JsonObject {
  const { settings } = job;
  return {
    mode: job.isBuilt && !settings.atLeastOnce ? 'exactly_once' : 'at_least_once',
    interval: settings.checkpointIntervalMs ?? LONG_MAX_MARK,
    timeout: settings.checkpointTimeoutMs,
    min_pause: settings.minPauseMs,
    max_concurrent: 1,
    externalization: {
      enabled: settings.retention !== 'NO_EXTERNALIZED_CHECKPOINTS',
      delete_on_cancellation: settings.retention !== 'RETAIN_ON_CANCELLATION',
    },
    state_backend: job.isBuilt ? settings.stateBackend : 'Unknown',
    checkpoint_storage: job.isBuilt ? settings.checkpointStorage : 'Unknown',
    unaligned_checkpoints: settings.unaligned,
    tolerable_failed_checkpoints: settings.tolerableFailures,
    aligned_checkpoint_timeout: settings.alignedTimeoutMs,
    checkpoints_after_tasks_finish: true,
    state_changelog_enabled: false,
    changelog_periodic_materialization_interval: 600_000,
    changelog_storage: 'memory',
  };
}
