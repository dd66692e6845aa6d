import { z } from 'zod';
import { describeFailure } from './root-cause.js';
import { normaliseLocation } from './location.js';
import { storableText } from './storable-text.js';
import type {
  CheckpointConfig,
  CheckpointStatistics,
  DisposalStatus,
  FlinkJobDetails,
  FlinkJobOverview,
  OperationStatus,
  PlannedOperator,
  RestoredEntry,
  Slots,
  SnapshotEntry,
  StateBackendFamily,
  TaskCounts,
} from './flink.types.js';

/*
 * Replies of 1.20 and 2.x, one schema each, read leniently: a field that is not named here is ignored, one that some
 * version leaves out is optional. Every schema ends in the type that the rest of the code sees.
 */

const jobState = z.enum([
  'INITIALIZING',
  'CREATED',
  'RUNNING',
  'FAILING',
  'FAILED',
  'CANCELLING',
  'CANCELED',
  'FINISHED',
  'RESTARTING',
  'SUSPENDED',
  'RECONCILING',
]);

/** -1 and a missing field both mean "not set". */
const moment = z
  .number()
  .nullish()
  .transform((value) => (value === null || value === undefined || value < 0 ? null : value));

/** Of a job, or of what it consists of: a program gives it. */
const programName = z.string().transform(storableText);

/** Flink writes the text NaN where a figure has no sample. */
const figure = z.preprocess((value) => (value === 'NaN' ? 0 : value), z.number());

/** JSON cannot tell Java's Long.MAX_VALUE from its neighbours once parsed: anything beyond 2^53 means "never". */
const interval = z.number().transform((ms) => (ms > Number.MAX_SAFE_INTEGER ? null : ms));

/** `<checkpoint-not-externally-addressable>` stands where a checkpoint lives in the JobManager's memory. */
const location = z
  .string()
  .nullish()
  .transform((text) => (text && !text.startsWith('<') ? normaliseLocation(text) : null));

const failure = z.object({ class: z.string().nullish(), 'stack-trace': z.string().nullish() });

export const versionWire = z
  .object({ 'flink-version': z.string(), features: z.object({ 'web-submit': z.boolean().optional() }).optional() })
  .transform((wire) => ({
    flinkVersion: wire['flink-version'],
    acceptsJars: wire.features?.['web-submit'] === true,
  }));

export const clusterConfigurationWire = z
  .array(z.object({ key: z.string(), value: z.string() }))
  .transform((pairs) => new Map(pairs.map(({ key, value }) => [key, value])));

export const overviewWire = z
  .object({ taskmanagers: z.number(), 'slots-total': z.number(), 'slots-available': z.number() })
  .transform((wire): Slots => ({
    taskManagers: wire.taskmanagers,
    total: wire['slots-total'],
    available: wire['slots-available'],
  }));

/** `path` is an RPC address: `pekko.tcp://flink@host:port/user/rpc/taskmanager_0`. */
export const taskManagersWire = z
  .object({ taskmanagers: z.array(z.object({ id: z.string(), path: z.string().nullish() })) })
  .transform(({ taskmanagers }): string[] => {
    const hosts = taskmanagers.map(
      ({ id, path }) => /@(\[[^\]]+\]|[^:/]+):\d+\//.exec(path ?? '')?.[1] ?? id.split(':')[0] ?? id,
    );
    return [...new Set(hosts)].sort();
  });

export const jobsWire = z.object({
  jobs: z.array(
    z
      .object({
        jid: z.string(),
        name: programName,
        state: jobState,
        'start-time': z.number(),
        'end-time': moment,
        tasks: z.record(z.string(), z.number()),
      })
      .transform((wire): FlinkJobOverview => ({
        jobId: wire.jid,
        name: wire.name,
        state: wire.state,
        startTime: wire['start-time'],
        endTime: wire['end-time'],
        tasks: countTasks(wire.tasks),
      })),
  ),
});

export const jobStatusWire = z.object({ status: jobState }).transform(({ status }) => status);

export const jobWire = z
  .object({
    jid: z.string(),
    name: programName,
    state: jobState,
    'start-time': z.number(),
    'end-time': moment,
    now: z.number(),
    vertices: z.array(
      z.object({
        id: z.string(),
        name: programName,
        parallelism: z.number(),
        maxParallelism: z.number(),
        status: z.string(),
      }),
    ),
    'status-counts': z.record(z.string(), z.number()),
  })
  .transform((wire): FlinkJobDetails => ({
    jobId: wire.jid,
    name: wire.name,
    state: wire.state,
    startTime: wire['start-time'],
    endTime: wire['end-time'],
    tasks: countTasks(wire['status-counts']),
    now: wire.now,
    vertices: wire.vertices,
  }));

/** `JobManagerCheckpointStorage`, and the state backend that 1.20 still takes for storage and backend in one. */
const IN_JOBMANAGER_MEMORY = /(?:^|\.)(?:JobManagerCheckpointStorage|MemoryStateBackend)$/;

