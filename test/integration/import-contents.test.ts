import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { importSavepoint } from '../../src/savepoint/import-savepoint.js';
import { askToDelete } from '../support/deletion-scenario.js';
import { type DriftScene, driftScene, snapshotAt } from '../support/drift-scenario.js';
import type { Data } from '../support/graphql-client.js';
import { hang } from '../support/hanging-storage.js';
import { type RealMetadata, realMetadata, SNAPSHOTS } from '../support/metadata-files.js';
import { eventTypes, mutate } from '../support/mutate.js';
import * as faults from '../support/snapshot-faults.js';
import { startStateward, type Stateward } from '../support/stateward.js';

const FINGERPRINT = `fingerprint { source readAt metadataVersion operatorCount stateBytes totalBytes files selfContained relocatable damaged notReached
  damages { file expectedBytes foundBytes } operators(first: 20) { id name uid parallelism maxParallelism stateBytes isChain } }`;
const SAVEPOINT = `... on Savepoint { id kind format drained verified data sizeBytes flinkCheckpointId flinkVersion detailsState
  warnings { code message } restorable { canBeRestored obstacle } ${FINGERPRINT} } ... on InvalidInput { field }`;

let stateward: Stateward;
let scene: DriftScene;
beforeAll(async () => {
  stateward = await startStateward({ worker: false });
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  scene = await driftScene(stateward);
});
afterEach(() => scene.remove());

const importOf = (path: string, more: object = {}): Promise<Data> =>
  mutate(stateward, 'importSavepoint', { location: `${scene.uri}/${path}`, ...more }, SAVEPOINT);

describe('an import whose _metadata is read', () => {
  const cases = realMetadata().filter(({ name }) =>
    /savepoint|canonical|native|state-in|parallelism|checkpoint-full/.test(name),
  );
  it.each(cases)('has all that it tells: $name', async ({ path: file, facts, found }: RealMetadata) => {
    const [version = '', name = ''] = file.slice(SNAPSHOTS.length + 1).split('/');
    await faults.copyReal(scene, `theirs/${name}`, name, version);
    const checkpoint = facts.kind === 'checkpoint';
    const imported = await importOf(`theirs/${name}`);
    expect(imported).toMatchObject({
      kind: checkpoint ? 'CHECKPOINT' : 'SAVEPOINT',
      format: facts.format,
      drained: name.includes('drained'),
      verified: true,
      data: 'PRESENT',
      sizeBytes: facts.rest.state_size, // what Flink itself has counted
      flinkCheckpointId: found.checkpointId,
      flinkVersion: null,
      warnings: [],
      fingerprint: {
        source: 'METADATA',
        metadataVersion: found.version,
        stateBytes: facts.rest.state_size,
        damaged: 0,
        notReached: 0,
        damages: [],
      },
    });
    const { operators, operatorCount } = imported.fingerprint;
    const ids = (of: { id: string; parallelism: number; maxParallelism: number }[]) =>
      of.map(({ id, parallelism, maxParallelism }) => [id, parallelism, maxParallelism]).sort();
    expect(ids(operators)).toEqual(ids(facts.operators));
    expect(operatorCount).toBe(facts.operators.length);
    const sizes = operators.map(({ stateBytes }: Data) => stateBytes);
    expect(sizes).toEqual([...sizes].sort((a: number, b: number) => b - a));
    expect(operators.every(({ isChain }: Data) => isChain === false)).toBe(true);
  });

  it('shows no more operators than asked for, and none but a page of them', async () => {
    await faults.copyReal(scene, 's/savepoint-1', 'state-in-files');
    const { id } = await importOf('s/savepoint-1');
    const ask = (first: number) =>
      stateward.ask(`query($id: ID!) { savepoint(id: $id) { fingerprint { operators(first: ${first}) { id } } } }`, {
        id,
      });
    expect((await ask(2)).savepoint.fingerprint.operators).toHaveLength(2);
    await expect(ask(101)).rejects.toThrow(/101/);
  });

  it('is what its _metadata says, also where its folder is named otherwise or the caller says otherwise', async () => {
    await faults.copyReal(scene, 's/savepoint-1', 'checkpoint-full');
    const wrongKind = await importOf('s/savepoint-1', { format: 'NATIVE' });
    expect(wrongKind).toMatchObject({ code: 'INVALID_INPUT', field: 'format' });
    expect(wrongKind.message).toMatch(/is a checkpoint by its _metadata.*NATIVE/);
    expect(await importOf('s/savepoint-1')).toMatchObject({ kind: 'CHECKPOINT', verified: true });

    await faults.copyReal(scene, 's/chk-2', 'native-hashmap');
    const wrongFormat = await importOf('s/chk-2', { format: 'CANONICAL' });
    expect(wrongFormat).toMatchObject({ code: 'INVALID_INPUT', field: 'format' });
    expect(wrongFormat.message).toMatch(/CANONICAL was given.*a NATIVE savepoint/);
    expect(await importOf('s/chk-2', { format: 'NATIVE' })).toMatchObject({ kind: 'SAVEPOINT', format: 'NATIVE' });
  });

  it('may be large', async () => {
    await snapshotAt(scene, 's/savepoint-1', await faults.huge());
    expect(await importOf('s/savepoint-1')).toMatchObject({ verified: true, data: 'PRESENT', sizeBytes: 50_000_000 });
  });

  it('is recorded DAMAGED and cannot be restored from where files are gone or of another size; brought back, it can', async () => {
    await faults.copyReal(scene, 's/savepoint-1', 'state-in-files');
    const names = await readdir(join(scene.folder, 's/savepoint-1'));
    const [first = '', second = ''] = names.filter((name) => /^[0-9a-f]{8}-/.test(name));
    await rm(join(scene.folder, 's/savepoint-1', first));
    await truncate(join(scene.folder, 's/savepoint-1', second), 1);
    const imported = await importOf('s/savepoint-1');
    expect(imported).toMatchObject({
      verified: true,
      data: 'DAMAGED',
      warnings: [{ code: 'DATA_DAMAGED', message: expect.stringMatching(/^Its data are damaged: 2 of its .* files/) }],
      restorable: { canBeRestored: false, obstacle: 'DATA_DAMAGED' },
      fingerprint: { damaged: 2 },
    });
    expect(imported.fingerprint.damages).toEqual(
      expect.arrayContaining([
        { file: first, expectedBytes: expect.any(Number), foundBytes: null },
        { file: second, expectedBytes: expect.any(Number), foundBytes: 1 },
      ]),
    );
    await faults.copyReal(scene, 's/savepoint-1', 'state-in-files');
    const again = await mutate(stateward, 'recheckSavepoint', { savepointId: imported.id }, SAVEPOINT);
    expect(again).toMatchObject({
      data: 'PRESENT',
      restorable: { canBeRestored: true },
      fingerprint: { damaged: 0, damages: [] },
    });
  });

  it('that points to files outside of its own folder is never deleted with them', async () => {
    await writeFile(join(scene.folder, 'shared'), Buffer.alloc(10));
    await snapshotAt(scene, 's/savepoint-1-2', faults.pointingTo(`${scene.uri}/shared`, 10));
    const imported = await importOf('s/savepoint-1-2');
    expect(imported).toMatchObject({
      verified: true,
      data: 'PRESENT',
      fingerprint: { selfContained: false, relocatable: false, files: 1 },
    });
    const refused = await askToDelete(stateward, imported.id, { alsoData: true });
    expect(refused).toMatchObject({ code: 'SAVEPOINT_NOT_DELETABLE' });
    expect(refused.message).toMatch(
      /points to files outside of its own folder.*Without alsoData its record alone ends/,
    );

    await faults.copyReal(scene, 's/savepoint-3-4', 'state-in-files');
    const own = await importOf('s/savepoint-3-4');
    expect(await askToDelete(stateward, own.id, { alsoData: true })).toMatchObject({ state: 'DELETING' });
  });
});

