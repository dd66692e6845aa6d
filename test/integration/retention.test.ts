import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { sweepRetention } from '../../src/retention/sweep-retention.js';
import { insertJob } from '../support/job-rows.js';
import { eventTypes, mutate } from '../support/mutate.js';
import { eachOnOneCluster } from '../support/one-cluster.js';
import { createDeployment } from '../support/scenario.js';
import type { Stateward } from '../support/stateward.js';

const HOUR_MS = 3_600_000;

let stateward: Stateward;
let clusterId: string;
let artifactId: string;
eachOnOneCluster((made) => ({ stateward, clusterId, artifactId } = made));

const db = () => stateward.services.database;
const changed = (text: string, values: unknown[]) => db().changed(text, values);

/** A deployment with a run that has taken hold and completed a checkpoint of its own. */
async function runningDeployment(): Promise<{ deploymentId: string; jobId: string }> {
  const deploymentId = await createDeployment(stateward, clusterId, artifactId, randomUUID());
  const jobId = await insertJob(stateward, deploymentId, clusterId, 'RUNNING', artifactId);
  await changed(
    `update job set started_at = now(), took_hold_at = now(), checkpoint_interval_ms = 1000 where id = $1`,
    [jobId],
  );
  await changed(`update deployment set observed_at = now() where id = $1`, [deploymentId]);
  await completeCheckpoint(jobId, deploymentId);
  return { deploymentId, jobId };
}

const completeCheckpoint = (jobId: string, deploymentId: string) =>
  changed(
    `insert into job_checkpoints (job_id, deployment_id, looked_at, first_completed_id) values ($1, $2, now(), 7)
     on conflict (job_id) do update set first_completed_id = 7`,
    [jobId, deploymentId],
  );

/** Completed savepoints, the first one the oldest, an hour apart; the last one is an hour old. */
async function savepoints(
  { deploymentId, jobId }: { deploymentId: string; jobId: string },
  count: number,
  more: { origin?: string; offsetHours?: number; drained?: boolean } = {},
): Promise<string[]> {
  const { origin = 'SCHEDULED', offsetHours = 0, drained = false } = more;
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const id = randomUUID();
    ids.push(id);
    await changed(
      `insert into savepoint (id, deployment_id, job_id, cluster_id, origin, state, format, actor, storage_id, path, location, triggered_at, completed_at, size_bytes, drained)
       select $1::uuid, $2, $3, $4, $5, 'COMPLETED', 'CANONICAL', 'test', c.savepoint_storage_id, $1 || '/1/savepoint-x', 'file:/s/' || $1,
              now() - $6 * interval '1 hour', now() - $6 * interval '1 hour', 1000, $7
         from cluster c where c.id = $4`,
      [id, deploymentId, jobId, clusterId, origin, count - index + offsetHours, drained],
    );
  }
  return ids;
}

const statesOf = async (ids: readonly string[]) => {
  const rows = await db().rows<{ id: string; state: string }>('select id, state from savepoint where id = any($1)', [
    ids,
  ]);
  const byId = new Map(rows.map(({ id, state }) => [id, state]));
  return ids.map((id) => byId.get(id));
};

const policyOf = async (deploymentId: string) =>
  (
    await stateward.ask(
      'query($id: ID!) { deployment(id: $id) { retention { maxCount maxAgeMs largeCleanupWaitingSince sweptAt } } }',
      { id: deploymentId },
    )
  ).deployment.retention;

const set = (deploymentId: string, policy: object, more: object = {}) =>
  mutate(stateward, 'setRetentionPolicy', { deploymentId, policy, ...more }, [
    '... on Deployment { id }',
    '... on LargeCleanup { savepoints of freedBytes previewToken }',
    '... on InvalidInput { field }',
  ]);