export const checkpointConfigWire = z
  .object({
    interval,
    timeout: z.number(),
    min_pause: z.number(),
    externalization: z.object({ enabled: z.boolean(), delete_on_cancellation: z.boolean() }),
    state_backend: z.string(),
    checkpoint_storage: z.string().nullish(),
    unaligned_checkpoints: z.boolean().optional(),
    tolerable_failed_checkpoints: z.number().optional(),
  })
  .transform((wire): CheckpointConfig => ({
    intervalMs: wire.interval,
    timeoutMs: wire.timeout,
    minPauseMs: wire.min_pause,
    retainedOnCancellation: wire.externalization.enabled && !wire.externalization.delete_on_cancellation,
    retainedOnFailure: wire.externalization.enabled,
    inJobManagerMemory: IN_JOBMANAGER_MEMORY.test(wire.checkpoint_storage ?? ''),
    unaligned: wire.unaligned_checkpoints ?? false,
    tolerableFailures: wire.tolerable_failed_checkpoints ?? 0,
    stateBackend: backendFamily(wire.state_backend),
    stateBackendClass: wire.state_backend,
    checkpointStorageClass: wire.checkpoint_storage ?? null,
  }));

const acknowledgementCounts = z.object({ num_subtasks: z.number(), num_acknowledged_subtasks: z.number() });

const snapshot = acknowledgementCounts
  .extend({
    id: z.number(),
    status: z.enum(['IN_PROGRESS', 'COMPLETED', 'FAILED']),
    is_savepoint: z.boolean(),
    savepointFormat: z.enum(['CANONICAL', 'NATIVE']).nullish().catch(null),
    checkpoint_type: z.string().nullish(),
    trigger_timestamp: z.number(),
    latest_ack_timestamp: moment,
    checkpointed_size: figure,
    state_size: figure,
    end_to_end_duration: moment,
    external_path: location,
    discarded: z.boolean().optional(),
    failure_timestamp: moment,
    failure_message: z.string().nullish(),
  })
  .transform((wire): SnapshotEntry => ({
    id: wire.id,
    status: wire.status,
    isSavepoint: wire.is_savepoint,
    type: wire.checkpoint_type ?? null,
    format: wire.savepointFormat ?? null,
    triggeredAt: wire.trigger_timestamp,
    latestAckAt: wire.latest_ack_timestamp,
    checkpointedBytes: wire.checkpointed_size,
    stateBytes: wire.state_size,
    durationMs: wire.end_to_end_duration,
    subtasks: wire.num_subtasks,
    acknowledgedSubtasks: wire.num_acknowledged_subtasks,
    location: wire.external_path,
    discarded: wire.discarded ?? false,
    failedAt: wire.failure_timestamp,
    failureMessage: wire.failure_message ?? null,
  }));

const restored = z
  .object({ id: z.number(), restore_timestamp: z.number(), is_savepoint: z.boolean(), external_path: location })
  .transform((wire): RestoredEntry => ({
    id: wire.id,
    restoredAt: wire.restore_timestamp,
    isSavepoint: wire.is_savepoint,
    location: wire.external_path,
  }));

export const checkpointsWire = z
  .object({
    counts: z.object({
      restored: z.number(),
      total: z.number(),
      in_progress: z.number(),
      completed: z.number(),
      failed: z.number(),
    }),
    latest: z.object({
      completed: snapshot.nullish(),
      savepoint: snapshot.nullish(),
      failed: snapshot.nullish(),
      restored: restored.nullish(),
    }),
    history: z.array(snapshot),
  })
  .transform(({ counts: { in_progress, ...counts }, latest, history }): CheckpointStatistics => ({
    counts: { ...counts, inProgress: in_progress },
    latest: {
      completed: latest.completed ?? null,
      savepoint: latest.savepoint ?? null,
      failed: latest.failed ?? null,
      restored: latest.restored ?? null,
    },
    history,
  }));

export const checkpointDetailsWire = z.object({ tasks: z.record(z.string(), acknowledgementCounts) });

export const stateByVertexWire = z
  .object({ tasks: z.record(z.string(), z.object({ state_size: z.number() })) })
  .transform(({ tasks }) => new Map(Object.entries(tasks).map(([id, { state_size }]) => [id, state_size])));

/** A subtask whose acknowledgement came after the snapshot had failed is `completed` and `aborted`, and not counted by Flink. */
export const subtasksWire = z
  .object({
    subtasks: z.array(z.object({ className: z.string(), index: z.number(), aborted: z.boolean().optional() })),
  })
  .transform(({ subtasks }) => subtasks.filter((s) => s.className !== 'completed' || s.aborted).map((s) => s.index));

const exception = z.object({ exceptionName: z.string().nullish(), stacktrace: z.string().nullish() });

