import type { FlinkJobOverview, FlinkJobState } from '../flink/flink.types.js';
import { DeploymentState } from '../deployment/deployment.entity.js';
import { JobFailureCode, JobState } from './job.entity.js';

/** Flink still runs it, or may be about to. */
export const liveJobStates = [
  JobState.SUBMITTING,
  JobState.INITIALIZING,
  JobState.RUNNING,
  JobState.RESTARTING,
  JobState.STOPPING,
] as const satisfies readonly JobState[];

/** Ends that Flink did not show: what became of the run, and of what was begun of it, is not known. */
const unseenEnds: readonly (JobFailureCode | null)[] = [
  JobFailureCode.JOB_LOST,
  JobFailureCode.END_UNKNOWN,
  JobFailureCode.DECLARED_LOST,
  JobFailureCode.CLUSTER_REPLACED,
];
export const endedUnseen = (code: JobFailureCode | null): boolean => unseenEnds.includes(code);

export const isLive = (state: JobState): boolean => (liveJobStates as readonly JobState[]).includes(state);

/** Every task is RUNNING or FINISHED: Flink's own RUNNING comes before that, and a trigger is refused until then (seen on 2.3.0 and 1.20.5). */
export function everyTaskRuns({ state, tasks }: Pick<FlinkJobOverview, 'state' | 'tasks'>): boolean {
  const total = tasks.TOTAL ?? 0;
  return state === 'RUNNING' && total > 0 && (tasks.RUNNING ?? 0) + (tasks.FINISHED ?? 0) === total;
}

/**
 * Our state of a job that Flink shows so. Before it started (`startedBefore` false) whatever is not an end is
 * INITIALIZING; afterwards the same signs mean that Flink is recovering it.
 */
export function jobStateOf(seen: Pick<FlinkJobOverview, 'state' | 'tasks'>, startedBefore: boolean): JobState {
  const ends: Partial<Record<FlinkJobState, JobState>> = {
    FINISHED: JobState.FINISHED,
    CANCELED: JobState.CANCELLED,
    FAILED: JobState.FAILED,
  };
  const end = ends[seen.state];
  if (end) return end;
  if (seen.state === 'CANCELLING') return JobState.STOPPING;
  if (everyTaskRuns(seen)) return JobState.RUNNING;
  const recovering: FlinkJobState[] = ['RESTARTING', 'FAILING', 'SUSPENDED', 'RECONCILING'];
  return startedBefore || recovering.includes(seen.state) ? JobState.RESTARTING : JobState.INITIALIZING;
}

/** What a deployment is said to be while its current job has this state. */
export function deploymentStateOf(job: JobState): DeploymentState {
  switch (job) {
    case JobState.SUBMITTING:
    case JobState.INITIALIZING:
      return DeploymentState.STARTING;
    case JobState.RUNNING:
      return DeploymentState.RUNNING;
    case JobState.RESTARTING:
      return DeploymentState.RESTARTING;
    case JobState.STOPPING:
      return DeploymentState.STOPPING;
    case JobState.CANCELLED:
      return DeploymentState.CANCELLED;
    case JobState.FINISHED:
      return DeploymentState.FINISHED;
    case JobState.FAILED:
      return DeploymentState.FAILED;
  }
}

/** What a job that does not fully run waits for, in words; null when it waits for nothing that the counts show. */
export function waitingFor(
  { state, tasks }: Pick<FlinkJobOverview, 'state' | 'tasks'>,
  slotsAvailable: number | null,
): string | null {
  if (state === 'INITIALIZING' || state === 'CREATED') return 'the JobManager to set the job up';
  if (state === 'RESTARTING' || state === 'FAILING') return 'Flink to restart it after a failure';
  const total = tasks.TOTAL ?? 0;
  const scheduled = (tasks.SCHEDULED ?? 0) + (tasks.CREATED ?? 0);
  if (scheduled > 0)
    return `slots: ${scheduled} of ${total} tasks wait for one, ${slotsAvailable ?? 'an unknown number'} free`;
  const restoring = (tasks.INITIALIZING ?? 0) + (tasks.DEPLOYING ?? 0);
  if (restoring > 0) return `tasks starting or restoring: ${restoring} of ${total}`;
  return null;
}