async function preview(deploymentId: string, policy: object | null = null) {
  const { previewRetention } = await stateward.ask(
    `query($id: ID!, $policy: RetentionInput) { previewRetention(deploymentId: $id, policy: $policy) { __typename
       ... on RetentionPreview { goes { savepoint { id } rules message bytes } stays { savepoint { id } why message expiresAt expiresWhen } freedBytes mayTouch deferred large previewToken }
       ... on UserError { code message } } }`,
    { id: deploymentId, policy },
  );
  return previewRetention;
}
const goingIn = (answer: { goes: { savepoint: { id: string } }[] }) => answer.goes.map(({ savepoint }) => savepoint.id);
const whyOf = (answer: { stays: { savepoint: { id: string }; why: string }[] }, id: string) =>
  answer.stays.find(({ savepoint }) => savepoint.id === id)?.why;

describe('a retention policy', () => {
  it('deletes what its preview showed, and each savepoint says why it goes or stays', async () => {
    const run = await runningDeployment();
    const [first = '', second = '', third = '', fourth = ''] = await savepoints(run, 4);
    const shown = await preview(run.deploymentId, { maxCount: 2 });
    expect(goingIn(shown)).toEqual([second, first]);
    expect(shown).toMatchObject({ freedBytes: 2000, mayTouch: 4, large: false, deferred: null });
    expect(shown.goes[0]).toMatchObject({ rules: ['MAX_COUNT'], bytes: 1000 });
    expect(await statesOf([first, second])).toEqual(['COMPLETED', 'COMPLETED']);

    expect(await set(run.deploymentId, { maxCount: 2 })).toMatchObject({ id: run.deploymentId });
    await sweepRetention(db(), run.deploymentId);
    expect(await statesOf([first, second, third, fourth])).toEqual(['DELETING', 'DELETING', 'COMPLETED', 'COMPLETED']);
    const rows = await db().rows('select rule, actor, reason from deletion where deployment_id = $1 order by id', [
      run.deploymentId,
    ]);
    expect(rows).toEqual(
      Array(2).fill({ rule: 'MAX_COUNT', actor: 'retention', reason: expect.stringContaining('newer') }),
    );
    expect(await eventTypes(stateward, 'savepoint_id', first)).toEqual(['DELETION_REQUESTED']);

    const { savepoint } = await stateward.ask(
      'query($id: ID!) { savepoint(id: $id) { expiresAt kept { why message expiresWhen } } }',
      { id: third },
    );
    expect(savepoint).toMatchObject({
      expiresAt: null,
      kept: { why: 'WITHIN_POLICY', expiresWhen: 'when 1 newer one has completed' },
    });
    await sweepRetention(db(), run.deploymentId);
    expect(await statesOf([third, fourth])).toEqual(['COMPLETED', 'COMPLETED']);
  });

  it('goes by age as well, and says when each one expires', async () => {
    const run = await runningDeployment();
    const [old = '', young = ''] = await savepoints(run, 2);
    await set(run.deploymentId, { maxAgeMs: 1.5 * HOUR_MS });
    await sweepRetention(db(), run.deploymentId);
    expect(await statesOf([old, young])).toEqual(['DELETING', 'COMPLETED']);
    const shown = await preview(run.deploymentId);
    expect(whyOf(shown, young)).toBe('NEWEST_GOOD');
  });

  it('never touches what people asked for, what stops made (unless told), and what was imported', async () => {
    const run = await runningDeployment();
    const [manual = ''] = await savepoints(run, 1, { origin: 'MANUAL', offsetHours: 50 });
    const [ofStop = ''] = await savepoints(run, 1, { origin: 'STOP', offsetHours: 49 });
    const [scheduled = '', newest = ''] = await savepoints(run, 2);
    await set(run.deploymentId, { maxCount: 1 });
    await sweepRetention(db(), run.deploymentId);
    expect(await statesOf([manual, ofStop, scheduled, newest])).toEqual([
      'COMPLETED',
      'COMPLETED',
      'DELETING',
      'COMPLETED',
    ]);
    await set(run.deploymentId, { maxCount: 1, includeStop: true });
    await sweepRetention(db(), run.deploymentId);
    expect(await statesOf([manual, ofStop, newest])).toEqual(['COMPLETED', 'DELETING', 'COMPLETED']);
  });

  it("keeps what a live run of another deployment was started from, until that run's first checkpoint", async () => {
    const a = await runningDeployment();
    const [source = '', ...newer] = await savepoints(a, 3);
    const b = await runningDeployment();
    await changed('update job set start_savepoint_id = $2 where id = $1', [b.jobId, source]);
    await changed('update job_checkpoints set first_completed_id = null where job_id = $1', [b.jobId]);
    await set(a.deploymentId, { maxCount: 1 });
    await sweepRetention(db(), a.deploymentId);
    expect(await statesOf([source, ...newer])).toEqual(['COMPLETED', 'DELETING', 'COMPLETED']);
    expect(whyOf(await preview(a.deploymentId), source)).toBe('SOURCE_OF_LIVE_RUN');
    await completeCheckpoint(b.jobId, b.deploymentId);
    await sweepRetention(db(), a.deploymentId);
    expect(await statesOf([source])).toEqual(['DELETING']);
  });

  it('keeps what Flink shows as restored by a job that nobody here started, whatever the spelling', async () => {
    const a = await runningDeployment();
    const [source = '', newest = ''] = await savepoints(a, 2);
    const b = await runningDeployment();
    const root = await db().row<{ uri: string }>(
      'select r.uri from storage_root r join savepoint s on s.storage_id = r.storage_id where s.id = $1 and r.cluster_id = $2',
      [source, clusterId],
    );
    const location = `${root?.uri.replace('file:/', 'file:///')}//${source}/1/./savepoint-x/_metadata`;
    await changed('update job set restored_location = $2 where id = $1', [b.jobId, location]);
    await changed('update job_checkpoints set first_completed_id = null where job_id = $1', [b.jobId]);
    await set(a.deploymentId, { maxCount: 1 });
    await sweepRetention(db(), a.deploymentId);
    expect(await statesOf([source, newest])).toEqual(['COMPLETED', 'COMPLETED']);
    expect(whyOf(await preview(a.deploymentId), source)).toBe('SOURCE_OF_LIVE_RUN');
  });

  it('knows a live source by the folder of its own, where a cluster reaches it by a text that nobody has told of', async () => {
    const a = await runningDeployment();
    const [source = '', newest = ''] = await savepoints(a, 2);
    const b = await runningDeployment();
    await changed('update job set restored_location = $2 where id = $1', [
      b.jobId,
      `hdfs://elsewhere/state/${source}/1/savepoint-x`,
    ]);
    await changed('update job_checkpoints set first_completed_id = null where job_id = $1', [b.jobId]);
    await set(a.deploymentId, { maxCount: 1 });
    await sweepRetention(db(), a.deploymentId);
    expect(await statesOf([source, newest])).toEqual(['COMPLETED', 'COMPLETED']);
  });

  it('never cleans before its cluster was looked at again, however long Stateward itself was away', async () => {
    const run = await runningDeployment();
    const ids = await savepoints(run, 3);
    await set(run.deploymentId, { maxCount: 1, whileStopped: 'CLEAN' });
    await changed(`update cluster set observed_at = now() - interval '11 min' where id = $1`, [clusterId]);
    await sweepRetention(db(), run.deploymentId);
    expect(await statesOf(ids)).toEqual(['COMPLETED', 'COMPLETED', 'COMPLETED']);
  });

  it('ends with its deployment, whose savepoints stay', async () => {
    const run = await runningDeployment();
    const ids = await savepoints(run, 3);
    await set(run.deploymentId, { maxCount: 1, whileStopped: 'CLEAN' });
    await changed(`update job set state = 'CANCELLED', ended_at = now() where id = $1`, [run.jobId]);
    await changed(`update deployment set state = 'CANCELLED' where id = $1`, [run.deploymentId]);
    await mutate(stateward, 'deleteDeployment', { deploymentId: run.deploymentId });
    await sweepRetention(db(), run.deploymentId);
    expect(await statesOf(ids)).toEqual(['COMPLETED', 'COMPLETED', 'COMPLETED']);
    expect(await policyOf(run.deploymentId)).toBeNull();
    expect(await eventTypes(stateward, 'deployment_id', run.deploymentId)).toContain('RETENTION_REMOVED');
  });

  it('waits while the deployment is stopped, and with CLEAN keeps what LATEST_STATE would use', async () => {
    const run = await runningDeployment();
    const ids = await savepoints(run, 3);
    await set(run.deploymentId, { maxCount: 1 });
    await changed(
      `update job set state = 'CANCELLED', ended_at = now(), end_read_at = now(), end_read_from = 'STATISTICS' where id = $1`,
      [run.jobId],
    );
    await changed(`update deployment set state = 'CANCELLED' where id = $1`, [run.deploymentId]);
    await sweepRetention(db(), run.deploymentId);
    expect(await statesOf(ids)).toEqual(['COMPLETED', 'COMPLETED', 'COMPLETED']);
    expect((await preview(run.deploymentId)).deferred).toContain('is stopped');
    await set(run.deploymentId, { maxCount: 1, whileStopped: 'CLEAN' });
    await sweepRetention(db(), run.deploymentId);
    // What LATEST_STATE would use is in use: it stands beside the one that the policy keeps.
    expect(await statesOf(ids)).toEqual(['DELETING', 'COMPLETED', 'COMPLETED']);
    expect((await preview(run.deploymentId)).stays[0].message).toContain('LATEST_STATE would start it');
  });

  it('never cleans while a deployment is unseen', async () => {
    const run = await runningDeployment();
    const ids = await savepoints(run, 3);
    await set(run.deploymentId, { maxCount: 1, whileStopped: 'CLEAN' });
    await changed(`update cluster set state = 'UNREACHABLE', state_since = now() - interval '11 min' where id = $1`, [
      clusterId,
    ]);
    await sweepRetention(db(), run.deploymentId);
    expect(await statesOf(ids)).toEqual(['COMPLETED', 'COMPLETED', 'COMPLETED']);
    expect((await preview(run.deploymentId)).deferred).toContain('not been seen');
  });
});

