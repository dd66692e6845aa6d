import type { JsonObject } from './captured-replies.js';
import type { FakeJob } from './fake-job.js';
import { isSavepoint, latestOf } from './job-checkpoints.js';
import type { Snapshot } from './job-checkpoints.js';

/** The checkpoint statistics of a job in Flink's words. The same on 2.3.0 and 1.20.5. */

export interface CheckpointView {
  /** Reply of `/jobs/:id/checkpoints`. */
  overview: JsonObject;
  /** Reply of `/details/:id`; undefined for an id that is not readable any more. */
  details: (id: number) => JsonObject | undefined;
  /** Reply of `/details/:id/subtasks/:vertex`. */
  subtasks: (id: number, vertexId: string) => JsonObject | undefined;
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
    is_savepoint: isSavepoint(snapshot),
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
  const { counts, restored, snapshots } = job.checkpoints;
  const frozen = snapshots.map((snapshot): Snapshot => {
    const progress = snapshot.progress();
    return { ...snapshot, progress: () => progress };
  });
  const [completed, savepoint, failed] = latestOf(frozen);
  const listed = frozen.slice(0, historySize);
  const jsonOf = (snapshot: Snapshot | undefined): JsonObject | null => (snapshot ? entryJson(job, snapshot) : null);
  const find = (id: number): Snapshot | undefined =>
    [...listed, completed, savepoint, failed].find((snapshot) => snapshot?.id === id);
  const ofVertex = (id: number, vertexId: string): JsonObject | undefined => {
    const snapshot = find(id);
    const index = snapshot?.vertices.findIndex((vertex) => vertex.id === vertexId) ?? -1;
    return snapshot === undefined || index < 0 ? undefined : subtasksJson(job, snapshot, index);
  };
  return {
    overview: {
      counts: {
        restored: counts.restored,
        total: counts.total,
        in_progress: frozen.filter(({ status }) => status === 'IN_PROGRESS').length,
        completed: counts.completed,
        failed: counts.failed,
      },
      summary: summaryJson(frozen.filter(({ status }) => status === 'COMPLETED').map((one) => entryJson(job, one))),
      latest: {
        completed: jsonOf(completed),
        savepoint: jsonOf(savepoint),
        failed: jsonOf(failed),
        restored: restored && {
          id: restored.id,
          restore_timestamp: restored.at,
          is_savepoint: restored.isSavepoint,
          external_path: restored.location,
        },
      },
      history: listed.map(jsonOf),
    },
    details: (id) => {
      const snapshot = find(id);
      if (snapshot === undefined) return undefined;
      const tasks = snapshot.vertices.map((vertex, index) => [vertex.id, vertexJson(job, snapshot, index)]);
      return { ...entryJson(job, snapshot), tasks: Object.fromEntries(tasks) as JsonObject };
    },
    subtasks: ofVertex,
  };
}

/** Over the entries that are still known; Flink sums up more. */
function summaryJson(completed: JsonObject[]): JsonObject {
  const column = (name: string): number[] => completed.map((json) => Number(json[name]));
  const columns = ['checkpointed_size', 'state_size', 'end_to_end_duration', 'processed_data', 'persisted_data'];
  return {
    ...Object.fromEntries(columns.map((name) => [name, spread(column(name), 'VALUE')])),
    alignment_buffered: spread(column('alignment_buffered'), 0),
  };
}
