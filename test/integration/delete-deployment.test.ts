import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { endRun, insertCompleted, insertImport, insertRun, statesOf } from '../support/deletion-rows.js';
import { deletionNow } from '../support/deletion-scenario.js';
import type { Data } from '../support/graphql-client.js';
import { eventTypes, mutate } from '../support/mutate.js';
import { eachOnOneCluster } from '../support/one-cluster.js';
import { createDeployment } from '../support/scenario.js';
import { daily, scheduled } from '../support/schedule-scenario.js';
import type { Stateward } from '../support/stateward.js';

let stateward: Stateward;
let clusterId: string;
let artifactId: string;
eachOnOneCluster((made) => ({ stateward, clusterId, artifactId } = made));

const changed = (text: string, values: unknown[]) => stateward.services.database.changed(text, values);
const states = (ids: readonly string[]) => statesOf(stateward, ids);
const newDeployment = () => createDeployment(stateward, clusterId, artifactId, randomUUID());

const FIELDS = `... on DeploymentDeletion { deployment { id archivedAt schedule { id } retention { maxCount } } deleting freedBytes ofUnknownSize
    kept { savepointId accepted refusal { code message } bytes } leftAlone previewToken }`;
const DECLINED = '... on DeletionNotPreviewed { deleting freedBytes previewToken }';
const del = (deploymentId: string, savepoints: string, more: object = {}): Promise<Data> =>
  mutate(stateward, 'deleteDeployment', { deploymentId, savepoints, ...more }, [FIELDS, DECLINED]);
async function preview(deploymentId: string, savepoints: string): Promise<Data> {
  const answer = await stateward.ask(
    `query($id: ID!, $savepoints: SavepointsOfDeployment!) { previewDeleteDeployment(deploymentId: $id, savepoints: $savepoints) {
       __typename ... on UserError { code } ${FIELDS} } }`,
    { id: deploymentId, savepoints },
  );
  return answer.previewDeleteDeployment;
}

/** Ended, with scheduled savepoints, the first one the oldest, and one by hand that is older than all. */
async function stopped(count = 3): Promise<{ deploymentId: string; ids: string[]; manual: string }> {
  const deploymentId = await newDeployment();
  const jobId = await insertRun(stateward, deploymentId, clusterId);
  const manual = await insertCompleted(stateward, jobId, 100);
  const ids: string[] = [];
  for (let n = count; n > 0; n -= 1) ids.push(await insertCompleted(stateward, jobId, n, { origin: 'SCHEDULED' }));
  await endRun(stateward, jobId);
  return { deploymentId, ids, manual };
}

