import { mkdir, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FileStorageReader } from '../../../src/storage/file-storage-reader.js';
import { S3_LIMITS, type S3Limits } from '../../../src/storage/s3-client.js';
import { S3Storages } from '../../../src/storage/s3-storage-reader.js';
import { StorageCalls } from '../../../src/storage/storage-calls.js';
import type { StorageReader } from '../../../src/storage/storage-reader.js';
import { resolveNames, s3Settings, setS3Environment } from '../../support/s3-environment.js';
import { S3_KEY, startS3Server } from '../../support/s3-server.js';

/** A storage of some kind, and the reader of its root. */
export interface StorageOfKind {
  reader: StorageReader;
  /** Gives up on what is silent for as long as this. */
  impatient: StorageReader;
  put(file: string, bytes: Buffer | string, modifiedAt?: Date): Promise<void>;
  /** The whole place is no longer there. */
  takeAway(): Promise<void>;
  /** From now on. Midway: what is read begins to come, and does not end. */
  becomes(how: 'SLOW' | 'HANGING' | 'DENIED' | 'CUT_MIDWAY' | 'HANGING_MIDWAY'): void;
  close(): Promise<void>;
}

const GIVES_UP_AFTER_MS = 500;

export const storageKinds: { kind: string; open: () => Promise<StorageOfKind> }[] = [
  { kind: 'a folder', open: openFolder },
  { kind: 'a bucket, named in the path', open: () => openBucket(true) },
  { kind: 'a bucket, named in the host', open: () => openBucket(false) },
];

async function openFolder(): Promise<StorageOfKind> {
  const folder = await mkdtemp(path.join(tmpdir(), 'stateward-storage-'));
  const root = path.join(folder, 'root');
  await mkdir(root);
  let how: Parameters<StorageOfKind['becomes']>[0] | null = null;
  const never = () => new Promise<never>(() => undefined);
  let pieces = 0;
  const work = async <T>(call: () => Promise<T>): Promise<T> => {
    if (how === 'SLOW') await new Promise((resolve) => setTimeout(resolve, 20));
    if (how === 'HANGING') return never();
    if (how === 'DENIED') throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
    const answer = await call();
    if (!Buffer.isBuffer(answer) || (pieces += 1) === 1) return answer;
    if (how === 'HANGING_MIDWAY') return never();
    if (how === 'CUT_MIDWAY') throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
    return answer;
  };
  const readerWith = (slowMs: number, silentMs: number) => {
    const calls = new StorageCalls({ slowMs, silentMs });
    return new FileStorageReader(root, { call: (of, call) => calls.call(of, () => work(call)) });
  };
  return {
    reader: readerWith(2_000, 15_000),
    impatient: readerWith(GIVES_UP_AFTER_MS / 2, GIVES_UP_AFTER_MS),
    put: async (file, bytes, modifiedAt) => {
      await mkdir(path.dirname(path.join(root, file)), { recursive: true });
      await writeFile(path.join(root, file), bytes);
      if (modifiedAt) await utimes(path.join(root, file), modifiedAt, modifiedAt);
    },
    takeAway: () => rename(root, `${root}-elsewhere`),
    becomes: (now) => void (how = now),
    close: () => rm(folder, { recursive: true }),
  };
}

async function openBucket(pathStyle: boolean): Promise<StorageOfKind> {
  const server = await startS3Server();
  const undo = [setS3Environment(), resolveNames()];
  server.put('flink-2/other', 'beside the root');
  const storagesWith = (limits: S3Limits) => new S3Storages(s3Settings(server.port, pathStyle), limits);
  const [patient, impatient] = [S3_LIMITS, { ...S3_LIMITS, silentMs: GIVES_UP_AFTER_MS }].map(storagesWith);
  if (!patient || !impatient) throw new Error('two were made');
  const readRoot = `s3://${S3_KEY.bucket}/flink`;
  return {
    reader: patient.reader(readRoot),
    impatient: impatient.reader(readRoot),
    put: async (file, bytes, modifiedAt) => server.put(`flink/${file}`, bytes, modifiedAt),
    takeAway: async () => void (server.misconduct = { error: { status: 404, code: 'NoSuchBucket' } }),
    becomes: (how) => {
      if (how === 'SLOW') server.misconduct = { delayMs: 20 };
      if (how === 'HANGING') server.misconduct = { hangs: true };
      if (how === 'DENIED') server.misconduct = { error: { status: 403, code: 'AccessDenied' } };
      if (how === 'CUT_MIDWAY') server.misconduct = { cutsAfter: 100_000 };
      if (how === 'HANGING_MIDWAY') server.misconduct = { stopsAfter: 100_000 };
    },
    close: async () => {
      for (const storages of [patient, impatient]) storages.close();
      for (const back of undo) back();
      await server.stop();
    },
  };
}
