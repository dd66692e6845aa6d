import type { FlinkCause } from './flink.types.js';

const SUMMARY_LIMIT = 500;
const FULL_TEXT_LIMIT_BYTES = 256 * 1024;
const MESSAGE_LIMIT = 4_000;
const CHAIN_LIMIT = 64;

const QUALIFIED_CLASS = /^((?:[\w$]+\.)+[\w$]+)(?::\s*([\s\S]*))?$/;
const STACK_FRAME = /^\s+(?:at |\.\.\. \d+ (?:more|common)|Suppressed: |\[CIRCULAR)/;
const SERVER_SIDE = /<Exception on server side:\s*\n([\s\S]*?)\n?\s*End of exception on server side>/;

/** They only carry the cause of something else; seen on 1.20.5 and 2.3.0. */
const WRAPPERS = new Set([
  'CompletionException',
  'ExecutionException',
  'RestHandlerException',
  'JobInitializationException',
  'SerializedThrowable',
]);
/** Say what a line of code met, and nothing of what Flink was about. */
const NEEDS_CONTEXT = new Set([
  'ArrayIndexOutOfBoundsException',
  'ClassCastException',
  'ClassNotFoundException',
  'IndexOutOfBoundsException',
  'NullPointerException',
  'NumberFormatException',
]);
/** Outer messages that explain nothing. */
const EMPTY_PHRASES = [
  'Caught unexpected exception.',
  'Could not execute application.',
  'Could not start the JobMaster.',
  'Internal server error.',
  'Exception while creating StreamOperatorStateContext.',
];

interface Link {
  className: string;
  message: string;
}

/** Reads the chain of a Java stack trace, as Flink 1.20 and 2.x put it into error bodies, failure objects and exception histories. */
export function readCause(text: string): FlinkCause {
  // PostgreSQL stores no NUL in a text.
  const clean = text.replaceAll('\0', '');
  const chain = readChain(SERVER_SIDE.exec(clean)?.[1] ?? clean);
  return {
    summary: summarise(chain),
    classes: chain.map((link) => link.className),
    messages: chain.map((link) => link.message),
    fullText: cutBytes(clean, FULL_TEXT_LIMIT_BYTES),
  };
}

/** Several strings of one error body (`Internal server error.` and the trace, for a status 500) are one cause. */
export function readCauseOfErrors(errors: string[]): FlinkCause {
  return readCause(errors.join('\n'));
}

/** A failure object of an asynchronous operation or an execution result. Its `class` is only the outermost one. */
export function describeFailure(failure: { class?: string | null; 'stack-trace'?: string | null }): FlinkCause {
  return readCause(failure['stack-trace'] || failure.class || 'Flink named no cause.');
}

function readChain(text: string): Link[] {
  const links: string[][] = [];
  let inMessage = true;
  for (const line of text.split('\n')) {
    if (line.startsWith('Caused by: ')) {
      links.push([line.slice('Caused by: '.length)]);
      inMessage = true;
    } else if (STACK_FRAME.test(line)) {
      inMessage = false;
    } else if (links.length === 0) {
      if (line.trim() !== '') links.push([line]);
    } else if (inMessage) {
      links.at(-1)?.push(line);
    }
  }
  // Both ends matter: the outermost say what was tried, the innermost why it failed.
  const kept =
    links.length > CHAIN_LIMIT ? [...links.slice(0, CHAIN_LIMIT / 2), ...links.slice(-CHAIN_LIMIT / 2)] : links;
  return kept.map((lines) => parseLink(lines.join('\n').trim()));
}

/** A text without a class (`Not found: /x`) is a link with an empty class name. */
function parseLink(text: string): Link {
  const match = QUALIFIED_CLASS.exec(text);
  const [className, message] = match?.[1] === undefined ? ['', text] : [match[1], match[2] ?? ''];
  return { className, message: message.trim().slice(0, MESSAGE_LIMIT) };
}

function summarise(chain: Link[]): string {
  const index = findRoot(chain);
  const root = chain[index];
  if (root === undefined) return 'Flink named no cause.';
  const link = unwrapMessage(root);
  const name = shortName(link.className);
  const own = [name, link.message].filter((part) => part !== '').join(': ');
  if (link.message !== '' && !NEEDS_CONTEXT.has(name)) return oneLine(own);
  const context = findContext(chain.slice(0, index), link.message);
  return oneLine(context === null ? own : `${own} (${context})`);
}

function findRoot(chain: Link[]): number {
  let index = chain.findLastIndex((link) => !WRAPPERS.has(shortName(link.className)));
  if (index < 0) index = chain.findLastIndex((link) => link.message !== '');
  if (index < 0) index = chain.length - 1;
  // "Hadoop is not in the classpath" lies below the exception that names the scheme, under the same class.
  while (index > 0 && chain[index]?.className.endsWith('.UnsupportedFileSystemSchemeException')) {
    if (chain[index - 1]?.className !== chain[index]?.className) break;
    index -= 1;
  }
  return index;
}

/** A wrapper's message is its cause as text; of a cut-off trace that is all there is. */
function unwrapMessage(link: Link): Link {
  let current = link;
  while (WRAPPERS.has(shortName(current.className))) {
    const inner = parseLink(current.message);
    if (!/(?:Exception|Error|Throwable)$/.test(inner.className)) break;
    current = inner;
  }
  return current;
}

/** The nearest outer message that adds words of its own. */
function findContext(outer: Link[], known: string): string | null {
  const adds = (link: Link) =>
    link.message !== '' &&
    link.message !== known &&
    !EMPTY_PHRASES.includes(link.message) &&
    !QUALIFIED_CLASS.test(link.message);
  const link = outer.findLast(adds) ?? outer.findLast((l) => l.message !== '' && !QUALIFIED_CLASS.test(l.message));
  return link?.message ?? null;
}

function shortName(className: string): string {
  return className.slice(Math.max(className.lastIndexOf('.'), className.lastIndexOf('$')) + 1);
}

function oneLine(text: string): string {
  const line = unescapeHtml(text)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  if (line.length <= SUMMARY_LIMIT) return line;
  // Never half of a surrogate pair.
  return `${line.slice(0, SUMMARY_LIMIT - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

function unescapeHtml(text: string): string {
  const characters: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", '#39': "'", amp: '&' };
  return text.replace(/&(lt|gt|quot|apos|#39|amp);/g, (whole, name: string) => characters[name] ?? whole);
}

function cutBytes(text: string, limit: number): string {
  if (Buffer.byteLength(text) <= limit) return text;
  return Buffer.from(text)
    .subarray(0, limit)
    .toString('utf8')
    .replace(/\uFFFD+$/, '');
}
