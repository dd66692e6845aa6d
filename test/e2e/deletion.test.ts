import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { wake } from '../../src/db/claims.js';
import {
  askToDelete,
  completedSavepoint,
  deletionIn,
  deletionNow,
  disposalCalls,
  hideStorageOf,
  waitingDeletion,
} from '../support/deletion-scenario.js';
import type { Data } from '../support/graphql-client.js';
import { mutate } from '../support/mutate.js';
import { deploymentOn, eventsOf } from '../support/savepoint-scenario.js';
import type { Scenario } from '../support/scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';

let stateward: Stateward;
let flink: FakeFlink;
let proxy: TcpProxy;
let scenario: Scenario;
let old: Data;
let newest: Data;
beforeAll(async () => void (stateward = await startStateward()));
afterAll(() => stateward.stop());
beforeEach(async () => {
  flink = await startFakeFlink();
  proxy = await startTcpProxy(flink.url);
  scenario = await deploymentOn(stateward, proxy);
  old = await completedSavepoint(stateward, scenario.deploymentId);
  newest = await completedSavepoint(stateward, scenario.deploymentId);
});
afterEach(async () => {
  await proxy.stop();
  await flink.stop();
});

const folderOf = ({ location }: Data): string => location.replace(/^file:/, '');
const del = (id: string, more: object = {}) => askToDelete(stateward, id, more);
const changed = (text: string, values: unknown[]) => stateward.services.database.changed(text, values);
const deletionEvents = async (id: string) =>
  (await eventsOf(stateward, id)).filter((type) => type.startsWith('DELETION') || type === 'SAVEPOINT_DELETED');

describe('a savepoint that is deleted', () => {
  it('is DELETING at once and then proven gone, its own folder and nothing above it', async () => {
    flink.knobs.disposalDurationMs = 300;
    const asked = await del(old.id, { reason: 'too many' });
    expect(asked).toMatchObject({
      state: 'DELETING',
      proof: null,
      deletion: { scope: 'DATA', rule: 'BY_HAND', reason: 'too many' },
    });
    const { savepoint } = await stateward.ask('query($id: ID!) { savepoint(id: $id, waitMs: 20000) { state } }', {
      id: old.id,
    });
    expect(savepoint.state).toBe('DELETED');
    const gone = await deletionNow(stateward, old.id);
    expect(gone).toMatchObject({
      proof: 'EMPTY',
      data: 'MISSING',
      deletedAt: expect.any(String),
      deletion: { state: 'DONE', note: null, failure: null, waitingFor: null },
    });
    expect(disposalCalls(flink)).toEqual([old.location]);
    expect(existsSync(folderOf(old))).toBe(false);
    expect(existsSync(dirname(folderOf(old)))).toBe(true);
    expect(existsSync(folderOf(newest))).toBe(true);
    expect(await deletionEvents(old.id)).toEqual(['DELETION_REQUESTED', 'SAVEPOINT_DELETED']);
    expect(await del(old.id)).toMatchObject({ state: 'DELETED' });
  });

  it('is gone by the word of Flink where Stateward cannot look', async () => {
    await hideStorageOf(stateward, old.id);
    await del(old.id);
    expect(await deletionIn(stateward, old.id, 'DELETED')).toMatchObject({
      proof: 'FLINK_CONFIRMED',
      data: 'NOT_CHECKED',
    });
    expect(flink.disposed).toEqual([old.location]);
  });

  it('was gone before where its folder is seen to be missing: Flink is not asked', async () => {
    rmSync(folderOf(old), { recursive: true });
    await del(old.id);
    expect(await deletionIn(stateward, old.id, 'DELETED')).toMatchObject({
      proof: 'EMPTY',
      deletion: { note: 'WAS_ALREADY_GONE' },
    });
    expect(disposalCalls(flink)).toEqual([]);
  });

  it('is not taken to be gone where what lies above is missing as well: a mount may be, so Flink is asked', async () => {
    rmSync(dirname(folderOf(old)), { recursive: true });
    await del(old.id);
    expect(await deletionIn(stateward, old.id, 'DELETION_FAILED')).toMatchObject({
      proof: null,
      deletion: { failure: { code: 'NOT_FOUND' } },
    });
    expect(disposalCalls(flink)).toEqual([old.location]);
  });

  it('by a policy goes the same way, with the rule', async () => {
    await changed(`update savepoint set origin = 'SCHEDULED' where deployment_id = $1`, [scenario.deploymentId]);
    const policy = { maxCount: 1, whileStopped: 'CLEAN' };
    expect(
      await mutate(stateward, 'setRetentionPolicy', { deploymentId: scenario.deploymentId, policy }),
    ).toMatchObject({
      __typename: 'Deployment',
    });
    await changed('update job_checkpoints set first_completed_id = 1 where job_id = $1', [scenario.jobId]);
    await changed('update retention_policy set sweep_at = now() where deployment_id = $1', [scenario.deploymentId]);
    expect(await deletionIn(stateward, old.id, 'DELETED')).toMatchObject({
      proof: 'EMPTY',
      deletion: { rule: 'MAX_COUNT', actor: 'retention' },
    });
    expect(flink.disposed).toEqual([old.location]);
  });

  it('is counted among what is stored until it is gone', async () => {
    flink.knobs.disposalDurationMs = Infinity;
    const overview = async () =>
      (
        await stateward.ask(
          'query($id: ID!) { deployment(id: $id) { stateOverview { savepointBytes deletingBytes deletionsFailed } } }',
          {
            id: scenario.deploymentId,
          },
        )
      ).deployment.stateOverview;
    const bytes = old.sizeBytes + newest.sizeBytes;
    expect(await overview()).toEqual({ savepointBytes: bytes, deletingBytes: 0, deletionsFailed: 0 });
    await del(old.id);
    expect(await overview()).toEqual({ savepointBytes: bytes, deletingBytes: old.sizeBytes, deletionsFailed: 0 });
    await waitFor(() => disposalCalls(flink).length === 1, { what: 'Flink to be asked' });
    flink.knobs.disposalDurationMs = 0;
    await flink.restart();
    await deletionIn(stateward, old.id, 'DELETED');
    expect(await overview()).toEqual({ savepointBytes: newest.sizeBytes, deletingBytes: 0, deletionsFailed: 0 });
  });
});

