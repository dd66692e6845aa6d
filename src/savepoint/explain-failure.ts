import type { FlinkCause, VertexAcknowledgement } from '../flink/flink.types.js';
import { SavepointFailureCode } from './savepoint.enums.js';

export interface Failure {
  code: SavepointFailureCode;
  message: string;
  cause: FlinkCause | null;
}

const seconds = (ms: number) => `${Math.round(ms / 100) / 10} s`;

/** Who has not acknowledged: `counter 2 of 4 (subtasks 1, 3)`. */
export function describePending(vertices: (VertexAcknowledgement & { name?: string })[]): string {
  return vertices
    .filter((vertex) => vertex.acknowledged < vertex.subtasks)
    .map((vertex) => {
      const which = vertex.pending && vertex.pending.length > 0 ? ` (subtasks ${vertex.pending.join(', ')})` : '';
      return `${vertex.name ?? vertex.vertexId} ${vertex.acknowledged} of ${vertex.subtasks}${which}`;
    })
    .join('; ');
}

export interface FailureContext {
  timeoutMs: number | null;
  elapsedMs: number;
  /** From {@link describePending}; null when it could not be read. */
  pending: string | null;
}

/** What Flink's failure means for a person: what happened, and what to do. */
export function explainFailure(code: SavepointFailureCode, cause: FlinkCause, context: FailureContext): Failure {
  const said = `Flink says: ${cause.summary}`;
  const text: Partial<Record<SavepointFailureCode, string>> = {
    TASKS_NOT_RUNNING:
      'Not every task of the job was running when Flink was asked. Wait until the deployment is RUNNING and ask again.',
    ABORTED:
      'The job was interrupted while the savepoint was made (a task failed, a TaskManager was lost, or the job was cancelled). When the deployment is RUNNING again, ask again.',
    ABORTED_BY_STOP: 'A stop of the job ended it. Nothing to do.',
    STORAGE_ERROR:
      'Flink could not write to the storage. Check that the path exists, and that JobManager and TaskManagers may write there.',
    JOB_ENDED: 'The job had ended in Flink. Start the deployment, then ask again.',
    FLINK_ERROR: 'Flink answered with an error.',
    EXPIRED:
      `It was not complete within ${context.timeoutMs === null ? 'the checkpoint timeout' : `the checkpoint timeout of ${seconds(context.timeoutMs)}`} ` +
      `(elapsed: ${seconds(context.elapsedMs)}).${context.pending ? ` Not acknowledged: ${context.pending}.` : ''} ` +
      'Raise execution.checkpointing.timeout of the job at its next start, relieve backpressure, or use the NATIVE format.',
  };
  return { code, message: `${text[code] ?? 'It failed.'} ${said}`, cause };
}