describe('a pass that would delete more than half', () => {
  it('wants the token of its preview when the policy is saved', async () => {
    const run = await runningDeployment();
    const ids = await savepoints(run, 8);
    const declined = await set(run.deploymentId, { maxCount: 2 });
    expect(declined).toMatchObject({ code: 'LARGE_CLEANUP', savepoints: 6, of: 8, freedBytes: 6000 });
    expect(await policyOf(run.deploymentId)).toBeNull();
    const { previewToken, large } = await preview(run.deploymentId, { maxCount: 2 });
    expect(large).toBe(true);
    expect(declined.previewToken).toBe(previewToken);
    expect(await set(run.deploymentId, { maxCount: 2 }, { previewToken: 'f'.repeat(64) })).toMatchObject({
      code: 'LARGE_CLEANUP',
    });
    expect(await set(run.deploymentId, { maxCount: 2 }, { previewToken })).toMatchObject({ id: run.deploymentId });
    await sweepRetention(db(), run.deploymentId);
    expect((await statesOf(ids)).filter((state) => state === 'DELETING')).toHaveLength(6);
  });

  it('waits for a person when it comes later, is told once, and goes with exactly what was shown', async () => {
    const run = await runningDeployment();
    await set(run.deploymentId, { maxAgeMs: 4.5 * HOUR_MS });
    const ids = await savepoints(run, 8, { offsetHours: 3 });
    await sweepRetention(db(), run.deploymentId);
    await sweepRetention(db(), run.deploymentId);
    expect(new Set(await statesOf(ids))).toEqual(new Set(['COMPLETED']));
    const told = (await eventTypes(stateward, 'deployment_id', run.deploymentId)).filter(
      (type) => type === 'LARGE_CLEANUP_WAITING',
    );
    expect(told).toHaveLength(1);
    expect(await policyOf(run.deploymentId)).toMatchObject({ largeCleanupWaitingSince: expect.any(String) });

    const stale = (await preview(run.deploymentId)).previewToken;
    await changed('update savepoint set pinned = true where id = $1', [ids[0]]);
    const confirm = (previewToken: string) =>
      mutate(
        stateward,
        'confirmCleanup',
        { deploymentId: run.deploymentId, previewToken },
        '... on LargeCleanup { previewToken }',
      );
    const declined = await confirm(stale);
    expect(declined).toMatchObject({ code: 'LARGE_CLEANUP' });
    expect(await confirm(declined.previewToken)).toMatchObject({ __typename: 'Deployment' });
    await sweepRetention(db(), run.deploymentId);
    const states = await statesOf(ids);
    expect(states[0]).toBe('COMPLETED');
    expect(states.filter((state) => state === 'DELETING')).toHaveLength(6);
    expect(await policyOf(run.deploymentId)).toMatchObject({ largeCleanupWaitingSince: null });
  });
});