/** Stack traces, newest first. `root-exception` is of 1.20 alone, and there the only trace of a restore that the adaptive scheduler refused. */
export const exceptionsWire = z
  .object({
    'root-exception': z.string().nullish(),
    exceptionHistory: z
      .object({ entries: z.array(exception.extend({ concurrentExceptions: z.array(exception).nullish() })) })
      .nullish(),
  })
  .transform((wire): string[] =>
    [
      ...(wire.exceptionHistory?.entries ?? []).flatMap((entry) => [entry, ...(entry.concurrentExceptions ?? [])]),
      { stacktrace: wire['root-exception'], exceptionName: null },
    ].flatMap((entry) => entry.stacktrace || entry.exceptionName || []),
  );

export const executionResultWire = z
  .object({ 'job-execution-result': z.object({ 'failure-cause': failure.nullish() }).nullish() })
  .transform((wire) => {
    const cause = wire['job-execution-result']?.['failure-cause'];
    return cause ? describeFailure(cause) : null;
  });

/** COMPLETED only means ended: a failure is COMPLETED too. */
export const savepointOperationWire = z
  .object({
    status: z.object({ id: z.enum(['IN_PROGRESS', 'COMPLETED']) }),
    operation: z.object({ location: z.string().min(1).nullish(), 'failure-cause': failure.nullish() }).nullish(),
  })
  .transform(({ status, operation }, context): OperationStatus => {
    if (status.id === 'IN_PROGRESS') return { status: 'PENDING' };
    if (operation?.['failure-cause']) return { status: 'FAILED', cause: describeFailure(operation['failure-cause']) };
    if (operation?.location) return { status: 'COMPLETED', location: operation.location };
    context.addIssue({ code: 'custom', path: ['operation'], message: 'expected a location or a failure-cause' });
    return z.NEVER;
  });

/** Success is an empty object where a failure has its cause. */
export const disposalOperationWire = z
  .object({
    status: z.object({ id: z.enum(['IN_PROGRESS', 'COMPLETED']) }),
    operation: z.object({ 'failure-cause': failure.nullish() }).nullish(),
  })
  .transform(({ status, operation }, context): DisposalStatus => {
    if (status.id === 'IN_PROGRESS') return { status: 'PENDING' };
    if (operation?.['failure-cause']) return { status: 'FAILED', cause: describeFailure(operation['failure-cause']) };
    if (operation) return { status: 'COMPLETED' };
    context.addIssue({ code: 'custom', path: ['operation'], message: 'expected an object' });
    return z.NEVER;
  });

export const triggeredWire = z
  .object({ 'request-id': z.string() })
  .transform((wire) => ({ requestId: wire['request-id'] }));

/** The jar id is what follows the last slash of the path on the JobManager. */
export const uploadedWire = z.object({ filename: z.string().regex(/[^/\\]$/) }).transform((wire) => ({
  jarId: wire.filename.split(/[/\\]/).at(-1) ?? wire.filename,
}));

export const jarsWire = z.object({ files: z.array(z.object({ id: z.string(), name: z.string() })) });

export const startedWire = z.object({ jobid: z.string() }).transform((wire) => ({ jobId: wire.jobid }));

/** Of a jar whose operators are not chained: a node is one operator. The last comes first. */
export const plannedWire = z
  .object({
    plan: z.object({
      nodes: z.array(
        z.object({
          id: z.string().regex(/^[0-9a-f]{32}$/),
          description: programName,
          parallelism: z.number().int(),
          inputs: z.array(z.object({ id: z.string() })).optional(),
        }),
      ),
    }),
  })
  .transform(({ plan }) => ({
    operators: plan.nodes.toReversed().map(({ id, description, parallelism, inputs = [] }): PlannedOperator => ({
      id,
      name: nameIn(description),
      parallelism,
      inputs: inputs.map((input) => input.id),
    })),
  }));

/** Flink writes it for a page: `Source: a -&gt; b<br/>`. */
function nameIn(description: string): string {
  return description
    .replace(/(?:<br\/>)+$/, '')
    .replace(/&(lt|gt|quot|amp);/g, (_, entity: string) => ENTITIES[entity] ?? '');
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', quot: '"', amp: '&' };

function countTasks(wire: Record<string, number>): TaskCounts {
  const counts: TaskCounts = {};
  let sum = 0;
  for (const [state, count] of Object.entries(wire)) {
    if (state.toUpperCase() === 'TOTAL') continue;
    counts[state.toUpperCase()] = count;
    sum += count;
  }
  return { ...counts, TOTAL: sum };
}

function backendFamily(className: string): StateBackendFamily {
  if (/forst/i.test(className)) return 'FORST';
  if (/rocksdb/i.test(className)) return 'ROCKSDB';
  // MemoryStateBackend and FsStateBackend: the names before 1.13, which 1.20 still takes.
  return /hashmap|^(?:.*\.)?(?:Memory|Fs)StateBackend$/i.test(className) ? 'HASHMAP' : 'OTHER';
}
