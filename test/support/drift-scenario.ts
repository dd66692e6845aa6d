import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Data } from './graphql-client.js';
import { insertRun, insertSavepointOf, type Run } from './history-rows.js';
import { metadata } from './metadata-writer.js';
import type { Stateward } from './stateward.js';

const HOUR_MS = 3_600_000;

/** A run on a cluster of its own, and a storage that this cluster reaches and that is read in a folder. */
export interface DriftScene {
  stateward: Stateward;
  run: Run;
  storageId: string;
  /** Under which the cluster reaches it. */
  uri: string;
  folder: string;
  remove(): Promise<void>;
}

export async function driftScene(
  stateward: Stateward,
  { access = 'PROVEN', uri = `s3://${randomUUID()}/savepoints`, of }: { access?: string; uri?: string; of?: Run } = {},
): Promise<DriftScene> {
  const { database } = stateward.services;
  const folder = await mkdtemp(join(tmpdir(), 'stateward-drift-'));
  const run = of ?? (await insertRun(database));
  const storageId = randomUUID();
  await database.changed('insert into storage (id, name, read_root, read_state) values ($1::uuid, $1::text, $2, $3)', [
    storageId,
    access === 'NONE' ? null : folder,
    access,
  ]);
  await database.changed('insert into storage_root (storage_id, cluster_id, uri, since) values ($1, $2, $3, $4)', [
    storageId,
    run.clusterId,
    uri,
    new Date(0),
  ]);
  return { stateward, run, storageId, uri, folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

export interface Attempted {
  savepointId: string;
  number: number;
  /** Below the root of the storage. */
  directory: string;
}

/** A savepoint with one attempt that ended an hour ago; FAILED unless its columns say otherwise. */
export async function attempted(
  { stateward, run, storageId }: DriftScene,
  {
    outcome = 'EXPIRED',
    sends = 1,
    endedAgoMs = HOUR_MS,
    ...columns
  }: { outcome?: string; sends?: number; endedAgoMs?: number | null } & Record<string, unknown> = {},
): Promise<Attempted> {
  const savepointId = await insertSavepointOf(stateward.services.database, run, {
    state: outcome === 'COMPLETED' ? 'COMPLETED' : 'FAILED',
    ...(outcome === 'COMPLETED' ? {} : { failure_code: outcome, data: 'NOT_CHECKED', location: null }),
    attempt: 1,
    ...columns,
  });
  return anotherAttempt({ stateward, run, storageId }, savepointId, 1, { outcome, sends, endedAgoMs });
}

/** `endedAgoMs: null`: it goes on. */
export async function anotherAttempt(
  { stateward, run, storageId }: Pick<DriftScene, 'stateward' | 'run' | 'storageId'>,
  savepointId: string,
  number: number,
  { outcome = 'EXPIRED', sends = 1, endedAgoMs = HOUR_MS as number | null } = {},
): Promise<Attempted> {
  const directory = `${run.deploymentId}/${savepointId}/${number}`;
  await stateward.services.database.changed(
    `insert into savepoint_attempt (savepoint_id, number, trigger_id, storage_id, directory, stored_at, sent_at, sends, ended_at, outcome)
     values ($1, $2, $3, $4, $5, now() - interval '2 h', now() - interval '2 h', $6, now() - $7 * interval '1 ms', case when $7::float8 is not null then $8 end)`,
    [savepointId, number, randomUUID().replaceAll('-', ''), storageId, directory, sends, endedAgoMs, outcome],
  );
  return { savepointId, number, directory };
}

/** A file below the root of the storage, written an hour ago unless told otherwise. */
export async function fileAt(
  { folder }: DriftScene,
  path: string,
  content: number | Buffer = 10,
  agoMs = HOUR_MS,
): Promise<Date> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, typeof content === 'number' ? Buffer.alloc(content) : content);
  const writtenAt = new Date(Math.floor((Date.now() - agoMs) / 1_000) * 1_000);
  await utimes(file, writtenAt, writtenAt);
  return writtenAt;
}

/** The `_metadata` of a whole savepoint that holds no state. */
export const WHOLE = metadata(6, []);

/** A snapshot whose `_metadata` is this; a whole one that holds no state unless told otherwise. */
export async function snapshotAt({ folder }: Pick<DriftScene, 'folder'>, path: string, bytes = WHOLE): Promise<void> {
  await mkdir(join(folder, path), { recursive: true });
  await writeFile(join(folder, path, '_metadata'), bytes);
}

const ENTRY = `id kind attempt path location snapshots bytes bytesCutShort lastWrittenAt since ageMs message
  storage { id } deployment { id } savepoint { id state } otherSavepoint { id } remedies { kind message } forgotten { by reason }`;

/** A page of the report on one storage. */
export async function driftPage(
  { stateward, storageId }: Pick<DriftScene, 'stateward'> & { storageId: string | null },
  args = 'first: 20',
): Promise<Data> {
  const { driftReport } = await stateward.ask(
    `query($storageId: ID) { driftReport(storageId: $storageId) { entries(${args}) {
       edges { cursor node { ${ENTRY} } } pageInfo { hasNextPage endCursor } sums { kind entries bytes ofUnknownSize }
       look { directories files stillWritten truncated } } } }`,
    { storageId },
  );
  return driftReport.entries;
}

export const driftOf = async (scene: DriftScene, args?: string): Promise<Data[]> =>
  (await driftPage(scene, args)).edges.map(({ node }: Data) => node);

/** Whether the storage can be looked into, and if not, why. */
export async function sightOf({ stateward, storageId }: DriftScene): Promise<Data> {
  const { driftReport } = await stateward.ask(
    'query($id: ID) { driftReport(storageId: $id) { storages { leftoversChecked notCheckedBecause storage { id } } } }',
    { id: storageId },
  );
  return driftReport.storages[0];
}

export const kindsOf = (remedies: { kind: string }[]): string[] => remedies.map(({ kind }) => kind);
