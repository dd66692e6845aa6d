import type { JsonObject } from './captured-replies.js';
import type { FakeJob, Snapshot } from './fake-job.js';

/** The checkpoint statistics of a job in Flink's words. The same on 2.3.0 and 1.20.5. */

export interface CheckpointView {
  /** Reply of `/jobs/:id/checkpoints`. */
  overview: JsonObject;
  /** Reply of `/details/:id` for every id that is still readable. */
  details: Map<number, JsonObject>;
  /** Reply of `/details/:id/subtasks/:vertex`, keyed by `<id>/<vertex>`. */
  subtasks: Map<string, JsonObject>;
}

const PERCENTILES = ['p50', 'p90', 'p95', 'p99', 'p999'];
/** Bytes in flight that a snapshot covered; only there so that the field is not always 0. */
const PROCESSED_PER_SUBTASK = 105;

function spread(values: number[], percentile: number | 'NaN' | 'VALUE'): JsonObject {
  const sum = values.reduce((total, value) => total + value, 0);
  const avg = values.length === 0 ? 0 : Math.floor(sum / values.length);
  const shown = percentile === 'VALUE' ? (values.length === 0 ? 'NaN' : avg) : percentile;
  return {
    min: values.length === 0 ? 0 : Math.min(...values),
    max: values.length === 0 ? 0 : Math.max(...values),
    avg,
    ...Object.fromEntries(PERCENTILES.map((name) => [name, shown])),
  };
}

interface Figures {
  acknowledged: number;
  subtasks: number;
  latestAckAt: number;
}

function figuresJson(job: FakeJob, snapshot: Snapshot, { acknowledged, subtasks, latestAckAt }: Figures): JsonObject {
  const size = acknowledged * job.bytesPerSubtask;
  return {
    latest_ack_timestamp: acknowledged === 0 ? -1 : latestAckAt,
    checkpointed_size: size,
    state_size: size,
    end_to_end_duration: acknowledged === 0 ? -1 : latestAckAt - snapshot.triggeredAt,
    alignment_buffered: 0,
    processed_data: acknowledged * PROCESSED_PER_SUBTASK,
    persisted_data: 0,
    num_subtasks: subtasks,
    num_acknowledged_subtasks: acknowledged,
  };
}

/** Subtasks acknowledge in the order of the vertices, the first subtask first. */
function acknowledgedOf(snapshot: Snapshot, vertexIndex: number): number {
  const before = snapshot.vertices.slice(0, vertexIndex).reduce((sum, vertex) => sum + vertex.parallelism, 0);
  const parallelism = snapshot.vertices[vertexIndex]?.parallelism ?? 0;
  return Math.min(parallelism, Math.max(0, snapshot.progress().acknowledged - before));
}

function vertexJson(job: FakeJob, snapshot: Snapshot, vertexIndex: number): JsonObject {
  const acknowledged = acknowledgedOf(snapshot, vertexIndex);
  const subtasks = snapshot.vertices[vertexIndex]?.parallelism ?? 0;
  const { latestAckAt } = snapshot.progress();
  return {
    id: snapshot.id,
    status: snapshot.status,
    ...figuresJson(job, snapshot, { acknowledged, subtasks, latestAckAt }),
  };
}

function entryJson(job: FakeJob, snapshot: Snapshot): JsonObject {
  const { acknowledged, latestAckAt } = snapshot.progress();
  const isSavepoint = snapshot.type !== 'CHECKPOINT';
  const extra =
    snapshot.status === 'COMPLETED'
      ? { external_path: snapshot.location ?? '<checkpoint-not-externally-addressable>', discarded: snapshot.discarded }
      : snapshot.status === 'FAILED'
        ? { failure_timestamp: snapshot.failedAt, failure_message: snapshot.failureMessage }
        : {};
  return {
    className: snapshot.status.toLowerCase(),
    id: snapshot.id,
    status: snapshot.status,
    is_savepoint: isSavepoint,
    savepointFormat: snapshot.format,
    trigger_timestamp: snapshot.triggeredAt,
    ...figuresJson(job, snapshot, { acknowledged, subtasks: snapshot.subtasks, latestAckAt }),
    checkpoint_type: snapshot.type,
    tasks: {},
    ...extra,
  };
}