describe('a deployment that is deleted with its savepoints', () => {
  it('takes those of its schedules, the newest and what LATEST_STATE would use included, and leaves what was not meant', async () => {
    const { deploymentId, ids, manual } = await stopped();
    await scheduled(stateward, deploymentId, { expression: daily() });
    await mutate(stateward, 'setRetentionPolicy', { deploymentId, policy: { maxCount: 3 } });
    const shown = await preview(deploymentId, 'DELETE_SCHEDULED');
    expect(shown).toMatchObject({ deleting: 3, freedBytes: 3_000, ofUnknownSize: 0, kept: [], leftAlone: 1 });
    expect(shown.deployment.archivedAt).toBeNull();

    const deleted = await del(deploymentId, 'DELETE_SCHEDULED', { previewToken: shown.previewToken });
    expect(deleted).toMatchObject({
      __typename: 'DeploymentDeletion',
      deployment: { archivedAt: expect.any(String), schedule: null, retention: null },
      deleting: 3,
      freedBytes: 3_000,
      leftAlone: 1,
    });
    expect(await states([...ids, manual])).toEqual(['DELETING', 'DELETING', 'DELETING', 'COMPLETED']);
    expect(await deletionNow(stateward, ids[0] ?? '')).toMatchObject({
      deletion: { scope: 'DATA', rule: 'DEPLOYMENT_DELETED', reason: expect.stringContaining('with deployment') },
    });
    const events = await eventTypes(stateward, 'deployment_id', deploymentId);
    expect(events.filter((type) => type === 'DELETION_REQUESTED')).toHaveLength(3);
    for (const type of ['SCHEDULE_REMOVED', 'RETENTION_REMOVED', 'DEPLOYMENT_DELETED'])
      expect(events.filter((one) => one === type)).toHaveLength(1);
  });

  it('changes nothing without the token of a preview that showed just these', async () => {
    const { deploymentId, ids } = await stopped();
    await scheduled(stateward, deploymentId, { expression: daily() });
    await mutate(stateward, 'setRetentionPolicy', { deploymentId, policy: { maxCount: 3 } });
    const { previewToken: ofScheduled } = await preview(deploymentId, 'DELETE_SCHEDULED');
    const { previewToken: ofAll } = await preview(deploymentId, 'DELETE_ALL');
    const declined = await del(deploymentId, 'DELETE_SCHEDULED');
    expect(declined).toMatchObject({ code: 'DELETION_NOT_PREVIEWED', deleting: 3, previewToken: ofScheduled });
    expect(declined.message).toContain('previewDeleteDeployment');
    expect((await del(deploymentId, 'DELETE_ALL', { previewToken: ofScheduled })).code).toBe('DELETION_NOT_PREVIEWED');
    await changed('update savepoint set pinned = true where id = $1', [ids[0]]); // fewer go than were shown
    const outdated = await del(deploymentId, 'DELETE_ALL', { previewToken: ofAll });
    expect(outdated).toMatchObject({ code: 'DELETION_NOT_PREVIEWED', deleting: 3 });
    expect(outdated.message).toContain('does not hold any more');
    expect(await states(ids)).toEqual(['COMPLETED', 'COMPLETED', 'COMPLETED']);
    const { deployment } = await stateward.ask(
      'query($id: ID!) { deployment(id: $id) { archivedAt schedule { id } retention { maxCount } } }',
      { id: deploymentId },
    );
    expect(deployment).toEqual({ archivedAt: null, schedule: { id: expect.any(String) }, retention: { maxCount: 3 } });
  });

  it('keeps what others need, and what is pinned or held, and names it', async () => {
    const { deploymentId, ids } = await stopped(5);
    const [source, latest, pinned, held, free] = ids as [string, string, string, string, string];
    const reader = await newDeployment();
    const run = await insertRun(stateward, reader, clusterId);
    await changed('update job set start_savepoint_id = $2, checkpoint_interval_ms = null where id = $1', [run, source]);
    const other = await newDeployment();
    const ended = await insertRun(stateward, other, clusterId);
    await changed(
      `update job set start_savepoint_id = $2, start_location = (select location from savepoint where id = $2) where id = $1`,
      [ended, latest],
    );
    await changed('delete from job_checkpoints where job_id = $1', [ended]);
    await endRun(stateward, ended);
    await changed('update savepoint set pinned = true where id = $1', [pinned]);
    await changed(`update savepoint set held_until = now() + interval '1 day', hold_reason = 'audit' where id = $1`, [
      held,
    ]);
    const shown = await preview(deploymentId, 'DELETE_ALL');
    const deleted = await del(deploymentId, 'DELETE_ALL', { previewToken: shown.previewToken });
    expect(deleted.deleting).toBe(2); // `free`, and the one by hand
    expect(deleted.kept).toEqual(shown.kept);
    const why = new Map(deleted.kept.map((one: Data) => [one.savepointId, one.refusal.message]));
    expect([...why.keys()].sort()).toEqual([source, latest, pinned, held].sort());
    for (const one of deleted.kept)
      expect(one).toMatchObject({ accepted: false, refusal: { code: 'SAVEPOINT_PROTECTED' } });
    expect(why.get(source)).toContain('started from');
    expect(why.get(latest)).toContain('LATEST_STATE would start it');
    expect(why.get(pinned)).toContain('pinned');
    expect(why.get(held)).toContain('audit');
    expect(await states([source, latest, pinned, held, free])).toEqual([
      'COMPLETED',
      'COMPLETED',
      'COMPLETED',
      'COMPLETED',
      'DELETING',
    ]);
  });

  it('ends the records of imported ones and leaves their data', async () => {
    const { deploymentId, manual } = await stopped(1);
    const imported = await insertImport(stateward, clusterId, { deploymentId });
    const { previewToken, freedBytes } = await preview(deploymentId, 'DELETE_ALL');
    expect(freedBytes).toBe(2_000);
    expect(await del(deploymentId, 'DELETE_ALL', { previewToken })).toMatchObject({ deleting: 3, leftAlone: 0 });
    expect(await states([manual, imported])).toEqual(['DELETING', 'DELETED']);
    expect(await deletionNow(stateward, imported)).toMatchObject({
      proof: 'RECORD_ONLY',
      deletion: { scope: 'RECORD' },
    });
  });

  it('answers a repeated request as it did, whatever it says of savepoints then', async () => {
    const { deploymentId, manual } = await stopped(2);
    const { previewToken } = await preview(deploymentId, 'DELETE_SCHEDULED');
    const first = await del(deploymentId, 'DELETE_SCHEDULED', { previewToken });
    expect(first.deleting).toBe(2);
    expect(await del(deploymentId, 'DELETE_SCHEDULED', { previewToken })).toEqual(first);
    expect(await del(deploymentId, 'DELETE_ALL', { previewToken })).toEqual(first);
    expect(await states([manual])).toEqual(['COMPLETED']);
    await changed('delete from deletion_report where id = $1', [deploymentId]); // a day has passed
    expect(await del(deploymentId, 'DELETE_ALL')).toMatchObject({ deleting: 0, kept: [], leftAlone: 1 });
  });

  it('shows nothing of a deployment that runs, or is gone', async () => {
    const deploymentId = await newDeployment();
    await insertRun(stateward, deploymentId, clusterId);
    expect(await preview(deploymentId, 'DELETE_ALL')).toMatchObject({ code: 'DEPLOYMENT_NOT_STOPPED' });
    expect(await preview(randomUUID(), 'DELETE_ALL')).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is declined, or declines a start, where both are asked for at once', async () => {
    const { deploymentId, ids } = await stopped(1);
    const other = await newDeployment();
    const { previewToken } = await preview(deploymentId, 'DELETE_SCHEDULED');
    const [deleted, started] = await Promise.all([
      del(deploymentId, 'DELETE_SCHEDULED', { previewToken }),
      mutate(stateward, 'startDeployment', {
        deploymentId: other,
        start: { strategy: 'FROM_SAVEPOINT', savepointId: ids[0] },
      }),
    ]);
    const [state] = await states(ids);
    expect([deleted.code ?? 'DELETED', started.__typename === 'Job' ? 'STARTED' : 'DECLINED', state]).toEqual(
      state === 'DELETING' ? ['DELETED', 'DECLINED', 'DELETING'] : ['DELETION_NOT_PREVIEWED', 'STARTED', 'COMPLETED'],
    );
  });
});

