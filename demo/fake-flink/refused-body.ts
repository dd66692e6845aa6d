import { captured, firstError, replyLike } from './captured-replies.js';
import type { FlinkVersion, Reply } from './captured-replies.js';
import type { Cluster } from './cluster.js';

/** Request bodies that Jackson cannot read: a 400 in Flink's words, the same on 2.3.0 and 1.20.5 where no version is named. */

const JACKSON = 'org.apache.flink.shaded.jackson2.com.fasterxml.jackson';
const MESSAGES = 'org.apache.flink.runtime.rest.messages';
const CLASSES = {
  JarRunRequestBody: 'org.apache.flink.runtime.webmonitor.handlers.JarRunRequestBody',
  StopWithSavepointRequestBody: `${MESSAGES}.job.savepoints.stop.StopWithSavepointRequestBody`,
  SavepointTriggerRequestBody: `${MESSAGES}.job.savepoints.SavepointTriggerRequestBody`,
  CheckpointTriggerRequestBody: `${MESSAGES}.checkpoints.CheckpointTriggerRequestBody`,
  SavepointDisposalRequest: `${MESSAGES}.job.savepoints.SavepointDisposalRequest`,
  EmptyRequestBody: `${MESSAGES}.EmptyRequestBody`,
};
export type BodyClass = keyof typeof CLASSES;

const CLASS_OF_PATH: [RegExp, BodyClass][] = [
  [/\/run$/, 'JarRunRequestBody'],
  [/\/stop$/, 'StopWithSavepointRequestBody'],
  [/\/savepoints$/, 'SavepointTriggerRequestBody'],
  [/\/checkpoints$/, 'CheckpointTriggerRequestBody'],
  [/^\/savepoint-disposal$/, 'SavepointDisposalRequest'],
];

/** Java's words for the start of a body; from 2.x on it does not show what it reads. */
const SOURCE: Record<FlinkVersion, string> = {
  '2.3.0': '[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 1]',
  '1.20.5': '[Source: (org.apache.flink.shaded.netty4.io.netty.buffer.ByteBufInputStream); line: 1, column: 1]',
};

/** Heads of a `Caused by` chain, outermost first; null: it can be read. */
export type Unreadable = string[] | null;

const ID = /^[0-9a-f]{32}$/i;
const invalid = (text: string): string[] => [`${JACKSON}.databind.exc.InvalidFormatException: ${text}`];
const mismatched = (text: string): string[] => [`${JACKSON}.databind.exc.MismatchedInputException: ${text}`];
const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** The 400 of a body that cannot be read. */
export function refuseBody(cluster: Cluster, bodyClass: BodyClass, causes: string[]): Reply {
  const name = 'run-refused-bad-claim-mode';
  const [head = ''] = firstError(cluster.version, name).split('Caused by: ');
  const { status } = captured(cluster.version, name);
  const trace = head.replaceAll('JarRunRequestBody', bodyClass);
  return { status, body: { errors: [trace + causes.map((cause) => `Caused by: ${cause}\n\t... 37 more\n`).join('')] } };
}

/** The 400 of a text that is no JSON object. */
export function refuseText(cluster: Cluster, pathname: string, text: string): Reply {
  const bodyClass = CLASS_OF_PATH.find(([pattern]) => pattern.test(pathname))?.[1] ?? 'EmptyRequestBody';
  return refuseBody(cluster, bodyClass, whyNoObject(cluster.version, bodyClass, text));
}

function whyNoObject(version: FlinkVersion, bodyClass: BodyClass, text: string): string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const token = /^\s*([A-Za-z_$][\w$]*)/.exec(text)?.[1];
    if (token !== undefined) {
      const wanted = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
      return [`${JACKSON}.core.JsonParseException: Unrecognized token '${token}': was expecting ${wanted}`];
    }
    const where =
      text.trim() === '{'
        ? `: expected close marker for Object (start marker at ${SOURCE[version]})`
        : ' within/between Object entries';
    return [`${JACKSON}.core.io.JsonEOFException: Unexpected end-of-input${where}`];
  }
  const type = CLASSES[bodyClass];
  if (Array.isArray(value)) return wrongType(type, value);
  const [argument, from] =
    typeof value === 'string'
      ? ['String', `String value ('${value}')`]
      : typeof value === 'number'
        ? ['int/Int', `Number value (${String(value)})`]
        : ['boolean/Boolean', `Boolean value (${String(value)})`];
  return noConstructor(type, argument, from);
}

