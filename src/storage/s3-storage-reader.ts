import type { Readable } from 'node:stream';
import { GetObjectCommand, ListObjectsV2Command, type ListObjectsV2Output } from '@aws-sdk/client-s3';
import { S3_LIMITS, type S3Limits, type S3Settings } from './s3-client.js';
import { S3Requests, silence } from './s3-requests.js';
import { keyBelow, parseS3Root, type S3Root } from './s3-root.js';
import { NotAsS3 } from './s3-trouble.js';
import { type ByteRange, checkRange, type StorageEntry, type StorageReader } from './storage-reader.js';

/** So much at least must come in the time that a storage may be silent. */
const PIECE_BYTES = 64 * 1024;

/** The storages in S3 of this process. */
export class S3Storages {
  private readonly requests: S3Requests;

  constructor(settings: S3Settings, limits: S3Limits = S3_LIMITS) {
    this.requests = new S3Requests(settings, limits);
  }

  /** @throws AppError BAD_CONFIGURATION for what is no root in S3. */
  reader(readRoot: string): S3StorageReader {
    return new S3StorageReader(parseS3Root(readRoot), this.requests);
  }

  close(): void {
    this.requests.close();
  }
}

/**
 * A StorageReader on the keys of a bucket below a prefix. Whether a key is there is learned by listing: unlike HEAD, that says of a refusal why,
 * tells a missing key from a missing bucket, and needs no right to read. Keys are listed in the order of their bytes: of those that
 * begin with a text the text itself is first.
 */
export class S3StorageReader implements StorageReader {
  readonly impliesDirectories = true;

  constructor(
    private readonly root: S3Root,
    private readonly requests: S3Requests,
  ) {}

  async list(path: string, signal?: AbortSignal): Promise<StorageEntry[]> {
    const key = keyBelow(this.root, path);
    const prefix = key === '' ? '' : `${key}/`;
    const entries: StorageEntry[] = [];
    for await (const { CommonPrefixes = [], Contents = [] } of this.pages(path, prefix)) {
      signal?.throwIfAborted();
      for (const { Prefix = '' } of CommonPrefixes)
        entries.push({ name: Prefix.slice(prefix.length, -1), kind: 'DIRECTORY', sizeBytes: null, modifiedAt: null });
      for (const { Key = '', Size = 0, LastModified = null } of Contents)
        entries.push({ name: Key.slice(prefix.length), kind: 'FILE', sizeBytes: Size, modifiedAt: LastModified });
    }
    return entries.filter(({ name }) => canBeNamed(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async exists(path: string): Promise<boolean> {
    const key = keyBelow(this.root, path);
    const first = (await this.firstWith(path, key))?.Key;
    if (path === '') return true; // the bucket has answered
    if (first === undefined) return false;
    if (first === key || first.startsWith(`${key}/`)) return true;
    return (await this.firstWith(path, `${key}/`)) !== undefined; // "a-b" stands before "a/b"
  }

  async size(path: string): Promise<number | null> {
    return (await this.file(path))?.Size ?? null;
  }

  async modifiedAt(path: string): Promise<Date | null> {
    return (await this.file(path))?.LastModified ?? null;
  }

  async read(path: string, range: ByteRange = {}): Promise<AsyncIterable<Buffer> | null> {
    checkRange(range);
    const { from = 0, bytes } = range;
    if (path === '' || bytes === 0) return (await this.file(path)) && nothing(); // no key, and no range of S3
    const part = from === 0 && bytes === undefined ? undefined : `bytes=${from}-${bytes ? from + bytes - 1 : ''}`;
    const object = new GetObjectCommand({ Bucket: this.root.bucket, Key: keyBelow(this.root, path), Range: part });
    const answer = await this.requests.send(this.about(path), (client, options) =>
      client.send(object, options).catch((error: unknown) => {
        if (isNamed(error, 'NoSuchKey')) return 'ABSENT' as const;
        if (isNamed(error, 'InvalidRange')) return 'BEYOND_ITS_END' as const;
        throw error;
      }),
    );
    if (answer === 'ABSENT') return null;
    if (answer === 'BEYOND_ITS_END') return nothing();
    const body = answer.Body as Readable;
    if (part === undefined || answer.ContentRange?.startsWith(`bytes ${from}-`)) return this.pieces(path, body);
    body.destroy();
    throw this.requests.trouble(new NotAsS3('another part came than was asked for'), this.about(path));
  }

  /** Has its timer from now on, so that a body which nobody reads does not keep its socket. */
  private pieces(path: string, body: Readable): AsyncIterable<Buffer> {
    const { silentMs } = this.requests.limits;
    const giveUp = () => body.destroy(silence(silentMs));
    const trouble = (error: unknown) => this.requests.trouble(error, this.about(path));
    let timer = setTimeout(giveUp, silentMs);
    body.on('error', () => undefined); // it is thrown where it is read
    return (async function* () {
      let [left, came, since] = [silentMs, 0, performance.now()];
      try {
        for await (const piece of body as AsyncIterable<Buffer>) {
          clearTimeout(timer);
          came += piece.length;
          left -= performance.now() - since;
          if (came >= PIECE_BYTES) [left, came] = [silentMs, 0];
          yield piece;
          since = performance.now();
          timer = setTimeout(giveUp, left);
        }
      } catch (error) {
        throw trouble(error);
      } finally {
        clearTimeout(timer);
        body.destroy();
      }
    })();
  }

  private async file(path: string) {
    const key = keyBelow(this.root, path);
    const first = await this.firstWith(path, key);
    return path !== '' && first?.Key === key ? first : null;
  }

  private async firstWith(path: string, prefix: string) {
    const { Contents = [] } = await this.page(path, { Prefix: prefix, MaxKeys: 1 });
    return Contents[0];
  }

  private async *pages(path: string, prefix: string): AsyncGenerator<ListObjectsV2Output> {
    let token: string | undefined;
    do {
      const page = await this.page(path, { Prefix: prefix, Delimiter: '/', ContinuationToken: token });
      yield page;
      const next = page.IsTruncated ? page.NextContinuationToken : undefined;
      if (page.IsTruncated && (next === undefined || next === token))
        throw this.requests.trouble(new NotAsS3('its list has no end'), this.about(path));
      token = next;
    } while (token !== undefined);
  }

  private page(
    path: string,
    asked: { Prefix: string; Delimiter?: string; MaxKeys?: number; ContinuationToken?: string | undefined },
  ) {
    const command = new ListObjectsV2Command({ Bucket: this.root.bucket, ...asked });
    return this.requests.send(this.about(path), (client, options) => client.send(command, options));
  }

  private about(path: string) {
    return { root: this.root, path };
  }
}

const isNamed = (error: unknown, name: string) => error instanceof Error && error.name === name;

/** What no path leads to is none of Flink's, which folds paths; the directory itself is among them where a tool has made a key for it. */
const canBeNamed = (name: string) => !['', '.', '..'].includes(name) && !/[\\\0]/.test(name);

async function* nothing(): AsyncGenerator<Buffer> {}