describe('the bytes that are stored', () => {
  const QUERY = `{ stateBytes { storedBytes savepointBytes deletingBytes deletionsFailed leftBehindBytes ofUnknownSize
    byStorage { storage { id } savepointBytes deletingBytes deletionsFailed ofUnknownSize } } }`;

  it('are summed over all deployments, by storage, with those that wait for their deletion', async () => {
    const before = (await stateward.ask(QUERY)).stateBytes;
    const deploymentId = await newDeployment();
    const jobId = await insertRun(stateward, deploymentId, clusterId);
    const of = (columns: object) => insertCompleted(stateward, jobId, 1, { ...columns });
    await of({ size_bytes: 5_000 });
    await of({ size_bytes: null });
    await of({ size_bytes: 700, state: 'DELETING' });
    await of({ size_bytes: 30, state: 'DELETION_FAILED' });
    await of({ size_bytes: 9_999, state: 'DELETED' });
    const { stateBytes } = await stateward.ask(QUERY);
    const { storage } = await stateward.services.database
      .rows<{ storage: string }>('select savepoint_storage_id as storage from cluster where id = $1', [clusterId])
      .then(([row]) => row ?? { storage: '' });
    const grown = Object.fromEntries(
      ['storedBytes', 'savepointBytes', 'deletingBytes', 'deletionsFailed', 'leftBehindBytes', 'ofUnknownSize'].map(
        (field) => [field, stateBytes[field] - before[field]],
      ),
    );
    expect(grown).toEqual({
      storedBytes: 5_730,
      savepointBytes: 5_730,
      deletingBytes: 730,
      deletionsFailed: 1,
      leftBehindBytes: 0,
      ofUnknownSize: 1,
    });
    expect(stateBytes.byStorage).toContainEqual({
      storage: { id: storage },
      savepointBytes: 5_730,
      deletingBytes: 730,
      deletionsFailed: 1,
      ofUnknownSize: 1,
    });
  });
});