describe('an import whose _metadata cannot be read', () => {
  it.each([
    ['cut off', faults.truncated, /At byte \d+ of _metadata: the file ends here.*Copy the whole folder again/],
    ['foreign', faults.foreign, /At byte 0 of _metadata.*Name the folder that Flink has written/],
    ['empty', faults.empty, /At byte 0 of _metadata: the file is empty/],
  ])('is declined where it is %s', async (_, bytes, why) => {
    await snapshotAt(scene, 's/savepoint-1', await bytes());
    const refused = await importOf('s/savepoint-1');
    expect(refused).toMatchObject({ code: 'INVALID_INPUT', field: 'location' });
    expect(refused.message).toMatch(why);
    await stateward.services.database.changed(`update storage set read_state = 'UNPROVEN' where id = $1`, [
      scene.storageId,
    ]);
    expect(await importOf('s/savepoint-1')).toEqual(refused);
  });

  it.each([
    ['1', faults.version1, /version 1 .*is read by no release of today/],
    ['99', faults.version99, /version 99 is not known/],
  ])('is recorded by its name alone where it is of version %s, which is no damage', async (_, bytes, why) => {
    await snapshotAt(scene, 's/savepoint-1', await bytes());
    const imported = await importOf('s/savepoint-1', { format: 'NATIVE' });
    expect(imported).toMatchObject({
      kind: 'SAVEPOINT',
      format: 'NATIVE',
      verified: false,
      data: 'NOT_CHECKED',
      fingerprint: null,
      warnings: [{ code: 'NOT_VERIFIED', message: expect.stringMatching(why) }],
    });
    expect(await askToDelete(stateward, imported.id, { alsoData: true })).toMatchObject({
      code: 'SAVEPOINT_NOT_DELETABLE',
    });
    expect(await eventTypes(stateward, 'savepoint_id', imported.id)).toEqual(['SAVEPOINT_IMPORTED']);
  });

  it('is known, or belongs to a live job, before anything is said of its _metadata', async () => {
    await snapshotAt(scene, 's/savepoint-1');
    const known = await importOf('s/savepoint-1');
    await snapshotAt(scene, 's/savepoint-1', await faults.truncated());
    expect(await importOf('s/savepoint-1')).toMatchObject({
      code: 'ALREADY_KNOWN',
      message: expect.stringContaining(known.id),
    });
  });

  it('is recorded by its name alone where its storage does not answer in time', async () => {
    await snapshotAt(scene, 's/savepoint-1');
    const storage = hang(scene.folder);
    try {
      const input = { location: `${scene.uri}/s/savepoint-1` };
      const imported = await importSavepoint(stateward.services, input, { actor: 'test', requestId: 'test' }, 50);
      expect(imported).toMatchObject({
        verified: false,
        data: 'NOT_CHECKED',
        warnings: [{ code: 'NOT_VERIFIED', message: expect.stringContaining('was ended after 0.05 s') }],
      });
    } finally {
      storage.answer();
    }
  });

  it('answers again as it did for the same key, whatever has become of the file', async () => {
    await snapshotAt(scene, 's/savepoint-1');
    const more = { idempotencyKey: randomUUID() };
    const imported = await importOf('s/savepoint-1', more);
    await rm(join(scene.folder, 's'), { recursive: true });
    expect(await importOf('s/savepoint-1', more)).toEqual(imported);
  });
});
