import type { FlinkCause } from './flink.types.js';
import { readCause } from './root-cause.js';

/**
 * Which of a job's stack traces, newest first, says why it failed. After a TaskManager is lost the history fills with
 * NoResourceAvailableException (16 entries within seconds, 1.20.5 and 2.3.0), and a failed stop is listed before the
 * exception that made it fail: such a trace counts only when there is no other.
 */
export function chooseJobFailure(stackTraces: string[]): FlinkCause | null {
  const causes = stackTraces.map(readCause);
  return causes.find((cause) => !isConsequence(cause)) ?? causes[0] ?? null;
}

function isConsequence(cause: FlinkCause): boolean {
  const innermost = cause.classes.at(-1) ?? '';
  return (
    innermost.endsWith('.NoResourceAvailableException') ||
    innermost.endsWith('.StopWithSavepointStoppingException') ||
    /^(?:Recovery is suppressed|The failure is not recoverable)/.test(cause.messages.at(-1) ?? '')
  );
}
