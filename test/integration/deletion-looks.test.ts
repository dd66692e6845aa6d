import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { Claim } from '../../src/db/claims.js';
import type { DeletionAtWork } from '../../src/deletion/disposal.store.js';
import { lookForRest, NotNow } from '../../src/deletion/look-for-rest.js';
import { storageCalls } from '../../src/storage/storage-calls.js';
import { storageReaders } from '../../src/storage/storage-readers.js';
import { insertCompleted, insertRun } from '../support/deletion-rows.js';
import { s3Settings, setS3Environment } from '../support/s3-environment.js';
import { S3_KEY, startS3Server } from '../support/s3-server.js';
import { createDeployment, registerCluster, uploadJob } from '../support/scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

let stateward: Stateward;
let flinks: FakeFlink[];
beforeAll(async () => {
  stateward = await startStateward({ worker: false });
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  flinks = [await startFakeFlink(), await startFakeFlink()];
});
afterEach(() => Promise.all(flinks.map((flink) => flink.stop())));

interface Lying {
  storageId: string;
  path: string;
  readRoot: string;
}

/** A savepoint of a cluster of its own, whose data are there; its storage is proven to be what it seems. */
async function lying(flink: FakeFlink): Promise<Lying> {
  const { database } = stateward.services;
  const clusterId = await registerCluster(stateward, flink.url, randomUUID());
  const deploymentId = await createDeployment(stateward, clusterId, await uploadJob(stateward), randomUUID());
  const id = await insertCompleted(stateward, await insertRun(stateward, deploymentId, clusterId), 1);
  const found = await database.row<Lying>(
    `update storage t set read_state = 'PROVEN' from savepoint s where s.id = $1 and t.id = s.storage_id
     returning t.id as "storageId", s.path, t.read_root as "readRoot"`,
    [id],
  );
  if (!found) throw new Error('it lies in a storage');
  mkdirSync(`${found.readRoot}/${found.path}`, { recursive: true });
  return found;
}

const look = (savepoint: Lying, id: string = randomUUID()) =>
  lookForRest(
    { ...stateward.services, keptClaims: { keep: () => () => undefined } },
    { id, savepoint } as unknown as DeletionAtWork,
    {} as Claim,
    { countWhole: true },
  );

describe('a storage that hangs while deletions look into it', () => {
  it('holds so many of them and no more; the looks into another one go on, and those that waited do when it answers', async () => {
    const [hanging, other] = await Promise.all(flinks.map(lying));
    if (!hanging || !other) throw new Error('two savepoints lie there');
    let answer = () => {};
    const out = storageCalls.call(hanging.readRoot, () => new Promise<void>((resolve) => (answer = resolve)));
    const refused: unknown[] = [];
    const looks = Array.from({ length: 20 }, () => look(hanging).catch((error: unknown) => void refused.push(error)));
    await waitFor(() => refused.length === 4, { what: 'those that are too many to be put off' });
    expect(refused).toEqual(Array(4).fill(expect.any(NotNow)));
    expect(await look(other)).toEqual({ left: false });
    answer();
    await out;
    const answers = await Promise.all(looks);
    expect(answers.filter((answer) => answer !== undefined)).toEqual(Array(16).fill({ left: false }));
    expect(await look(hanging)).toEqual({ left: false });
  });
});

describe('a storage that is read in S3', () => {
  it('shows that nothing is left by the last key that is gone, and what is left by its keys', async () => {
    const server = await startS3Server();
    const undo = setS3Environment();
    storageReaders.useS3(s3Settings(server.port));
    try {
      const [flink] = flinks;
      if (!flink) throw new Error('there are two');
      const savepoint = await lying(flink);
      await stateward.services.database.changed('update storage set read_root = $2 where id = $1', [
        savepoint.storageId,
        `s3://${S3_KEY.bucket}/flink`,
      ]);
      expect(await look(savepoint)).toEqual({ left: false }); // nor is there any folder above
      server.put(`flink/${savepoint.path}/b1`, 'state');
      expect(await look(savepoint)).toEqual({ left: true, metadata: false, counted: { files: 1, bytes: 5 } });
      server.misconduct = { error: { status: 403, code: 'AccessDenied' } };
      expect(await look(savepoint)).toMatchObject({ left: null, why: expect.stringContaining('access to bucket') });
    } finally {
      storageReaders.useS3({ pathStyle: false });
      undo();
      await server.stop();
    }
  });
});
