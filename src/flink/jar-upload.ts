import { randomUUID } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { AppError } from '../errors.js';
import type { FlinkCall } from './flink-http.js';

/**
 * A multipart body with one part, read from the file while it is sent. Flink (1.20, 2.x) takes the part's name as it comes
 * and only looks whether the file name ends in `.jar`.
 * @throws AppError STORAGE_UNREADABLE when the file cannot be read, also while it is being sent.
 */
export async function openJarUpload(file: { path: string; name: string }): Promise<NonNullable<FlinkCall['body']>> {
  const { size } = await stat(file.path).catch((error: unknown) => {
    throw unreadable(file.path, error);
  });
  const boundary = `stateward-${randomUUID()}`;
  const head = Buffer.from(
    `--${boundary}\r\nContent-Disposition: form-data; name="jarfile"; filename="${cleanJarName(file.name)}"\r\n` +
      'Content-Type: application/x-java-archive\r\n\r\n',
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    lengthBytes: head.length + size + tail.length,
    content: concat(head, readExactly(file.path, size), tail),
  };
}

/** Letters, digits, `.`, `_` and `-` only, at most 100 characters, ending in `.jar`: the name becomes part of a path on the JobManager. */
export function cleanJarName(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? '';
  const stem = last
    .replace(/\.jar$/i, '')
    .replace(/[^A-Za-z0-9._-]+/g, '_')
    .replace(/^\.+/, '')
    .slice(0, 96);
  return `${stem || 'job'}.jar`;
}

async function* concat(head: Buffer, file: AsyncIterable<Buffer>, tail: Buffer): AsyncGenerator<Buffer> {
  yield head;
  yield* file;
  yield tail;
}

async function* readExactly(path: string, size: number): AsyncGenerator<Buffer> {
  try {
    // Opened only now: a call that ends while it waits for a connection leaves nothing open.
    const handle = await open(path);
    try {
      if ((await handle.stat()).size !== size) throw new Error('its size changed');
      let sent = 0;
      for await (const chunk of handle.createReadStream({ autoClose: false })) {
        const bytes = chunk as Buffer;
        sent += bytes.length;
        if (sent > size) break;
        yield bytes;
      }
      if (sent !== size) throw new Error('its size changed');
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): AppError {
  const why = error instanceof Error ? error.message : String(error);
  return new AppError(
    'STORAGE_UNREADABLE',
    `The jar ${path} cannot be read for its upload: ${why}. Look whether it is still there and readable.`,
    {
      cause: error,
    },
  );
}
