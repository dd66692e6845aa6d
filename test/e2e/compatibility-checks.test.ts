import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { operatorIdOf } from '../../src/flink/operator-id.js';
import { askToCheck, checked, checkOf, giveState, planCalls } from '../support/check-scenario.js';
import { clusterBecomes } from '../support/cluster-scenario.js';
import type { Data } from '../support/graphql-client.js';
import { createSavepoint, endOfSavepoint, type Scenario, uploadJob } from '../support/scenario.js';
import { deploymentOn } from '../support/savepoint-scenario.js';
import { eventTypesOf, jarRemoved, jobIn, runCalls } from '../support/start-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

let stateward: Stateward;
let flink: FakeFlink;
let scenario: Scenario;
beforeAll(async () => {
  stateward = await startStateward();
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  flink = await startFakeFlink();
  scenario = await deploymentOn(stateward, flink);
});
afterEach(() => flink.stop());

/** Of the running job, with state in its counter. */
async function savepointWithState(uids: string[] = ['counter']): Promise<Data> {
  const { id } = await createSavepoint(stateward, scenario.deploymentId);
  const savepoint = await endOfSavepoint(stateward, id);
  expect(savepoint).toMatchObject({ state: 'COMPLETED', data: 'PRESENT' });
  await giveState(savepoint.location, uids);
  return savepoint;
}

const codesOf = ({ verdict }: Data): string[] => verdict.findings.map(({ code }: Data) => code);

