import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { FakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { checkpointsIn, dataAt } from '../../src/checkpoint/look-at-storage.js';
import { lookAtSnapshot } from '../../src/savepoint/look-at-snapshot.js';
import {
  checkpointRootOf,
  leaveBehind,
  type LeftRunRows,
  onDisk,
  proveStorages,
  writeCheckpoint,
  writeCheckpointAlone,
} from '../support/left-behind-scenario.js';
import { eachOnOneCluster } from '../support/one-cluster.js';
import { createDeployment } from '../support/scenario.js';
import type { Stateward } from '../support/stateward.js';

let stateward: Stateward;
let flink: FakeFlink;
let clusterId: string;
let artifactId: string;
eachOnOneCluster((made) => ({ stateward, flink, clusterId, artifactId } = made));

let run: LeftRunRows;
let root: string;
let storageId: string;
let elsewhere: string;
beforeEach(async () => {
  const deploymentId = await createDeployment(stateward, clusterId, artifactId, randomUUID());
  run = await leaveBehind(stateward, flink, { deploymentId, clusterId }, { ids: [1] });
  await proveStorages(stateward, clusterId);
  root = checkpointRootOf(flink);
  const row = await stateward.services.database.row<{ id: string }>(
    `select storage_id as id from storage_root where cluster_id = $1 and uri like '%checkpoints%'`,
    [clusterId],
  );
  storageId = row?.id ?? '';
  elsewhere = mkdtempSync(join(tmpdir(), 'stateward-elsewhere-'));
});
afterEach(() => rmSync(elsewhere, { recursive: true }));

const changed = (text: string, values: unknown[]) => stateward.services.database.changed(text, values);
const look = (path = `${run.flinkJobId}/chk-1`) =>
  lookAtSnapshot(stateward.services.database, { storageId, path }, `${root}/${path}`);
const jobFolder = () => onDisk(`${root}/${run.flinkJobId}`);
const whole = { kind: 'READ', inspection: { damaged: 0, notReached: 0 } };

/** A storage that a cluster reaches, read in a folder of this machine. */
async function storageAt(cluster: string, uri: string, folder: string, state = 'PROVEN'): Promise<void> {
  const id = randomUUID();
  const columns = 'insert into storage (id, name, read_root, read_state) values ($1::uuid, $1::text, $2, $3)';
  await changed(columns, [id, folder, state]);
  await changed('insert into storage_root (storage_id, cluster_id, uri, since) values ($1, $2, $3, $4)', [
    id,
    cluster,
    uri,
    new Date(0),
  ]);
}

async function anotherCluster(): Promise<string> {
  const id = randomUUID();
  await changed(
    `insert into cluster (id, name, url, state) values ($1::uuid, $1::text, 'http://another:' || $1::text, 'REACHABLE')`,
    [id],
  );
  return id;
}

describe('a look while the mount is away', () => {
  it.each(['the root', 'the folder that a volume is mounted at'])('tells nothing: %s is empty', async (what) => {
    const inner = what !== 'the root';
    const path = inner ? `volume/${run.flinkJobId}/chk-1` : `${run.flinkJobId}/chk-1`;
    const mounted = inner ? onDisk(`${root}/volume`) : onDisk(root);
    if (inner) {
      writeCheckpoint(`${root}/${path}`, 1, []);
      expect(await look(path)).toMatchObject(whole);
    }
    const volume = join(elsewhere, 'volume');
    renameSync(mounted, volume);
    mkdirSync(mounted);
    expect(await look(path)).toMatchObject({ kind: 'NOT_SEEN', why: expect.stringContaining('what lay above') });
    rmSync(mounted, { recursive: true });
    renameSync(volume, mounted);
    expect(await look(path)).toMatchObject(whole);
  });

  it('tells nothing where the root is another folder, in which other things lie', async () => {
    await changed('update storage set read_root = $2 where id = $1', [storageId, elsewhere]);
    mkdirSync(join(elsewhere, 'other'));
    expect(await look()).toMatchObject({ kind: 'NOT_SEEN' });
  });

  it('tells nothing of what a run has left', async () => {
    const { database } = stateward.services;
    const ran = { clusterId, createdAt: Date.now() };
    const [location = ''] = run.locations;
    const checkpoints = () => checkpointsIn(database, ran, `${root}/${run.flinkJobId}`);
    expect(await checkpoints()).toMatchObject([{ id: 1 }]);
    const volume = join(elsewhere, 'volume');
    renameSync(onDisk(root), volume);
    mkdirSync(onDisk(root));
    expect(await checkpoints()).toBeNull();
    expect(await dataAt(database, ran, location)).toBe('NOT_CHECKED');
    rmSync(onDisk(root), { recursive: true });
    renameSync(volume, onDisk(root));
    rmSync(onDisk(location), { recursive: true });
    expect(await dataAt(database, ran, location)).toBe('MISSING');
    rmSync(join(jobFolder(), 'shared'), { recursive: true });
    expect(await checkpoints()).toEqual([]);
  });

  it('tells of files in a storage beside that they are not reached; once that is mounted, that they are gone', async () => {
    await storageAt(clusterId, 'file:/mnt/beside', elsewhere);
    const file = (name: string) => `file:/mnt/beside/${run.flinkJobId}/shared/${name}`;
    const [there, gone] = [file('there'), file('gone')];
    const location = `${root}/${run.flinkJobId}/chk-2`;
    mkdirSync(join(elsewhere, run.flinkJobId, 'shared'), { recursive: true });
    for (const name of ['there', 'gone'])
      writeFileSync(join(elsewhere, run.flinkJobId, 'shared', name), 'x'.repeat(100));
    writeCheckpointAlone(location, 2, [there, gone]);
    expect(await look(`${run.flinkJobId}/chk-2`)).toMatchObject(whole);
    rmSync(join(elsewhere, run.flinkJobId, 'shared', 'gone'));
    expect(await look(`${run.flinkJobId}/chk-2`)).toMatchObject({ inspection: { absent: 1, notReached: 0 } });
    rmSync(join(elsewhere, run.flinkJobId), { recursive: true });
    expect(await look(`${run.flinkJobId}/chk-2`)).toMatchObject({ inspection: { damaged: 0, notReached: 2 } });
  });
});

describe('a look tells that', () => {
  it('a snapshot is gone whose folder above is there', async () => {
    rmSync(onDisk(`${root}/${run.flinkJobId}/chk-1`), { recursive: true });
    expect(await look()).toEqual({ kind: 'NO_METADATA', proven: true });
  });

  it('a snapshot is gone that was removed with folders above it, beside others that are there', async () => {
    writeCheckpoint(`${root}/of/one/attempt/savepoint-1`, 1, []);
    expect(await look('of/one/attempt/savepoint-1')).toMatchObject(whole);
    rmSync(onDisk(`${root}/of/one`), { recursive: true });
    expect(await look('of/one/attempt/savepoint-1')).toMatchObject({ kind: 'NOT_SEEN' });
    mkdirSync(onDisk(`${root}/of/another`));
    expect(await look('of/one/attempt/savepoint-1')).toEqual({ kind: 'NO_METADATA', proven: true });
  });

  it('files are gone, also with their folder, or with that of another run', async () => {
    const other = `${root}/${'a'.repeat(32)}/shared/one`;
    writeCheckpoint(`${root}/${run.flinkJobId}/chk-2`, 2, [`${root}/${run.flinkJobId}/shared/common`, other]);
    expect(await look(`${run.flinkJobId}/chk-2`)).toMatchObject(whole);
    rmSync(onDisk(dirname(dirname(other))), { recursive: true });
    expect(await look(`${run.flinkJobId}/chk-2`)).toMatchObject({ inspection: { damaged: 1, absent: 1 } });
    rmSync(join(jobFolder(), 'shared'), { recursive: true });
    expect(await look(`${run.flinkJobId}/chk-2`)).toMatchObject({ inspection: { damaged: 2, absent: 2 } });
  });

  it('files are not reached that lay on a volume of their own, which is away', async () => {
    const other = `${root}/volume/shared/one`;
    writeCheckpoint(`${root}/${run.flinkJobId}/chk-2`, 2, [other]);
    renameSync(onDisk(`${root}/volume`), join(elsewhere, 'volume'));
    mkdirSync(onDisk(`${root}/volume`));
    expect(await look(`${run.flinkJobId}/chk-2`)).toMatchObject({ inspection: { damaged: 0, notReached: 1 } });
  });
});

describe('files are looked for', () => {
  it('in the storage of the snapshot, whatever another cluster has below a path that reads the same', async () => {
    await storageAt(await anotherCluster(), `${root}/${run.flinkJobId}`, elsewhere);
    mkdirSync(join(elsewhere, 'shared'));
    expect(await look()).toMatchObject(whole);
  });

  it('in the storage of the snapshot first, where another cluster reaches that too', async () => {
    const another = await anotherCluster();
    await changed('insert into storage_root (storage_id, cluster_id, uri, since) values ($1, $2, $3, $4)', [
      storageId,
      another,
      'file:/their/checkpoints',
      new Date(0),
    ]);
    await storageAt(another, `${root}/${run.flinkJobId}`, elsewhere);
    mkdirSync(join(elsewhere, 'shared'));
    expect(await look()).toMatchObject(whole);
  });

  it('in no storage that only other clusters reach', async () => {
    await storageAt(await anotherCluster(), 'file:/of/others', elsewhere);
    writeFileSync(join(elsewhere, 'one'), 'x'.repeat(100));
    writeCheckpointAlone(`${root}/${run.flinkJobId}/chk-1`, 1, ['file:/of/others/one']);
    expect(await look()).toMatchObject({ inspection: { damaged: 0, notReached: 1 } });
  });

  it('in another storage of the same cluster that has the inner root, where that of the snapshot has none', async () => {
    await storageAt(clusterId, `${root}/inner`, elsewhere);
    mkdirSync(join(elsewhere, 'shared'));
    const file = join(elsewhere, 'shared', 'one');
    writeFileSync(file, 'x'.repeat(100));
    writeCheckpointAlone(`${root}/${run.flinkJobId}/chk-1`, 1, [`${root}/inner/shared/one`]);
    expect(await look()).toMatchObject(whole);
    rmSync(file);
    expect(await look()).toMatchObject({ inspection: { absent: 1 } });
  });
});
