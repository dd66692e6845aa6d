import { createWriteStream, mkdirSync, openSync, readSync, closeSync, renameSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import path from 'node:path';
import type { WriteStream } from 'node:fs';
import type { Cluster } from './cluster.js';
import { firstError, replyLike } from './captured-replies.js';
import type { Reply } from './captured-replies.js';

interface Jar {
  id: string;
  name: string;
  uploaded: number;
  file: string;
}

export interface Upload {
  files: number;
  fileName: string;
  sizeBytes: number;
}

/** How far into a jar its manifest is looked for, which comes first. */
const HEAD_BYTES = 4096;

/** Main class of a jar; of anything but a zip Flink lists none. A manifest is only found when it is not compressed. */
function mainClassOf(file: string): string | null {
  const head = headOf(file);
  if (!isZip(head)) return null;
  if (!head.includes('Manifest-Version: ')) return 'stateward.testjobs.MultiJob';
  return /Main-Class: ([\w.$]+)/.exec(head)?.[1] ?? null;
}

const isZip = (head: string): boolean => head.startsWith('PK');

function headOf(file: string): string {
  const bytes = Buffer.alloc(HEAD_BYTES);
  const handle = openSync(file, 'r');
  try {
    return bytes.toString('latin1', 0, readSync(handle, bytes, 0, HEAD_BYTES, 0));
  } finally {
    closeSync(handle);
  }
}

function entriesOf(file: string): { name: string; description: null }[] {
  const name = mainClassOf(file);
  return name === null ? [] : [{ name, description: null }];
}

const written = (stream: WriteStream, chunk: Buffer): Promise<void> =>
  new Promise((resolve, reject) => stream.write(chunk, (error) => (error == null ? resolve() : reject(error))));
const closed = (stream: WriteStream): Promise<void> =>
  new Promise((resolve, reject) => stream.end((error?: Error | null) => (error == null ? resolve() : reject(error))));

/**
 * Streams the first file part of a multipart body to `file`; counts the file parts. Keeps no more in memory than a
 * part's header or the length of the boundary. Rejects when the client goes away.
 */
async function receiveFile(request: IncomingMessage, boundary: string, file: string): Promise<Upload> {
  const separator = Buffer.from(`\r\n--${boundary}`);
  const upload: Upload = { files: 0, fileName: '', sizeBytes: 0 };
  const target = createWriteStream(file);
  let rest: Buffer = Buffer.from('\r\n');
  let inBody: 'FILE' | 'OTHER' | 'HEADER' | 'PREAMBLE' = 'PREAMBLE';
  const keep = async (bytes: Buffer): Promise<void> => {
    if (inBody !== 'FILE' || bytes.length === 0) return;
    upload.sizeBytes += bytes.length;
    await written(target, bytes);
  };
  try {
    for await (const chunk of request) {
      rest = Buffer.concat([rest, chunk as Buffer]);
      for (;;) {
        if (inBody === 'HEADER') {
          const end = rest.indexOf('\r\n\r\n');
          if (end < 0) break;
          const fileName = /filename="([^"]*)"/i.exec(rest.subarray(0, end).toString('utf8'))?.[1];
          rest = rest.subarray(end + 4);
          // A body may be empty: then its separator begins with the line end just taken off.
          inBody = fileName !== undefined && upload.files === 0 ? 'FILE' : 'OTHER';
          if (fileName !== undefined) upload.files += 1;
          if (inBody === 'FILE') upload.fileName = path.basename(fileName ?? '');
          continue;
        }
        const at = rest.indexOf(separator);
        if (at >= 0) {
          await keep(rest.subarray(0, at));
          rest = rest.subarray(at + separator.length);
          inBody = 'HEADER';
          continue;
        }
        const safe = Math.max(0, rest.length - separator.length);
        await keep(rest.subarray(0, safe));
        rest = rest.subarray(safe);
        break;
      }
    }
  } finally {
    await closed(target);
  }
  return upload;
}

export class JarStore {
  readonly jars = new Map<string, Jar>();

  constructor(private readonly cluster: Cluster) {}

  private get folder(): string {
    return path.join(this.cluster.folder, 'upload', 'flink-web-upload');
  }

  async upload(request: IncomingMessage): Promise<{ reply: Reply; upload: Upload }> {
    const type = request.headers['content-type'] ?? '';
    const boundary = /boundary="?([^";]+)"?/i.exec(type)?.[1];
    if (!type.startsWith('multipart/form-data') || boundary === undefined) {
      request.resume();
      return {
        reply: this.refuseUpload('Exactly 1 file must be sent, received 0.'),
        upload: { files: 0, fileName: '', sizeBytes: 0 },
      };
    }
    mkdirSync(this.folder, { recursive: true });
    const receiving = path.join(this.folder, `.${this.cluster.uuid()}`);
    const { generation } = this.cluster;
    let upload: Upload;
    try {
      upload = await receiveFile(request, boundary, receiving);
    } catch (error) {
      rmSync(receiving, { force: true });
      throw error;
    }
    const problem =
      upload.files !== 1
        ? `Exactly 1 file must be sent, received ${String(upload.files)}.`
        : !upload.fileName.endsWith('.jar')
          ? 'Only Jar files are allowed.'
          : null;
    if (problem !== null || generation !== this.cluster.generation) {
      rmSync(receiving, { force: true });
      return { reply: this.refuseUpload(problem ?? 'Could not store the file.'), upload };
    }
    return { reply: this.keep(receiving, upload.fileName), upload };
  }

  list(url: string): Reply {
    const newestFirst = [...this.jars.values()].reverse();
    const files = newestFirst.map(({ id, name, uploaded, file }) => ({
      id,
      name,
      uploaded,
      entry: entriesOf(file),
    }));
    return { status: 200, body: { address: url, files } };
  }

  /** null: it has a main class. */
  whyNoProgram({ file }: Jar): 'NOT_A_JAR' | 'NO_MAIN_CLASS' | null {
    if (!isZip(headOf(file))) return 'NOT_A_JAR';
    return mainClassOf(file) === null ? 'NO_MAIN_CLASS' : null;
  }

  delete(id: string): Reply {
    const jar = this.jars.get(id);
    if (jar === undefined) return replyLike(this.cluster.version, 'jar-delete-unknown', [id]);
    rmSync(jar.file, { force: true });
    this.jars.delete(id);
    return { status: 200, body: {} };
  }

  forget(): void {
    for (const { file } of this.jars.values()) rmSync(file, { force: true });
    this.jars.clear();
  }

  private keep(receiving: string, name: string): Reply {
    const id = `${this.cluster.uuid()}_${name}`;
    const file = path.join(this.folder, id);
    renameSync(receiving, file);
    this.jars.set(id, { id, name, uploaded: this.cluster.timeline.now(), file });
    return { status: 200, body: { filename: file, status: 'success' } };
  }

  private refuseUpload(problem: string): Reply {
    const name = 'jar-upload-refused-not-jar';
    const known = /: ([^\n]*)/.exec(firstError(this.cluster.version, name))?.[1] ?? '';
    return replyLike(this.cluster.version, name, [], [[known, problem]]);
  }
}