describe('a check of a running deployment', () => {
  it('tells that the same program takes the newest savepoint, and touches nothing but a jar', async () => {
    const savepoint = await savepointWithState();
    const before = flink.requests.length;
    const asked = await askToCheck(stateward, { deploymentId: scenario.deploymentId });
    expect(asked).toMatchObject({
      __typename: 'CompatibilityCheck',
      deployment: { id: scenario.deploymentId },
      cluster: { id: scenario.clusterId },
      artifact: { id: scenario.artifactId },
      snapshot: { kind: 'SAVEPOINT', location: savepoint.location, savepoint: { id: savepoint.id } },
      verdict: null,
      failure: null,
    });
    const check = await checkOf(stateward, asked.id, 20_000);
    expect(check).toMatchObject({
      state: 'COMPLETED',
      waitingFor: null,
      verdict: { mapping: 'FULLY_COMPATIBLE', notChecked: [], planSource: 'ASKED' },
    });
    expect(check.verdict.kept).toEqual([
      { operator: { id: operatorIdOf('counter'), name: 'counter', uid: 'counter' }, stateBytes: expect.any(Number) },
    ]);
    expect(check.verdict.stateBytes).toBeGreaterThan(0);
    expect(Date.parse(check.verdict.plannedAt)).not.toBeNaN();
    expect(Date.parse(check.verdict.metadataReadAt)).not.toBeNaN();
    await jarRemoved(flink);
    const effects = flink.requests.slice(before).filter(({ method }) => method !== 'GET');
    expect(effects.map(({ method, path }) => `${method} ${path.replace(/[0-9a-f-]{36}_.*?\.jar/, 'JAR')}`)).toEqual([
      'POST /jars/upload',
      'POST /jars/JAR/plan',
      'DELETE /jars/JAR',
    ]);
    expect(flink.job(scenario.flinkJobId).state).toBe('RUNNING');
    const { deployment } = await stateward.ask(
      `query($id: ID!) { deployment(id: $id) { compatibilityChecks { edges { node { id state } } } } }`,
      { id: scenario.deploymentId },
    );
    expect(deployment.compatibilityChecks.edges).toEqual([{ node: { id: check.id, state: 'COMPLETED' } }]);
    expect((await eventTypesOf(stateward, scenario.deploymentId)).at(-1)).toBe('COMPATIBILITY_CHECKED');
  });

  it('can be followed from its cursor', async () => {
    await savepointWithState();
    const asked = await askToCheck(stateward, { deploymentId: scenario.deploymentId });
    const [seen] = await stateward.subscribe(
      `subscription($id: ID!, $after: String) { deploymentEvents(deploymentId: $id, after: $after) { event { type message } } }`,
      { id: scenario.deploymentId, after: asked.eventCursor },
      () => true,
    );
    expect(seen.deploymentEvents.event.type).toBe('COMPATIBILITY_CHECKED');
    expect(seen.deploymentEvents.event.message).toContain('FULLY_COMPATIBLE');
  });

  it('finds state that new arguments leave without an operator; to be dropped it is PARTIALLY_COMPATIBLE', async () => {
    await savepointWithState();
    const input = { deploymentId: scenario.deploymentId, programArguments: ['--counter-uid', 'another'] };
    const refused = await checked(stateward, input);
    expect(refused.verdict).toMatchObject({ mapping: 'INCOMPATIBLE', kept: [] });
    expect(refused.verdict.findings[0]).toMatchObject({
      code: 'STATE_WITHOUT_OPERATOR',
      severity: 'BLOCKER',
      operator: { id: operatorIdOf('counter'), uid: 'counter' },
    });
    expect(refused.verdict.notChecked).toContain('STATE_TYPES');
    const dropped = await checked(stateward, { ...input, allowNonRestoredState: true });
    expect(dropped.verdict).toMatchObject({ mapping: 'PARTIALLY_COMPATIBLE', planSource: 'REMEMBERED' });
    expect(codesOf(dropped)).toContain('STATE_DROPPED');
    expect(runCalls(flink)).toHaveLength(1); // the one that made the job run
  });

  it('does not run main() again for what is remembered, unless it is asked for anew', async () => {
    await savepointWithState();
    const { deploymentId } = scenario;
    expect((await checked(stateward, { deploymentId })).verdict.planSource).toBe('ASKED');
    const again = await checked(stateward, { deploymentId });
    expect(again.verdict).toMatchObject({ mapping: 'FULLY_COMPATIBLE', planSource: 'REMEMBERED', notChecked: [] });
    expect(planCalls(flink)).toHaveLength(1);
    expect((await checked(stateward, { deploymentId, fresh: true })).verdict.planSource).toBe('ASKED');
    expect(planCalls(flink)).toHaveLength(2);
    expect((await checked(stateward, { deploymentId, parallelism: 7 })).verdict.planSource).toBe('ASKED');
  });

  it('carries what it would be started with to the plan, with chaining off', async () => {
    await savepointWithState();
    const check = await checked(stateward, {
      deploymentId: scenario.deploymentId,
      artifactId: await uploadJob(stateward),
      entryClass: 'org.example.Other',
      programArguments: ['--name', 'orders'],
      parallelism: 3,
      flinkConfiguration: [{ key: 'pipeline.max-parallelism', value: '64' }],
    });
    expect(planCalls(flink)[0]?.body).toMatchObject({
      entryClass: 'org.example.Other',
      programArgsList: ['--name', 'orders'],
      parallelism: 3,
      flinkConfiguration: { 'pipeline.max-parallelism': '64', 'pipeline.operator-chaining.enabled': 'false' },
    });
    expect(check.verdict.mapping).toBe('INCOMPATIBLE');
    expect(codesOf(check)).toContain('MAX_PARALLELISM_CHANGED');
  });
});