function wrongType(type: string, value: unknown): string[] {
  const [kind, token] = Array.isArray(value) ? ['Array', 'START_ARRAY'] : ['Object', 'START_OBJECT'];
  return mismatched(`Cannot deserialize value of type \`${type}\` from ${kind} value (token \`JsonToken.${token}\`)`);
}

function noConstructor(type: string, argument: string, from: string): string[] {
  return mismatched(
    `Cannot construct instance of \`${type}\` (although at least one Creator exists): ` +
      `no ${argument}-argument constructor/factory method to deserialize from ${from}`,
  );
}

/** What Java says of bytes in hex that are no id. */
function problemOfId(text: string): string {
  const bytes = text.match(/../gs) ?? [];
  const first = bytes.find((byte) => !/^[0-9a-f]{2}$/i.test(byte));
  return first === undefined
    ? 'java.lang.IllegalArgumentException: Argument bytes must by an array of 16 bytes'
    : `java.lang.NumberFormatException: For input string: "${first}" under radix 16`;
}

export function wrongTriggerId(bodyClass: BodyClass, value: unknown): Unreadable {
  if (value == null || (typeof value === 'string' && ID.test(value))) return null;
  const problem = problemOfId(shown(value));
  const message = problem.replace(/^[\w.]+: /, '');
  const chain = `(through reference chain: ${CLASSES[bodyClass]}["triggerId"])`;
  return [`${JACKSON}.databind.JsonMappingException: ${message} ${chain}`, problem];
}

export function wrongJobId(value: unknown, exampleId: string): Unreadable {
  if (value == null || (typeof value === 'string' && ID.test(value))) return null;
  const text = shown(value);
  const message = `Cannot parse JobID from "${text}". The expected format is [0-9a-fA-F]{32}, e.g. ${exampleId}.`;
  const chain = `(through reference chain: ${CLASSES.JarRunRequestBody}["jobId"])`;
  return [
    `${JACKSON}.databind.JsonMappingException: ${message} ${chain}`,
    `java.lang.IllegalArgumentException: ${message}`,
    problemOfId(text),
  ];
}

/** Enums are written in upper case only. */
export function wrongEnum(value: unknown, type: string, names: readonly string[]): Unreadable {
  if (value == null || names.includes(String(value))) return null;
  return invalid(
    `Cannot deserialize value of type \`${type}\` from String "${shown(value)}": ` +
      `not one of the values accepted for Enum class: [${names.join(', ')}]`,
  );
}

/** A flag may be a text, `true` or `false`. */
export function wrongFlag(value: unknown): Unreadable {
  if (value == null || /^(true|false)$/.test(String(value))) return null;
  if (typeof value === 'object') return wrongType('java.lang.Boolean', value);
  const text = `Cannot deserialize value of type \`java.lang.Boolean\` from String "${shown(value)}"`;
  return invalid(`${text}: only "true" or "false" recognized`);
}

/** Numbers and flags are taken for texts. */
export function wrongText(value: unknown): Unreadable {
  return value == null || typeof value !== 'object' ? null : wrongType('java.lang.String', value);
}

export function wrongInteger(value: unknown): Unreadable {
  if (value == null || /^-?\d+$/.test(String(value))) return null;
  const type = 'java.lang.Integer';
  if (typeof value === 'object') return wrongType(type, value);
  return invalid(
    `Cannot deserialize value of type \`${type}\` from String "${shown(value)}": not a valid \`${type}\` value`,
  );
}

/** A list of texts, or texts by their names. */
export function wrongCollection(value: unknown, type: 'java.util.ArrayList' | 'java.util.LinkedHashMap'): Unreadable {
  if (value == null) return null;
  if (typeof value !== 'object') return noConstructor(type, 'String', `String value ('${shown(value)}')`);
  return Array.isArray(value) === (type === 'java.util.ArrayList') ? null : wrongType(type, value);
}

/** The first of the fields that cannot be read. */
export const firstUnreadable = (...fields: Unreadable[]): Unreadable => fields.find((field) => field !== null) ?? null;

/** As captured, with the wrong text exchanged: the type of this enum differs between the versions. */
export function refuseClaimMode(cluster: Cluster, value: unknown): Reply {
  return replyLike(cluster.version, 'run-refused-bad-claim-mode', [], [['"no_claim"', `"${shown(value)}"`]]);
}
