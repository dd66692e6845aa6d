import { captured, failureCauseIn, hasCaptured, isObject, mapTexts, replyLike } from './captured-replies.js';
import { rootMessage } from './captured-replies.js';
import type { FailureCause, JsonObject } from './captured-replies.js';
import type { Cluster } from './cluster.js';
import type { FakeJob } from './fake-job.js';
import type { FoldedLocation } from './snapshot-files.js';

/** Why a savepoint or a stop fails, in the words of captured polls. */

export type OperationKind = 'SAVEPOINT' | 'STOP';

/** A captured poll that failed, and what of its texts is exchanged. */
export interface FailureText {
  fixture: string;
  replacements?: [string, string][];
  /** `Caused by` lines that the captured trace does not have. */
  causes?: string;
}

interface Failed {
  kind: OperationKind;
  jobId: string;
  triggerId: string;
}

/** The `operation` of the poll. */
export function failedOperation(cluster: Cluster, failed: Failed, text: FailureText): JsonObject {
  const { fixture, replacements = [], causes = '' } = text;
  const name = variantOf(cluster, fixture);
  const { body } = replyLike(cluster.version, name, [failed.jobId, failed.triggerId]);
  const changed = mapTexts(body, (part) =>
    replacements.reduce((result, [from, to]) => result.replaceAll(from, to), part),
  );
  if (!isObject(changed) || !isObject(changed['operation'])) throw new Error(`${name} is no poll of an operation`);
  const cause = failureCauseIn(changed);
  if (cause !== null) {
    cause['stack-trace'] += causes;
    if (cluster.isAdaptive && failed.kind === 'STOP') wrapAsAdaptive(cluster, cause);
  }
  return changed['operation'];
}

/** As the checkpoint history words it: what the checkpoint coordinator says, without what made it say so. */
export function messageInHistory(operation: JsonObject): string {
  const trace = failureCauseIn({ operation })?.['stack-trace'] ?? '';
  return /CheckpointException: ([^\n]*)/.exec(trace)?.[1] ?? rootMessage(trace);
}

/** The location that a captured failure says was written all the same; null where it names none. */
export function savepointIn(cluster: Cluster, fixture: string): string | null {
  const trace = failureCauseIn(captured(cluster.version, variantOf(cluster, fixture)).body)?.['stack-trace'] ?? '';
  return namedSavepoint(trace);
}

export function namedSavepoint(stackTrace: string): string | null {
  return /A savepoint has been created at: (.+?), but the corresponding job/.exec(stackTrace)?.[1] ?? null;
}

/** Why nothing can be triggered now. `counts`: the attempt shows in the job's counts, without an entry. */
export function obstacleOf(
  job: FakeJob | undefined,
  kind: OperationKind,
  { isAdaptive }: Cluster,
): { fixture: string; counts: boolean } | null {
  if (job === undefined) return { fixture: 'savepoint-poll-failed-unknown-job', counts: false };
  if (job.hasEnded()) return { fixture: 'savepoint-poll-failed-job-ended', counts: false };
  if (job.state === 'INITIALIZING') return { fixture: 'savepoint-poll-failed-job-initializing', counts: false };
  if (job.state !== 'RUNNING') {
    const prefix = isAdaptive ? `${kind.toLowerCase()}-poll` : 'savepoint-poll';
    return { fixture: `${prefix}-failed-restarting`, counts: !isAdaptive };
  }
  return job.allTasksRun() ? null : { fixture: 'savepoint-poll-failed-tasks-initializing', counts: true };
}

/** Why nothing can be written to a location of this form. */
export function refusalOf(folded: Exclude<FoldedLocation, { kind: 'location' }>, target: string): FailureText {
  if (folded.kind === 'scheme') {
    const replacements: [string, string][] = [["'nofs'", `'${folded.scheme}'`]];
    return { fixture: 'savepoint-poll-failed-unknown-scheme', replacements };
  }
  const fixture = 'savepoint-poll-failed-unwritable';
  const failure = 'Failed to create savepoint directory at file:/proc/nowhere';
  if (folded.kind === 'authority') {
    const problem = `Found local file path with authority '${folded.authority}' in path '${target}'. Hint: Did you forget a slash? (correct path would be 'file:///${folded.authority}')`;
    return { fixture, replacements: [[failure, problem]] };
  }
  const problem = 'java.lang.IllegalArgumentException: Can not create a Path from an empty string';
  const replacements: [string, string][] = [
    ['An Exception occurred while triggering the checkpoint. IO-problem detected.', 'Trigger checkpoint failure.'],
    [`java.io.IOException: ${failure}`, problem],
  ];
  return { fixture, replacements };
}

/** A fixture of its own for the adaptive scheduler where there is one; some were captured there alone. */
export function variantOf({ version, isAdaptive }: Cluster, fixture: string): string {
  const adaptive = `${fixture}-adaptive`;
  const wanted = isAdaptive && hasCaptured(version, adaptive) ? adaptive : fixture;
  return hasCaptured(version, wanted) ? wanted : adaptive;
}

/** Says of itself that it is a stop that was not completed; only what was not even begun is told without that. */
const WRAPPED = 'Stop with savepoint operation could not be completed.';
const NOT_BEGUN = /FlinkJobNotFoundException|UnavailableDispatcherOperationException|currently not executing/;

/** The adaptive scheduler puts one more exception around whatever ends a stop (2.3.0, 1.20.5). */
function wrapAsAdaptive({ version }: Cluster, cause: FailureCause): void {
  const trace = cause['stack-trace'];
  if (trace.includes(WRAPPED) || NOT_BEGUN.test(trace)) return;
  const like = failureCauseIn(captured(version, 'stop-poll-savepoint-failed-adaptive').body)?.['stack-trace'] ?? '';
  const head = like.split('Caused by: ').slice(0, 2).join('Caused by: ');
  cause['stack-trace'] = `${head}Caused by: ${trace}`;
}