describe('the state of a check', () => {
  it('is the newest checkpoint of the live job where there is no savepoint, and may be named', async () => {
    const location = flink.job(scenario.flinkJobId).completeCheckpoint();
    const { id: checkpointId } = await waitFor(
      async () =>
        (
          await stateward.ask(
            `query($id: ID!) { deployment(id: $id) { stateOverview { lastCompletedCheckpoint { id } } } }`,
            { id: scenario.deploymentId },
          )
        ).deployment.stateOverview.lastCompletedCheckpoint,
      { what: 'the checkpoint to be seen' },
    );
    for (const named of [{}, { checkpointId }]) {
      const check = await checked(stateward, { deploymentId: scenario.deploymentId, ...named });
      expect(check.snapshot).toMatchObject({ kind: 'CHECKPOINT', checkpoint: { id: checkpointId }, savepoint: null });
      expect(check.verdict).toMatchObject({ mapping: 'FULLY_COMPATIBLE' });
    }
    const byPlace = await checked(stateward, { deploymentId: scenario.deploymentId, location });
    expect(byPlace.snapshot).toMatchObject({ kind: 'CHECKPOINT', checkpoint: { id: checkpointId } });
    expect(flink.job(scenario.flinkJobId).state).toBe('RUNNING');
  });

  it('is a savepoint of a run that had finished, too', async () => {
    const savepoint = await savepointWithState();
    flink.job(scenario.flinkJobId).setState('FINISHED');
    await jobIn(stateward, scenario.jobId, 'FINISHED');
    const check = await checked(stateward, { deploymentId: scenario.deploymentId });
    expect(check.snapshot.savepoint.id).toBe(savepoint.id);
    expect(check.verdict.mapping).toBe('FULLY_COMPATIBLE');
  });

  it('has to be named for a jar that no deployment has', async () => {
    const { location } = await savepointWithState();
    const program = { clusterId: scenario.clusterId, artifactId: await uploadJob(stateward) };
    expect(await askToCheck(stateward, program)).toMatchObject({ code: 'INVALID_INPUT', field: 'savepointId' });
    const check = await checked(stateward, { ...program, location });
    expect(check).toMatchObject({
      deployment: null,
      eventCursor: null,
      verdict: { mapping: 'FULLY_COMPATIBLE', notChecked: ['MAX_PARALLELISM', 'STATE_TYPES'] },
    });
  });

  it('that is not there any more is told, and so are files that are gone', async () => {
    const { id, location } = await savepointWithState();
    const folder = location.replace(/^file:/, '');
    const input = { deploymentId: scenario.deploymentId, savepointId: id };
    await rename(join(folder, '_metadata'), join(folder, 'away'));
    const gone = await checked(stateward, input);
    expect(gone.verdict).toMatchObject({ mapping: 'INCOMPATIBLE', metadataReadAt: null, stateBytes: null });
    expect(gone.verdict.findings[0]).toMatchObject({ code: 'NO_METADATA', severity: 'BLOCKER' });
    expect(gone.verdict.notChecked).toEqual(expect.arrayContaining(['OPERATORS', 'FILES']));

    await giveState(location, ['counter'], 'lost-file');
    const damaged = await checked(stateward, input);
    expect(damaged.verdict).toMatchObject({ mapping: 'INCOMPATIBLE', notChecked: [] });
    expect(codesOf(damaged)).toContain('FILES_DAMAGED');
  });

  it('that was read once and is broken now is INCOMPATIBLE, and main() is not run for it', async () => {
    const { id, location } = await savepointWithState();
    const input = { deploymentId: scenario.deploymentId, savepointId: id };
    expect((await checked(stateward, input)).verdict.mapping).toBe('FULLY_COMPATIBLE');
    const file = join(location.replace(/^file:/, ''), '_metadata');
    const bytes = await readFile(file);
    bytes.writeInt32BE(-7, 16); // the count of master states
    await writeFile(file, bytes);
    const check = await checked(stateward, { ...input, fresh: true, programArguments: ['--counter-uid', 'another'] });
    expect(check.verdict).toMatchObject({
      mapping: 'INCOMPATIBLE',
      metadataReadAt: null,
      planSource: null,
      notChecked: expect.arrayContaining(['OPERATORS', 'FILES']),
    });
    expect(check.verdict.findings[0]).toMatchObject({
      code: 'NO_METADATA',
      severity: 'BLOCKER',
      message: expect.stringContaining('-7 master states'),
    });
    expect(planCalls(flink)).toHaveLength(1); // of the first check
    expect(flink.requests.filter(({ path }) => path === '/jars/upload')).toHaveLength(2); // of the job, and of that check
  });

  it('whose files were damaged when it was read last keeps that, where it cannot be read any more', async () => {
    const { id, location } = await savepointWithState();
    const input = { deploymentId: scenario.deploymentId, savepointId: id };
    await giveState(location, ['counter'], 'lost-file');
    expect(codesOf(await checked(stateward, input))).toContain('FILES_DAMAGED');
    await stateward.services.database.changed(
      `update storage set read_state = 'NONE', read_root = null where id = (select storage_id from savepoint where id = $1)`,
      [id],
    );
    const again = await checked(stateward, input);
    expect(again.verdict).toMatchObject({ mapping: 'INCOMPATIBLE', notChecked: ['FILES'] });
    expect(codesOf(again)).toEqual(expect.arrayContaining(['NO_METADATA', 'FILES_DAMAGED']));
  });

  it('of a later format than the cluster knows is told without running main()', async () => {
    const old = await startFakeFlink({ version: '1.20.5' });
    try {
      const { deploymentId } = await deploymentOn(stateward, old);
      const { location } = await endOfSavepoint(stateward, (await createSavepoint(stateward, deploymentId)).id);
      await giveState(location, ['counter']); // in version 6
      const check = await checked(stateward, { deploymentId });
      expect(check.verdict).toMatchObject({ mapping: 'INCOMPATIBLE', planSource: null });
      expect(codesOf(check)).toContain('METADATA_TOO_NEW');
      expect(planCalls(old)).toEqual([]);
    } finally {
      await old.stop();
    }
  });

  it('that cannot be read any more is judged by what was read before, all but its files', async () => {
    const { id } = await savepointWithState();
    const input = { deploymentId: scenario.deploymentId, savepointId: id };
    const first = await checked(stateward, input);
    await stateward.services.database.changed(
      `update storage set read_state = 'NONE', read_root = null where id = (select storage_id from savepoint where id = $1)`,
      [id],
    );
    const again = await checked(stateward, input);
    expect(again.verdict).toMatchObject({
      mapping: 'FULLY_COMPATIBLE',
      notChecked: ['FILES'],
      metadataReadAt: first.verdict.metadataReadAt,
    });
    expect(again.verdict.findings[0]).toMatchObject({ code: 'NO_METADATA', severity: 'WARNING' });
    expect(again.verdict.findings[0].message).toContain('cannot be looked into');
    expect(again.verdict.findings[0].message).toContain(`read of it at ${first.verdict.metadataReadAt}`);
    await stateward.services.database.changed('delete from snapshot_contents where savepoint_id = $1', [id]);
    const unread = await checked(stateward, input);
    expect(unread.state).toBe('COMPLETED');
    expect(unread.verdict).toMatchObject({ mapping: 'UNKNOWN', metadataReadAt: null });
    expect(unread.verdict.notChecked).toEqual(expect.arrayContaining(['OPERATORS', 'MAX_PARALLELISM', 'FILES']));
    expect(unread.verdict.findings[0]).toMatchObject({ code: 'NO_METADATA', severity: 'WARNING' });
    expect(unread.verdict.findings[0].message).toContain('cannot be looked into');
  });
});

