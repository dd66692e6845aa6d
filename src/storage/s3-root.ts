import { AppError } from '../errors.js';

/** Where a storage lies in S3. */
export interface S3Root {
  bucket: string;
  /** Of all its keys, without a slash at either end; '' for the whole bucket. */
  prefix: string;
}

const SCHEME = 's3://';
/** Also those of before 2018, and of other object stores. */
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/;
const LONGEST_PREFIX = 900; // of the 1,024 bytes of a key

export const isS3Root = (readRoot: string): boolean => readRoot.startsWith(SCHEME);

/** What is wrong with a text that should be a root in S3; null: nothing. It is not repeated: it may hold credentials. */
export function problemOfS3Root(uri: string): string | null {
  if (!isS3Root(uri)) return 'it does not begin with s3://. Write it as s3://bucket/prefix.';
  const [bucket = '', ...segments] = uri.slice(SCHEME.length).replace(/\/$/, '').split('/');
  if (bucket.includes('@'))
    return 'it holds "@". Credentials are given to API and worker by their environment and never in a location; change those that were written here.';
  if (!BUCKET.test(bucket) || bucket.includes('..')) return 'it names no bucket. Write it as s3://bucket/prefix.';
  if (segments.some((segment) => ['', '.', '..'].includes(segment)))
    return 'its prefix holds an empty part, "." or "..".';
  if (/[\\\p{Cc}]/u.test(uri)) return 'it holds a backslash or a control character.';
  if (Buffer.byteLength(segments.join('/')) > LONGEST_PREFIX)
    return `its prefix is longer than ${LONGEST_PREFIX} bytes.`;
  return null;
}

/** @throws AppError BAD_CONFIGURATION for what {@link problemOfS3Root} objects to. */
export function parseS3Root(uri: string): S3Root {
  const problem = problemOfS3Root(uri);
  if (problem)
    throw new AppError('BAD_CONFIGURATION', `A storage cannot be read in S3 by the root that it has: ${problem}`);
  const [bucket = '', ...segments] = uri.slice(SCHEME.length).replace(/\/$/, '').split('/');
  return { bucket, prefix: segments.join('/') };
}

/** The location of a path below a root, for a message. */
export const inWords = ({ bucket, prefix }: S3Root, path = ''): string =>
  SCHEME + [bucket, prefix, path].filter((part) => part !== '').join('/');

/**
 * The key of a path below a root; '' for the root of a whole bucket. Keys are texts, and S3 folds nothing; what a server that decodes
 * once too often would take for a way out is refused all the same.
 * @throws AppError OUTSIDE_STORAGE_ROOT
 */
export function keyBelow(root: S3Root, path: string): string {
  const own = path.replace(/\/$/, '');
  const decoded = own.replace(/%(2e|2f|5c|00)/gi, decodeURIComponent);
  const leadsOut = decoded.split('/').some((segment) => ['', '.', '..'].includes(segment)) || /[\\\0]/.test(decoded);
  if (path !== '' && leadsOut) {
    throw new AppError(
      'OUTSIDE_STORAGE_ROOT',
      `The path ${JSON.stringify(path)} does not lie in the storage ${inWords(root)}: it holds "..", ".", an empty part, a backslash or NUL, or is absolute. ` +
        'Nothing was read; give a path below the root.',
    );
  }
  return [root.prefix, own].filter((part) => part !== '').join('/');
}
