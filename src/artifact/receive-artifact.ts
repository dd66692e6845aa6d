import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { link, mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Database } from '../db/database.js';
import type { Artifact } from './artifact.entity.js';
import { insertOrFindArtifact, lockBytes } from './artifact.store.js';
import { artifactPath } from './find-artifact.js';
import { readJar } from './jar-contents.js';

export interface ReceiveArtifactDeps {
  database: Database;
  config: { artifactFolder: string; artifactMaxBytes: number };
}

/** Why an upload was declined; the message names the remedy. */
export interface UploadRefusal {
  refusal: 'BAD_NAME' | 'TOO_LARGE' | 'NOT_A_JAR';
  message: string;
}

const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,195}\.jar$/;

/**
 * Takes the bytes of a jar: streamed to a file aside, hashed and counted on the way, looked into, then given its name
 * for good. The same bytes again are the same artifact. Nothing is left behind when it is declined or cut off.
 */
export async function receiveArtifact(
  { database, config }: ReceiveArtifactDeps,
  name: string,
  bytes: Readable,
): Promise<Artifact | UploadRefusal> {
  if (!FILE_NAME.test(name)) {
    return {
      refusal: 'BAD_NAME',
      message: `"${name}" cannot be the name of a jar. Use letters, digits and . _ + -, ending in .jar, at most 200 characters.`,
    };
  }
  await mkdir(config.artifactFolder, { recursive: true });
  const draft = join(config.artifactFolder, `incoming-${randomUUID()}`);
  try {
    const hash = createHash('sha256');
    let sizeBytes = 0;
    const count = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        sizeBytes += chunk.length;
        if (sizeBytes > config.artifactMaxBytes) return done(new TooLarge());
        hash.update(chunk);
        done(null, chunk);
      },
    });
    await pipeline(bytes, count, createWriteStream(draft, { flags: 'wx', mode: 0o644 }));
    const contents = await readJar(draft);
    if ('problem' in contents) return { refusal: 'NOT_A_JAR', message: `${name} was not taken: ${contents.problem}` };

    const sha256 = hash.digest('hex');
    await onDisk(draft);
    return await database.transaction(async (tx) => {
      await lockBytes(tx, sha256); // a removal of the same bytes would take the file away between the two
      await settle(draft, artifactPath(config.artifactFolder, sha256), sizeBytes);
      return insertOrFindArtifact(tx, { id: randomUUID(), name, sha256, sizeBytes, mainClass: contents.mainClass });
    });
  } catch (error) {
    if (!(error instanceof TooLarge)) throw error;
    return {
      refusal: 'TOO_LARGE',
      message: `${name} is larger than ${config.artifactMaxBytes} bytes. Leave Flink's own classes out of it, or raise STATEWARD_ARTIFACT_MAX_BYTES.`,
    };
  } finally {
    await rm(draft, { force: true });
  }
}

class TooLarge extends Error {}

/** Bytes on disk first, then the name, then (by the caller) the row: a row never names a file that is not there whole. */
async function onDisk(draft: string): Promise<void> {
  const file = await open(draft, 'r+');
  await file.sync();
  await file.close();
}

async function settle(draft: string, path: string, sizeBytes: number): Promise<void> {
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if ((await stat(path)).size === sizeBytes) return; // the same bytes were there already
    await rm(path, { force: true }); // a torn file of that name: put the whole one in its place
    await link(draft, path);
  }
}