describe('a policy that cannot be', () => {
  it.each([
    [{ maxCount: 0 }, 'policy.maxCount'],
    [{ maxAgeMs: -1 }, 'policy.maxAgeMs'],
    [{ maxAgeMs: HOUR_MS - 1 }, 'policy.maxAgeMs'],
    [{}, 'policy.maxCount'],
  ])('%j is declined with the field', async (policy, field) => {
    const { deploymentId } = await runningDeployment();
    expect(await set(deploymentId, policy)).toMatchObject({ code: 'INVALID_INPUT', field });
    expect(await policyOf(deploymentId)).toBeNull();
  });

  it('there is none to preview, to confirm or to remove', async () => {
    const { deploymentId } = await runningDeployment();
    expect(await preview(deploymentId)).toMatchObject({ code: 'NO_RETENTION_POLICY' });
    expect(await mutate(stateward, 'confirmCleanup', { deploymentId, previewToken: 'x' })).toMatchObject({
      code: 'NO_RETENTION_POLICY',
    });
    expect(
      await mutate(stateward, 'removeRetentionPolicy', { deploymentId }, '... on Deployment { id }'),
    ).toMatchObject({ id: deploymentId });
    const unknown = randomUUID();
    expect(await set(unknown, { maxCount: 1 })).toMatchObject({ code: 'NOT_FOUND' });
    expect(await preview(unknown, { maxCount: 1 })).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a pass and a start at the same instant', () => {
  it('one of them comes second: what a start has chosen stays', async () => {
    const a = await runningDeployment();
    const [source = '', newest = ''] = await savepoints(a, 2);
    const b = await runningDeployment();
    await changed('update job_checkpoints set first_completed_id = null where job_id = $1', [b.jobId]);
    await set(a.deploymentId, { maxCount: 1 });
    let sweeping: Promise<void> | undefined;
    await db().transaction(async (tx) => {
      // As a start does: the row is locked, then the run that uses it is written, all in one transaction.
      await tx.rows('select id from savepoint where id = $1 for no key update', [source]);
      sweeping = sweepRetention(db(), a.deploymentId);
      await waitUntilBlocked();
      await tx.changed('update job set start_savepoint_id = $2 where id = $1', [b.jobId, source]);
    });
    await sweeping;
    expect(await statesOf([source, newest])).toEqual(['COMPLETED', 'COMPLETED']);
  });
});

/** Some session of this database waits for a lock. */
async function waitUntilBlocked(): Promise<void> {
  for (;;) {
    const row = await db().row<{ blocked: number }>(
      `select count(*)::int as blocked from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if ((row?.blocked ?? 0) > 0) return;
  }
}
