import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectFolder } from '../project-folder.js';

/** Replies captured from real clusters (demo/fake-flink/replies/<version>/<name>.json), turned into replies of the fake by exchanging ids and paths. */

export type FlinkVersion = '2.3.0' | '1.20.5';

export interface Reply {
  status: number;
  body: unknown;
  contentType?: string;
  headers?: Record<string, string>;
}

interface Captured extends Reply {
  request: { method: string; path: string; body?: unknown };
}

/** `operation.failure-cause` of a poll, `failure-cause` of an execution result. */
export interface FailureCause {
  class: string;
  'stack-trace': string;
  'serialized-throwable': string;
}

export type JsonObject = Record<string, unknown>;

const root = pathToFileURL(join(projectFolder(), 'demo', 'fake-flink', 'replies', '/'));
const cache = new Map<string, string>();

export function hasCaptured(version: FlinkVersion, name: string): boolean {
  return /^[A-Za-z0-9.-]+$/.test(name) && existsSync(new URL(`${version}/${name}.json`, root));
}

/** A fresh copy of one captured case. Throws when there is none of that name. */
export function captured(version: FlinkVersion, name: string): Captured {
  const key = `${version}/${name}.json`;
  let text = cache.get(key);
  if (text === undefined) {
    text = readFileSync(new URL(key, root), 'utf8');
    cache.set(key, text);
  }
  return JSON.parse(text) as Captured;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Applies `change` to every text of a JSON value. */
export function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTexts(item, change)]));
}

function replaceEach(text: string, pairs: [string, string][]): string {
  return pairs.reduce((result, [from, to]) => result.split(from).join(to), text);
}

/**
 * The captured reply with the ids in its request path exchanged, in their order (job id, then trigger id; or a jar id),
 * and with further texts exchanged as `replacements` says.
 */
export function replyLike(
  version: FlinkVersion,
  name: string,
  ids: string[] = [],
  replacements: [string, string][] = [],
): Reply {
  const { request, status, body } = captured(version, name);
  const known = request.path.match(/(?<=^\/jars\/)[^/]+\.jar|[0-9a-f]{32}/g) ?? [];
  const idPairs = known.flatMap((from, index): [string, string][] => {
    const to = ids[index];
    return to === undefined ? [] : [[from, to]];
  });
  return { status, body: mapTexts(body, (text) => replaceEach(text, [...replacements, ...idPairs])) };
}

/** First error text of the captured reply: to find the part that a case wants to exchange. */
export function firstError(version: FlinkVersion, name: string): string {
  const { body } = captured(version, name);
  const errors = isObject(body) && Array.isArray(body['errors']) ? (body['errors'] as unknown[]) : [];
  return errors.filter((text): text is string => typeof text === 'string').join('\n');
}

/** The failure in a captured poll (savepoint, stop, disposal) or execution result, else null. */
export function failureCauseIn(body: unknown): FailureCause | null {
  if (!isObject(body)) return null;
  for (const part of [body['operation'], body['job-execution-result']]) {
    if (isObject(part) && isObject(part['failure-cause'])) return part['failure-cause'] as unknown as FailureCause;
  }
  return null;
}

/** Message of the innermost link of a stack trace, as Flink writes it into the checkpoint history. */
export function rootMessage(stackTrace: string): string {
  const heads = stackTrace.split('\n').filter((line, index) => index === 0 || line.startsWith('Caused by: '));
  return (heads.at(-1) ?? '').replace(/^Caused by: /, '').replace(/^[\w.$]+: /, '');
}
