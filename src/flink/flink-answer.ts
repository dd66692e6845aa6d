import type { z } from 'zod';
import { AppError } from '../errors.js';
import type { FlinkAnswer } from './flink-http.js';
import type { FlinkReply } from './flink.types.js';
import { readCause, readCauseOfErrors } from './root-cause.js';

const ADDRESS_ADVICE = "Check that the address, with its path, is a JobManager's REST address.";

/** Statuses by which a proxy, or a JobManager without a leader, says that no Flink has answered. */
const NOBODY_HOME: Record<number, string> = {
  502: 'a proxy on the way got no answer from Flink. Look whether the JobManager is running.',
  503: 'no JobManager leads there yet. It passes by itself when one does; else look whether the JobManager is running.',
  504: 'a proxy on the way waited in vain for Flink. Look whether the JobManager is overloaded, paused or cut off.',
};

/** The strings of Flink's error body, whatever the status; null for anything else, such as a proxy's page. */
export function readErrors(answer: FlinkAnswer): string[] | null {
  const body = tryJson(answer.text);
  if (typeof body !== 'object' || body === null || !('errors' in body) || !Array.isArray(body.errors)) return null;
  return body.errors.every((error) => typeof error === 'string') && body.errors.length > 0 ? body.errors : null;
}

/**
 * The content of an answer to a read.
 * @throws AppError FLINK_UNREACHABLE for 502, 503 and 504; FLINK_ERROR for another error of Flink's, with its root cause;
 * NOT_A_FLINK for everything that is not an answer of Flink to this question, a 404 included.
 */
export function readContent<T>(answer: FlinkAnswer, schema: z.ZodType<T>): T {
  if (answer.status < 400) return parseContent(answer, schema);
  const nobody = NOBODY_HOME[answer.status];
  if (nobody) throw new AppError('FLINK_UNREACHABLE', `${answer.call} answered ${answer.status}: ${nobody}`);
  const errors = readErrors(answer);
  if (!errors || answer.status === 404) {
    const said = errors ? rootCauseOf(errors) : describeBody(answer);
    throw new AppError('NOT_A_FLINK', `${answer.call} answered ${answer.status} with ${said}. ${ADDRESS_ADVICE}`);
  }
  throw new AppError(
    'FLINK_ERROR',
    `${answer.call} answered ${answer.status}: ${rootCauseOf(errors)}. Look into the JobManager's log.`,
  );
}

/**
 * The reply to an effect: from 400 on a refusal, whoever sent it.
 * @throws AppError NOT_A_FLINK when it was accepted with a body of another shape; FLINK_UNREACHABLE for what a
 * proxy says in place of Flink (5xx, 408, 429, 499 without Flink's own error body): the effect may have happened.
 */
export function readReply<T extends object>(answer: FlinkAnswer, schema: z.ZodType<T>): FlinkReply<T> {
  const { status } = answer;
  if (status < 400) return { outcome: 'ACCEPTED', ...parseContent(answer, schema) };
  const errors = readErrors(answer);
  if (!errors && mayHaveHappened(status)) {
    const said = NOBODY_HOME[status] ?? `${describeBody(answer)}, which is not Flink's.`;
    throw new AppError('FLINK_UNREACHABLE', `${answer.call} answered ${status}: ${said}`);
  }
  const cause = errors ? readCauseOfErrors(errors) : readCause(`The answer was ${describeBody(answer)}.`);
  return { outcome: 'REFUSED', status, cause };
}

const mayHaveHappened = (status: number): boolean => status >= 500 || [408, 429, 499].includes(status);

function parseContent<T>(answer: FlinkAnswer, schema: z.ZodType<T>): T {
  const body = tryJson(answer.text);
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const why =
    body === undefined
      ? describeBody(answer)
      : `JSON of another shape (${issue?.path.join('.') || 'at its top'}: ${issue?.message ?? 'unknown'})`;
  throw new AppError('NOT_A_FLINK', `${answer.call} answered ${answer.status} with ${why}. ${ADDRESS_ADVICE}`, {
    cause: parsed.error,
  });
}

/** Within a sentence: without a full stop of its own. */
function rootCauseOf(errors: string[]): string {
  return readCauseOfErrors(errors).summary.replace(/\.$/, '');
}

/** undefined, which no JSON text means, when it is not JSON. */
function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function describeBody(answer: FlinkAnswer): string {
  const text = answer.text.trim();
  if (text === '') return 'an empty body';
  const kind =
    /^<(?:!doctype html|html)/i.test(text) || answer.contentType.includes('html') ? 'an HTML page' : 'a text';
  const title = /<title>([^<]{1,100})<\/title>/i.exec(text)?.[1] ?? text.slice(0, 100);
  return `${kind} ("${title.replace(/[\s\p{Cc}]+/gu, ' ').trim()}")`;
}