function subtasksJson(job: FakeJob, snapshot: Snapshot, vertexIndex: number): JsonObject {
  const acknowledged = acknowledgedOf(snapshot, vertexIndex);
  const { latestAckAt } = snapshot.progress();
  const durationMs = latestAckAt - snapshot.triggeredAt;
  const subtasks = Array.from({ length: snapshot.vertices[vertexIndex]?.parallelism ?? 0 }, (_, index): JsonObject => {
    if (index >= acknowledged) return { className: 'pending', index, status: 'pending_or_failed' };
    return {
      className: 'completed',
      index,
      ack_timestamp: latestAckAt,
      end_to_end_duration: durationMs,
      checkpointed_size: job.bytesPerSubtask,
      state_size: job.bytesPerSubtask,
      checkpoint: { sync: 0, async: 1 },
      alignment: { buffered: 0, processed: PROCESSED_PER_SUBTASK, persisted: 0, duration: 0 },
      start_delay: 1,
      unaligned_checkpoint: false,
      aborted: false,
      status: 'completed',
    };
  });
  const each = (value: number): JsonObject =>
    spread(
      Array.from({ length: acknowledged }, () => value),
      'NaN',
    );
  return {
    ...vertexJson(job, snapshot, vertexIndex),
    summary: {
      checkpointed_size: each(job.bytesPerSubtask),
      state_size: each(job.bytesPerSubtask),
      end_to_end_duration: each(durationMs),
      checkpoint_duration: { sync: each(0), async: each(1) },
      alignment: {
        buffered: spread([], 0),
        processed: each(PROCESSED_PER_SUBTASK),
        persisted: each(0),
        duration: each(0),
      },
      start_delay: each(1),
    },
    subtasks,
  };
}

/** Everything at one moment: Flink caches it as a whole. */
export function viewCheckpoints(job: FakeJob, historySize: number): CheckpointView {
  const entries = job.snapshots.map((snapshot) => ({ snapshot, json: entryJson(job, snapshot) }));
  const newest = (matches: (snapshot: Snapshot) => boolean): (typeof entries)[number] | undefined =>
    entries.find(({ snapshot }) => matches(snapshot));
  const latest = {
    completed: newest((entry) => entry.status === 'COMPLETED' && entry.type === 'CHECKPOINT'),
    savepoint: newest((entry) => entry.status === 'COMPLETED' && entry.type !== 'CHECKPOINT'),
    failed: newest((entry) => entry.status === 'FAILED'),
  };
  const completed = entries.filter(({ snapshot }) => snapshot.status === 'COMPLETED');
  const column = (name: string): number[] => completed.map(({ json }) => Number(json[name]));
  const columns = ['checkpointed_size', 'state_size', 'end_to_end_duration', 'processed_data', 'persisted_data'];
  const listed = entries.slice(0, historySize);
  const readable = new Set([...listed, latest.completed, latest.savepoint, latest.failed]);
  const view: CheckpointView = {
    overview: {
      counts: {
        restored: job.counts.restored,
        total: job.counts.total,
        in_progress: entries.filter(({ snapshot }) => snapshot.status === 'IN_PROGRESS').length,
        completed: completed.length,
        failed: job.counts.failed,
      },
      summary: {
        ...Object.fromEntries(columns.map((name) => [name, spread(column(name), 'VALUE')])),
        alignment_buffered: spread(column('alignment_buffered'), 0),
      },
      latest: {
        completed: latest.completed?.json ?? null,
        savepoint: latest.savepoint?.json ?? null,
        failed: latest.failed?.json ?? null,
        restored: job.restored && {
          id: job.restored.id,
          restore_timestamp: job.restored.at,
          is_savepoint: job.restored.isSavepoint,
          external_path: job.restored.location,
        },
      },
      history: listed.map(({ json }) => json),
    },
    details: new Map(),
    subtasks: new Map(),
  };
  for (const entry of readable) {
    if (entry === undefined) continue;
    const { snapshot, json } = entry;
    const tasks = Object.fromEntries(
      snapshot.vertices.map((vertex, index) => [vertex.id, vertexJson(job, snapshot, index)]),
    );
    view.details.set(snapshot.id, { ...json, tasks });
    snapshot.vertices.forEach((vertex, index) => {
      view.subtasks.set(`${String(snapshot.id)}/${vertex.id}`, subtasksJson(job, snapshot, index));
    });
  }
  return view;
}
