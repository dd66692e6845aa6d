import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type FakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { sweepRetention } from '../../src/retention/sweep-retention.js';
import { insertCompleted, insertContents, insertRun, statesOf } from '../support/deletion-rows.js';
import { askToDelete, deletionNow, disposalCalls, stepOfDeletion } from '../support/deletion-scenario.js';
import type { Data } from '../support/graphql-client.js';
import { mutate } from '../support/mutate.js';
import { eachOnOneCluster } from '../support/one-cluster.js';
import { createDeployment } from '../support/scenario.js';
import type { Stateward } from '../support/stateward.js';

let stateward: Stateward;
let flink: FakeFlink;
let clusterId: string;
let artifactId: string;
eachOnOneCluster((made) => ({ stateward, flink, clusterId, artifactId } = made));

const db = () => stateward.services.database;
const STORAGE = '... on Storage { id injectsEntropy } ... on InvalidInput { field }';

async function storageId(): Promise<string> {
  const row = await db().row<{ id: string }>('select savepoint_storage_id as id from cluster where id = $1', [
    clusterId,
  ]);
  return row?.id ?? '';
}
const mark = async (injectsEntropy: boolean | null): Promise<Data> =>
  mutate(stateward, 'updateStorage', { storageId: await storageId(), injectsEntropy }, STORAGE);

/** Completed savepoints of one run, the oldest first. */
async function savepoints(count: number): Promise<{ deploymentId: string; ids: string[] }> {
  const deploymentId = await createDeployment(stateward, clusterId, artifactId, randomUUID());
  const jobId = await insertRun(stateward, deploymentId, clusterId);
  const ids: string[] = [];
  for (let n = count; n > 0; n -= 1) ids.push(await insertCompleted(stateward, jobId, n + 1, { origin: 'SCHEDULED' }));
  return { deploymentId, ids };
}
const deletable = async (id: string): Promise<Data> =>
  (
    await stateward.ask(
      'query($id: ID!) { savepoint(id: $id) { deletable { canBeDeleted reason } kept { why message } } }',
      {
        id,
      },
    )
  ).savepoint;

describe('a storage that is marked for entropy injection', () => {
  it('is so from its creation or a change on, and stays so when it takes in others, or is taken in', async () => {
    const make = (more: object): Promise<Data> =>
      mutate(
        stateward,
        'createStorage',
        { name: randomUUID(), roots: [{ clusterId, uri: `s3://${randomUUID()}/x` }], ...more },
        STORAGE,
      );
    const [plain, marked] = [await make({}), await make({ injectsEntropy: true })];
    expect([plain.injectsEntropy, marked.injectsEntropy]).toEqual([false, true]);
    await db().changed('delete from storage_root where storage_id = $1', [marked.id]); // one cluster reaches a storage by one root
    const merged = await mutate(stateward, 'mergeStorages', { keep: plain.id, into: [marked.id] }, STORAGE);
    expect(merged).toMatchObject({ id: plain.id, injectsEntropy: true });

    expect((await mark(true)).injectsEntropy).toBe(true);
    expect((await mark(null)).injectsEntropy).toBe(true);
    expect((await mark(false)).injectsEntropy).toBe(false);
    const events = await db().rows<{ message: string }>(
      `select message from event where type = 'STORAGE_UPDATED' and storage_id = $1 order by id desc limit 3`,
      [await storageId()],
    );
    expect(events.map(({ message }) => message)).toEqual([
      expect.stringContaining('does not inject entropy'),
      expect.stringContaining('nothing'),
      expect.stringContaining('Flink injects entropy'),
    ]);
  });

  it('keeps what is not known to be self-contained, whoever asks; what was read and is, goes', async () => {
    const { ids, deploymentId } = await savepoints(4);
    const [unread = '', read = '', elsewhere = ''] = ids;
    await insertContents(db(), read, { selfContained: true });
    await insertContents(db(), elsewhere, { selfContained: false });
    expect((await deletable(unread)).deletable).toMatchObject({ canBeDeleted: true });
    await mark(true);
    try {
      expect((await deletable(unread)).deletable).toMatchObject({
        canBeDeleted: false,
        reason: expect.stringMatching(/injects entropy.*recheckSavepoint reads it/),
      });
      const refused = await askToDelete(stateward, unread, { force: true });
      expect(refused).toMatchObject({
        code: 'SAVEPOINT_NOT_DELETABLE',
        message: expect.stringMatching(/injects entropy/),
      });
      expect(await askToDelete(stateward, elsewhere)).toMatchObject({
        code: 'SAVEPOINT_NOT_DELETABLE',
        message: expect.stringMatching(/outside of its own folder/),
      });
      await mutate(
        stateward,
        'setRetentionPolicy',
        { deploymentId, policy: { maxCount: 1 } },
        '... on Deployment { id }',
      );
      await sweepRetention(db(), deploymentId);
      expect(await statesOf(stateward, ids)).toEqual(['COMPLETED', 'DELETING', 'COMPLETED', 'COMPLETED']);
      expect((await deletable(unread)).kept).toMatchObject({
        why: 'NOT_DELETABLE',
        message: expect.stringMatching(/^Stateward deletes nothing there: .*injects entropy/),
      });
    } finally {
      await mark(false);
    }
    await sweepRetention(db(), deploymentId);
    expect(await statesOf(stateward, ids)).toEqual(['DELETING', 'DELETING', 'COMPLETED', 'COMPLETED']);
  });

  it.each([
    ['the mark of its storage', () => mark(true), () => mark(false), /injects entropy/],
    [
      'its _metadata',
      (id: string) => insertContents(db(), id, { selfContained: false }),
      async () => undefined,
      /outside of its own folder/,
    ],
  ])('is looked at once more before Flink is asked: %s', async (_, learn, forget, why) => {
    const [id = ''] = (await savepoints(2)).ids;
    expect(await askToDelete(stateward, id)).toMatchObject({ state: 'DELETING' });
    await learn(id);
    try {
      await stepOfDeletion(stateward, id, clusterId);
    } finally {
      await forget();
    }
    const { state, deletion } = await deletionNow(stateward, id);
    expect([state, deletion.failure.code]).toEqual(['DELETION_FAILED', 'NOT_DELETABLE']);
    expect(deletion.failure.message).toMatch(why);
    expect(disposalCalls(flink)).toEqual([]);
  });
});
