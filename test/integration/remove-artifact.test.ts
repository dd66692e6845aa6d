import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { lockBytes } from '../../src/artifact/artifact.store.js';
import { artifactPath } from '../../src/artifact/find-artifact.js';
import { jarOf } from '../support/jars.js';
import { mutate } from '../support/mutate.js';
import { createDeployment, registerCluster, uploadJob } from '../support/scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';
import { insertJob, insertSavepointOf } from '../support/job-rows.js';

let stateward: Stateward;
let flink: FakeFlink;
beforeAll(async () => {
  stateward = await startStateward({ worker: false });
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  flink = await startFakeFlink();
});
afterEach(() => flink.stop());

const name = () => `n ${randomUUID()}`;
const cluster = (more: object = {}) => registerCluster(stateward, flink.url, name(), more);
const changed = (text: string, values: unknown[]) => stateward.services.database.changed(text, values);

describe('removing a jar', () => {
  const FIELDS = '... on Artifact { id removedAt } ... on ArtifactInUse { deploymentIds jobIds savepointIds }';
  const fileOf = async (artifactId: string) => {
    const row = await stateward.services.database.row<{ sha256: string }>('select sha256 from artifact where id = $1', [
      artifactId,
    ]);
    return artifactPath(stateward.services.config.artifactFolder, row?.sha256 ?? '');
  };

  it('is refused while a deployment, a live run or a run that kept savepoints were made from needs it', async () => {
    const clusterId = await cluster();
    const artifactId = await uploadJob(stateward);
    const deploymentId = await createDeployment(stateward, clusterId, artifactId, name());
    const remove = () => mutate(stateward, 'removeArtifact', { artifactId }, FIELDS);
    expect(await remove()).toMatchObject({ code: 'ARTIFACT_IN_USE', deploymentIds: [deploymentId] });
    const jobId = await insertJob(stateward, deploymentId, clusterId, 'RUNNING', artifactId);
    expect(await remove()).toMatchObject({ jobIds: [jobId] });
    const savepointId = await insertSavepointOf(stateward, deploymentId, clusterId, jobId, 'COMPLETED');
    await changed(`update job set state = 'CANCELLED' where id = $1`, [jobId]);
    await changed(`update deployment set state = 'CANCELLED' where id = $1`, [deploymentId]);
    await mutate(stateward, 'deleteDeployment', { deploymentId });
    expect(await remove()).toMatchObject({
      code: 'ARTIFACT_IN_USE',
      deploymentIds: [],
      jobIds: [],
      savepointIds: [savepointId],
    });
    expect(existsSync(await fileOf(artifactId))).toBe(true);
    await changed(`update savepoint set state = 'DELETED' where id = $1`, [savepointId]);
    expect(await remove()).toMatchObject({ id: artifactId, removedAt: expect.any(String) });
    expect(existsSync(await fileOf(artifactId))).toBe(false);
    const { job } = await stateward.ask('query($id: ID!) { job(id: $id) { artifact { id name } } }', { id: jobId });
    expect(job.artifact).toEqual({ id: artifactId, name: 'job.jar' });
  });

  it('removes its file, and the same bytes may come again as another artifact', async () => {
    const jar = jarOf('org.example.Job', { 'unique.txt': randomUUID() });
    const first = (await stateward.upload('job.jar', jar)).body.artifact?.id ?? '';
    await mutate(stateward, 'removeArtifact', { artifactId: first });
    expect(existsSync(await fileOf(first))).toBe(false);
    const clusterId = await cluster();
    expect(await mutate(stateward, 'createDeployment', { name: name(), clusterId, artifactId: first })).toMatchObject({
      code: 'NOT_FOUND',
    });
    const second = (await stateward.upload('job.jar', jar)).body.artifact?.id ?? '';
    expect(second).not.toBe(first);
    await mutate(stateward, 'removeArtifact', { artifactId: first }); // removed long ago: the file is the other one's now
    expect(existsSync(await fileOf(second))).toBe(true);
  });

  it('and an upload of the same bytes at the same instant leave a file exactly where there is an artifact', async () => {
    const jar = jarOf('org.example.Job', { 'unique.txt': randomUUID() });
    for (let round = 0; round < 10; round += 1) {
      const artifactId = (await stateward.upload('job.jar', jar)).body.artifact?.id ?? '';
      await Promise.all([mutate(stateward, 'removeArtifact', { artifactId }), stateward.upload('job.jar', jar)]);
      const left = await stateward.services.database.rows(
        'select 1 from artifact where removed_at is null and sha256 = (select sha256 from artifact where id = $1)',
        [artifactId],
      );
      expect(existsSync(await fileOf(artifactId))).toBe(left.length === 1);
    }
  });
});

describe('a jar that is removed while the same bytes come again', () => {
  it('waits with its file for the upload, and the upload for it', async () => {
    const { database, config } = stateward.services;
    const jar = jarOf('org.example.Job', { 'unique.txt': randomUUID() });
    const { artifact } = (await stateward.upload('job.jar', jar)).body;
    if (!artifact) throw new Error('The jar was not taken');
    const waiting = async () => {
      const row = await database.row<{ waiting: number }>(
        `select count(*)::int as waiting from pg_locks where locktype = 'advisory' and not granted
            and database = (select oid from pg_database where datname = current_database())`,
      );
      return row?.waiting === 2;
    };
    const both = await database.transaction(async (tx) => {
      await lockBytes(tx, artifact.sha256);
      const begun = Promise.all([
        mutate(stateward, 'removeArtifact', { artifactId: artifact.id }),
        stateward.upload('job.jar', jar),
      ]);
      await waitFor(waiting, { what: 'both to wait for whoever has these bytes' });
      return { begun };
    });
    const [, { body }] = await both.begun;
    expect(body.artifact?.id).toEqual(expect.any(String));
    expect(existsSync(artifactPath(config.artifactFolder, artifact.sha256))).toBe(true);
  });
});
