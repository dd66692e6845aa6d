import { captured, failureCauseIn, hasCaptured, isObject, mapTexts } from './captured-replies.js';
import type { FlinkVersion, JsonObject } from './captured-replies.js';

export interface Failure {
  class: string;
  stackTrace: string;
  /** The adaptive scheduler shows some failures in the execution result only. */
  inHistory: boolean;
  /** What else the captured entry of the history tells: `concurrentExceptions`, the task. */
  entry: JsonObject;
  /** `all-exceptions` of 1.20. */
  ofTasks: unknown[];
}

/** Reads a captured reply (`exceptions-…`, `execution-result-…`, a failed poll) by its name; any other text is a stack trace. */
export function readFailure(version: FlinkVersion, text: string, jobId: string): Failure {
  if (!hasCaptured(version, text)) {
    const name = /^[\w.$]+/.exec(text)?.[0] ?? 'java.lang.Exception';
    return { class: name, stackTrace: text, inHistory: true, entry: {}, ofTasks: [] };
  }
  const { body, request } = captured(version, text);
  const foreignId = /[0-9a-f]{32}/.exec(request.path)?.[0] ?? '';
  const own = (trace: string): string => (foreignId === '' ? trace : trace.replaceAll(foreignId, jobId));
  const cause = failureCauseIn(body);
  if (cause !== null) {
    return {
      class: cause.class,
      stackTrace: own(cause['stack-trace']),
      inHistory: !/^execution-result.*-adaptive$/.test(text),
      entry: {},
      ofTasks: [],
    };
  }
  const history = isObject(body) && isObject(body['exceptionHistory']) ? body['exceptionHistory']['entries'] : [];
  const first: unknown = Array.isArray(history) ? history[0] : undefined;
  if (!isObject(first)) throw new Error(`No failure is captured in ${version}/${text}`);
  const { exceptionName, stacktrace, ...entry } = mapTexts(first, own) as JsonObject;
  const ofTasks = isObject(body) && Array.isArray(body['all-exceptions']) ? (body['all-exceptions'] as unknown[]) : [];
  return { class: String(exceptionName), stackTrace: String(stacktrace), inHistory: true, entry, ofTasks };
}