describe('a check is declined', () => {
  it('without a state, by NO_RESTORABLE_STATE', async () => {
    expect(await askToCheck(stateward, { deploymentId: scenario.deploymentId })).toMatchObject({
      code: 'NO_RESTORABLE_STATE',
    });
  });

  it('by the field that cannot be', async () => {
    const { deploymentId, clusterId, artifactId } = scenario;
    const id = randomUUID();
    for (const [input, refusal] of [
      [{}, { code: 'INVALID_INPUT', field: 'deploymentId' }],
      [
        { deploymentId, clusterId },
        { code: 'INVALID_INPUT', field: 'deploymentId' },
      ],
      [
        { clusterId, savepointId: id },
        { code: 'INVALID_INPUT', field: 'artifactId' },
      ],
      [
        { deploymentId, savepointId: id, location: 'file:/x' },
        { code: 'INVALID_INPUT', field: 'location' },
      ],
      [
        { deploymentId, savepointId: 'x' },
        { code: 'INVALID_INPUT', field: 'savepointId' },
      ],
      [
        { deploymentId, checkpointId: 'x' },
        { code: 'INVALID_INPUT', field: 'checkpointId' },
      ],
      [
        { deploymentId, location: ' ' },
        { code: 'INVALID_INPUT', field: 'location' },
      ],
      [
        { deploymentId, parallelism: 0 },
        { code: 'INVALID_INPUT', field: 'parallelism' },
      ],
      [
        { deploymentId, savepointId: id },
        { code: 'NOT_FOUND', field: 'savepointId' },
      ],
      [
        { deploymentId, checkpointId: `${id}:7` },
        { code: 'NOT_FOUND', field: 'checkpointId' },
      ],
      [{ deploymentId: id }, { code: 'NOT_FOUND', field: 'deploymentId' }],
      [
        { deploymentId, artifactId: id },
        { code: 'NOT_FOUND', field: 'artifactId' },
      ],
      [
        { clusterId: id, artifactId, savepointId: id },
        { code: 'NOT_FOUND', field: 'clusterId' },
      ],
      [{ deploymentId, location: 's3://elsewhere/x' }, { code: 'OUTSIDE_STORAGES' }],
      [
        { deploymentId, flinkConfiguration: [{ key: 'taskmanager.numberOfTaskSlots', value: '2' }] },
        { code: 'CLUSTER_LEVEL_KEY' },
      ],
    ] as const)
      expect([input, await askToCheck(stateward, input)]).toMatchObject([input, refusal]);
    const [error] = await stateward.askWrongly(
      `mutation { checkCompatibility(input: { deploymentId: "x" }) { __typename } }`,
    );
    expect(error?.extensions.code).toBe('BAD_USER_INPUT');
    const { compatibilityCheck } = await stateward.ask(`query($id: ID!) { compatibilityCheck(id: $id) { id } }`, {
      id,
    });
    expect(compatibilityCheck).toBeNull();
  });

  it('on a cluster that is CHANGED, or takes no jars', async () => {
    const { id } = await savepointWithState();
    const input = { deploymentId: scenario.deploymentId, savepointId: id };
    const { database } = stateward.services;
    await database.changed('update cluster set accepts_jars = false where id = $1', [scenario.clusterId]);
    expect(await askToCheck(stateward, input)).toMatchObject({ code: 'CLUSTER_TAKES_NO_JARS' });
    await database.changed('update cluster set accepts_jars = true where id = $1', [scenario.clusterId]);
    flink.changeRoots({ savepointRoot: `file://${flink.folder}/elsewhere` });
    await clusterBecomes(stateward, scenario.clusterId, 'CHANGED', ({ state }) => state === 'CHANGED');
    expect(await askToCheck(stateward, input)).toMatchObject({ code: 'CLUSTER_CHANGED' });
  });
});

it('the same request at once is one check under a key, and several without', async () => {
  await savepointWithState();
  const input = { deploymentId: scenario.deploymentId, idempotencyKey: randomUUID() };
  const same = await Promise.all(Array.from({ length: 5 }, () => askToCheck(stateward, input)));
  expect(new Set(same.map(({ id }) => id)).size).toBe(1);
  expect(await askToCheck(stateward, { ...input, fresh: true })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  flink.knobs.mainDurationMs = 300;
  const apart = await Promise.all(
    Array.from({ length: 4 }, () => checked(stateward, { deploymentId: scenario.deploymentId, fresh: true })),
  );
  expect(apart.map(({ verdict }) => verdict?.mapping)).toEqual(Array.from({ length: 4 }, () => 'FULLY_COMPATIBLE'));
  await jarRemoved(flink);
});