describe('a deletion that cannot be done now', () => {
  const seenAsAway = () =>
    waitFor(
      () =>
        stateward.services.database.row(`select 1 from cluster where id = $1 and state = 'UNREACHABLE'`, [
          scenario.clusterId,
        ]),
      { what: 'the cluster to be seen as away' },
    );
  /** Another cluster, which reaches the same storage. */
  async function withAnother(then: (other: FakeFlink) => Promise<void>): Promise<void> {
    const other = await startFakeFlink({ savepointRoot: flink.savepointRoot, folder: flink.folder });
    try {
      const there = await deploymentOn(stateward, other);
      await changed(
        `update storage_root set storage_id = (select storage_id from savepoint where id = $2)
          where cluster_id = $1 and storage_id = (select savepoint_storage_id from cluster where id = $1)`,
        [there.clusterId, old.id],
      );
      await then(other);
    } finally {
      await other.stop();
    }
  }

  it('waits while the cluster is away, says so once, and is done when it is back', async () => {
    proxy.cut();
    await seenAsAway();
    await del(old.id);
    expect(await waitingDeletion(stateward, old.id)).toMatch(/^cluster ".*" to answer$/);
    expect(await deletionNow(stateward, old.id)).toMatchObject({ state: 'DELETING', deletion: { state: 'WAITING' } });
    expect(await deletionEvents(old.id)).toEqual(['DELETION_REQUESTED', 'DELETION_WAITS']);
    const { events } = await stateward.ask(
      'query($id: ID!) { events(first: 1, filter: { savepointId: $id, types: [DELETION_WAITS] }) { edges { node { message } } } }',
      { id: old.id },
    );
    expect(events.edges[0].node.message).toMatch(/KiB|bytes/);
    proxy.mend();
    expect(await deletionIn(stateward, old.id, 'DELETED')).toMatchObject({
      proof: 'EMPTY',
      deletion: { waitingFor: null },
    });
    expect(await deletionEvents(old.id)).toEqual(['DELETION_REQUESTED', 'DELETION_WAITS', 'SAVEPOINT_DELETED']);
  });

  it('by a policy begins only when a cluster is back that was away until all had come of age, and leaves the newest', async () => {
    const { deploymentId, clusterId } = scenario;
    await changed(`update savepoint set origin = 'SCHEDULED' where deployment_id = $1`, [deploymentId]);
    const policy = { maxAgeMs: 3_600_000, whileStopped: 'CLEAN' };
    expect(await mutate(stateward, 'setRetentionPolicy', { deploymentId, policy })).toMatchObject({
      __typename: 'Deployment',
    });
    proxy.cut();
    await waitFor(
      () =>
        changed(`update cluster set state_since = now() - interval '1 day' where id = $1 and state = 'UNREACHABLE'`, [
          clusterId,
        ]),
      { what: 'the cluster to be seen as away' },
    );
    await changed(
      `update savepoint set triggered_at = triggered_at - interval '1 day', completed_at = completed_at - interval '1 day' where deployment_id = $1`,
      [deploymentId],
    );
    const asked = await stateward.services.database.row<{ at: Date }>(
      'update retention_policy set sweep_at = now() where deployment_id = $1 returning clock_timestamp() as at',
      [deploymentId],
    );
    await waitFor(
      () =>
        stateward.services.database.row('select 1 from retention_policy where deployment_id = $1 and swept_at > $2', [
          deploymentId,
          asked?.at,
        ]),
      { what: 'a pass while the cluster is away' },
    );
    expect((await deletionNow(stateward, old.id)).state).toBe('COMPLETED');
    proxy.mend();
    expect(await deletionIn(stateward, old.id, 'DELETED', 40_000)).toMatchObject({
      proof: 'EMPTY',
      deletion: { rule: 'MAX_AGE', actor: 'retention' },
    });
    expect((await deletionNow(stateward, newest.id)).state).toBe('COMPLETED');
    expect(disposalCalls(flink)).toEqual([old.location]);
  });

  it('waits while no cluster reaches the storage, and is done when one does', async () => {
    const root = await stateward.services.database.row<{ storageId: string; uri: string }>(
      `update storage_root set left_at = now() where cluster_id = $1 and storage_id = (select storage_id from savepoint where id = $2)
       returning storage_id as "storageId", uri`,
      [scenario.clusterId, old.id],
    );
    await del(old.id);
    expect(await waitingDeletion(stateward, old.id)).toContain('a cluster that reaches the storage');
    const back = { storageId: root?.storageId, root: { clusterId: scenario.clusterId, uri: root?.uri } };
    expect(await mutate(stateward, 'updateStorage', back)).toMatchObject({ __typename: 'Storage' });
    expect(await deletionIn(stateward, old.id, 'DELETED')).toMatchObject({ proof: 'EMPTY' });
  });

  it('is done by another cluster that reaches the same storage', async () => {
    proxy.cut();
    await withAnother(async (other) => {
      await seenAsAway();
      await del(old.id);
      expect(await deletionIn(stateward, old.id, 'DELETED')).toMatchObject({ proof: 'EMPTY' });
      expect(other.disposed).toEqual([old.location]);
    });
  });

  it('stays with the cluster that was asked while that may still know of it, says so once, and then goes to another', async () => {
    flink.knobs.disposalDurationMs = Infinity;
    await del(old.id);
    await waitFor(() => disposalCalls(flink).length === 1, { what: 'Flink to be asked' });
    proxy.cut();
    await seenAsAway();
    await withAnother(async (other) => {
      const told = async () => {
        const { deletion } = await deletionNow(stateward, old.id);
        return /^cluster ".*" to answer$/.test(deletion.waitingFor ?? '') && deletion;
      };
      expect(await waitFor(told, { what: 'the deletion to wait for the answer' })).toMatchObject({
        state: 'DISPOSING',
      });
      const waits = ['DELETION_REQUESTED', 'DELETION_WAITS'];
      expect(await deletionEvents(old.id)).toEqual(waits);
      expect(disposalCalls(other)).toEqual([]);
      await changed(
        `update cluster set state_since = now() - async_store_duration_ms * interval '1 ms' - interval '1 s' where id = $1`,
        [scenario.clusterId],
      );
      await wake(stateward.services.database, 'deletion', old.id);
      expect(await deletionIn(stateward, old.id, 'DELETED')).toMatchObject({ proof: 'EMPTY' });
      expect(other.disposed).toEqual([old.location]);
      expect(await deletionEvents(old.id)).toEqual([...waits, 'SAVEPOINT_DELETED']);
    });
  });

  it('says once that a disposal takes long', async () => {
    flink.knobs.disposalDurationMs = Infinity;
    await del(old.id);
    await waitFor(() => disposalCalls(flink).length === 1, { what: 'Flink to be asked' });
    await changed(`update deletion set sent_at = sent_at - interval '11 min' where id = $1`, [old.id]);
    await wake(stateward.services.database, 'deletion', old.id);
    expect(await waitingDeletion(stateward, old.id)).toMatch(/^cluster ".*" to end the disposal/);
    const asked = () => flink.requests.filter(({ path }) => path.includes('/savepoint-disposal/')).length;
    const before = asked();
    await waitFor(
      async () => {
        await wake(stateward.services.database, 'deletion', old.id);
        return asked() > before + 1;
      },
      { what: 'Flink to be asked again' },
    );
    expect(await deletionEvents(old.id)).toEqual(['DELETION_REQUESTED', 'DELETION_WAITS']);
  });
});
