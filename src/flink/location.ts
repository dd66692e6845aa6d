import { AppError } from '../errors.js';

/** Folders of a location; `authority` is null where the scheme has none, `scheme` is empty for a text that is no location. */
interface Parts {
  scheme: string;
  authority: string | null;
  segments: string[];
}

const S3_SCHEMES = new Set(['s3', 's3a', 's3p']);

/**
 * One spelling for one place, to compare and to store: `file:/a/b`, `s3://bucket/key`, no trailing slash, no trailing
 * `/_metadata`. Folds as Flink's own Path does (1.20 and 2.x, every scheme): backslashes, `//`, `.` and `x/..`.
 * Never decodes: Flink takes `%20` and spaces literally. A text without scheme that is not an absolute path comes back folded.
 */
export function normaliseLocation(text: string): string {
  return format(parse(text));
}

export function sameLocation(a: string, b: string): boolean {
  return normaliseLocation(a) === normaliseLocation(b);
}

/** Lower case, `s3` for all three spellings, `file` for a bare absolute path; empty when the text names none. */
export function schemeOf(location: string): string {
  return parse(location).scheme;
}

/** The path of a location relative to a root, with `/` and without a leading one; '' for the root itself, null when it does not lie below. */
export function pathBelow(root: string, location: string): string | null {
  const above = parse(root);
  const below = parse(location);
  if (above.scheme === '' || above.scheme !== below.scheme || above.authority !== below.authority) return null;
  if (above.segments.some((segment, index) => below.segments[index] !== segment)) return null;
  const rest = below.segments.slice(above.segments.length);
  return rest.includes('..') ? null : rest.join('/');
}

/**
 * The location of a path below a root. Keeps the root's scheme as it is written (`s3a`, `s3p`: which of them a cluster can
 * load is its own affair), else normalised.
 * @throws AppError OUTSIDE_STORAGE_ROOT when the path is absolute or holds an empty, `.` or `..` segment, a backslash or NUL.
 */
export function joinLocation(root: string, path: string): string {
  const segments = path === '' ? [] : path.split('/');
  if (segments.some((segment) => ['', '.', '..'].includes(segment) || /[\\\0]/.test(segment))) {
    throw new AppError(
      'OUTSIDE_STORAGE_ROOT',
      `The path "${path}" does not lead below ${root}. Give a relative path without "..".`,
    );
  }
  const parts = parse(root);
  const written = /^(s3[ap]?):/i.exec(root)?.[1]?.toLowerCase();
  return format({ ...parts, scheme: written ?? parts.scheme, segments: [...parts.segments, ...segments] });
}

function parse(text: string): Parts {
  const colon = text.indexOf(':');
  const slash = text.indexOf('/');
  const hasScheme = colon > 0 && (slash < 0 || colon < slash);
  const written = hasScheme ? text.slice(0, colon).toLowerCase() : text.startsWith('/') ? 'file' : '';
  const rest = hasScheme ? text.slice(colon + 1) : text;

  if (S3_SCHEMES.has(written)) {
    const [bucket = '', key = ''] = splitOnce(rest.replace(/^\/+/, ''), '/');
    return { scheme: 's3', authority: bucket, segments: fold(key, false) };
  }
  if (hasScheme && /^\/\/[^/]/.test(rest)) {
    const [authority = '', path = ''] = splitOnce(rest.slice(2), '/');
    return { scheme: written, authority, segments: fold(path, false) };
  }
  // The operating system takes `/..` for `/`.
  return { scheme: written, authority: null, segments: fold(rest, written === 'file') };
}

function format({ scheme, authority, segments }: Parts): string {
  const path = segments.join('/');
  if (scheme === '') return path;
  if (scheme === 'file' && authority === null) return `file:/${path}`;
  const start = `${scheme}://${authority ?? ''}`;
  return path === '' && authority !== null ? start : `${start}/${path}`;
}

/** `clamp`: a `..` at the top is dropped; else it stays, and no path that holds one is below anything. */
function fold(path: string, clamp: boolean): string[] {
  const segments: string[] = [];
  for (const segment of path.split(/[/\\]/)) {
    if (segment === '' || segment === '.') continue;
    const last = segments.at(-1);
    if (segment !== '..') segments.push(segment);
    else if (last !== undefined && last !== '..') segments.pop();
    else if (!clamp) segments.push('..');
  }
  while (segments.at(-1) === '_metadata') segments.pop();
  return segments;
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
