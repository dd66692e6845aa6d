import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { planKeyOf } from '../../src/compatibility/program-plan.js';
import { rememberPlan } from '../../src/compatibility/program-plan.store.js';
import { defaultConfiguration } from '../../src/deployment/default-configuration.js';
import type { RunSettings } from '../../src/deployment/run-settings.js';
import { runsWithPoints } from '../../src/run/restore.store.js';
import type { SnapshotMetadata, SnapshotOperator } from '../../src/flink/metadata/metadata.types.js';
import { contentsOf } from '../../src/savepoint/snapshot-contents.js';
import { keepContents, type SnapshotKey } from '../../src/savepoint/snapshot-contents.store.js';
import type { Data } from '../support/graphql-client.js';
import { insertLeftBehind, insertRun, insertSavepointOf, type Run } from '../support/history-rows.js';
import { createDeployment, registerCluster, uploadJob } from '../support/scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { heldOf, operator, planned } from '../unit/compatibility/snapshots.js';

const counter = operator('counter');
const source = operator('source', { stateBytes: { operator: 20, keyed: 0, channel: 0 } });
const renamed = operator('counter-2');

let stateward: Stateward;
let artifactId: string;
let flink: FakeFlink;
let root: string;
let clusterId: string;
let storageId: string;
let deploymentId: string;
let madeWith: RunSettings;
let run: Run;
let savepointId: string;

beforeAll(async () => {
  stateward = await startStateward({ worker: false });
  artifactId = await uploadJob(stateward);
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  root = `s3://${randomUUID()}/state`;
  flink = await startFakeFlink({ savepointRoot: root, checkpointRoot: root });
  clusterId = await registerCluster(stateward, flink.url, randomUUID());
  const storage = await database().row<{ id: string }>(
    'select storage_id as id from storage_root where cluster_id = $1',
    [clusterId],
  );
  storageId = storage?.id ?? '';
  const programArguments = ['--release', '1'];
  deploymentId = await createDeployment(stateward, clusterId, artifactId, randomUUID(), { programArguments });
  madeWith = {
    artifactId,
    entryClass: null,
    programArguments,
    parallelism: null,
    flinkConfiguration: { ...defaultConfiguration },
  };
  run = await insertRun(
    database(),
    {
      state: 'CANCELLED',
      artifact_id: artifactId,
      program_arguments: programArguments,
      flink_configuration: madeWith.flinkConfiguration,
      state_backend: 'HASHMAP',
      took_hold_at: new Date(),
      end_read_from: 'STORAGE',
      end_read_at: new Date(),
      ended_at: new Date('2026-02-01T00:00:05Z'), // as soon as the savepoint was taken
    },
    { clusterId, deploymentId },
  );
  const path = 'savepoint-012345-abcdef';
  const place = { storage_id: storageId, path, location: `${root}/${path}` };
  const made = { flink_version: '2.3.0', state_backend: 'HASHMAP' };
  savepointId = await insertSavepointOf(database(), run, { ...place, ...made });
});
afterEach(() => flink.stop());

const database = () => stateward.services.database;
const row = <T extends object>(text: string, values: unknown[]) => database().row<T>(text, values);

/** As if its `_metadata` had been read, and all its files been seen. */
function read(
  key: SnapshotKey,
  operators: SnapshotOperator[],
  change: Partial<SnapshotMetadata> = {},
  damaged = 0,
): Promise<void> {
  const rest = { checkpointId: 1, metadataBytes: 100, masterStates: [], inlineBytes: 0, ...change };
  const metadata: SnapshotMetadata = { ...heldOf(operators).metadata.read, operators, ...rest };
  const files = { selfContained: true, relocatable: true, totalBytes: 1_120, files: 1 };
  const whole = { damages: [], damaged, absent: damaged, notReached: 0 };
  return database().transaction((tx) => keepContents(tx, key, contentsOf({ metadata, ...files, ...whole })));
}

/** As if a Flink had told it. */
async function plannedAs(operators: SnapshotOperator[], change: Partial<RunSettings> = {}): Promise<void> {
  const cluster = await row<Parameters<typeof planKeyOf>[1]>(
    'select flink_version as "flinkVersion", configuration from cluster where id = $1',
    [clusterId],
  );
  const key = cluster && planKeyOf({ ...madeWith, ...change }, cluster);
  if (!key) throw new Error('There is always a jar');
  await database().transaction((tx) =>
    rememberPlan(tx, key, { operators: operators.map(planned), uidHashes: { calls: false, ids: [] } }, 50),
  );
}

const FINDING = 'code severity operator { id uid } stateBytes message remedy';
async function plan(start: object = {}): Promise<Data> {
  const { restorePlan } = await stateward.ask(
    `query($id: ID!, $start: StartInput!) { restorePlan(deploymentId: $id, start: $start) { __typename
       ... on RestorePlan { mapping notChecked findings { ${FINDING} } kept { operator { id uid } stateBytes } stateBytes metadataReadAt plannedAt }
       ... on UserError { code message } ... on RestoreIncompatible { blockers { ${FINDING} } } } }`,
    { id: deploymentId, start: { strategy: 'FROM_SAVEPOINT', savepointId, ...start } },
  );
  return restorePlan;
}

async function start(more: object = {}): Promise<Data> {
  const { startDeployment } = await stateward.ask(
    `mutation($input: StartDeploymentInput!) { startDeployment(input: $input) { __typename ... on Job { id } ... on UserError { code message } } }`,
    { input: { deploymentId, start: { strategy: 'FROM_SAVEPOINT', savepointId, ...more } } },
  );
  return startDeployment;
}
const RELEASE_2 = ['--release', '2'];
const told = async () => {
  await read({ savepointId }, [source, counter]);
  await plannedAs([source, counter]);
  await plannedAs([source, renamed], { programArguments: RELEASE_2 });
};

describe('the verdict of a restore plan', () => {
  it('is open while neither the state was read nor the program was planned', async () => {
    expect(await plan()).toEqual({
      __typename: 'RestorePlan',
      mapping: 'UNKNOWN',
      notChecked: ['OPERATORS', 'MAX_PARALLELISM', 'FILES'],
      findings: [],
      kept: [],
      stateBytes: null,
      metadataReadAt: null,
      plannedAt: null,
    });
  });

  it('leaves nothing open for the program that made the state, and names what it keeps', async () => {
    await told();
    const verdict = await plan();
    expect(verdict).toMatchObject({ mapping: 'FULLY_COMPATIBLE', notChecked: [], findings: [], stateBytes: 1_020 });
    expect(verdict.kept).toEqual([
      { operator: { id: source.id, uid: 'source' }, stateBytes: 20 },
      { operator: { id: counter.id, uid: 'counter' }, stateBytes: 1_000 },
    ]);
    for (const at of [verdict.metadataReadAt, verdict.plannedAt]) expect(Date.parse(at)).not.toBeNaN();
  });

  it('names the operator whose state has no place, how much it is, and what to do, before anything is started', async () => {
    await told();
    const refused = await plan({ programArguments: RELEASE_2 });
    expect(refused).toMatchObject({ __typename: 'RestoreIncompatible', code: 'RESTORE_INCOMPATIBLE' });
    expect(refused.blockers).toEqual([
      expect.objectContaining({
        code: 'STATE_WITHOUT_OPERATOR',
        severity: 'BLOCKER',
        operator: { id: counter.id, uid: 'counter' },
        stateBytes: 1_000,
        remedy: expect.stringContaining('uid "counter"'),
      }),
    ]);
    expect(await start({ programArguments: RELEASE_2 })).toMatchObject({
      code: 'RESTORE_INCOMPATIBLE',
      message: refused.message,
    });
    expect(await row('select count(*)::int as runs from job where deployment_id = $1', [deploymentId])).toEqual({
      runs: 1,
    });
  });

  it('of a start that goes on in spite of it is kept with the run', async () => {
    await told();
    const unheeding = { programArguments: RELEASE_2, ignoreFindings: true };
    expect(await plan(unheeding)).toMatchObject({ __typename: 'RestorePlan', mapping: 'INCOMPATIBLE' });
    const { id } = await start(unheeding);
    const kept = await row<{ codes: string[] }>(
      `select jsonb_path_query_array(start_warnings, '$[*].code') as codes from job where id = $1`,
      [id],
    );
    expect(kept?.codes).toEqual(['STATE_WITHOUT_OPERATOR', 'STARTS_EMPTY']);
  });

  it('says what is dropped where that is allowed', async () => {
    await told();
    const dropping = { programArguments: RELEASE_2, allowNonRestoredState: true };
    const verdict = await plan(dropping);
    expect(verdict).toMatchObject({ mapping: 'PARTIALLY_COMPATIBLE', notChecked: ['MAX_PARALLELISM', 'STATE_TYPES'] });
    expect(verdict.findings.map(({ code, operator: of, stateBytes }: Data) => [code, of?.id, stateBytes])).toEqual([
      ['NON_RESTORED_STATE_ALLOWED', undefined, null],
      ['STATE_DROPPED', counter.id, 1_000],
      ['STARTS_EMPTY', renamed.id, 0],
    ]);
  });

  it('goes by the code that a state was made with where that is brought back', async () => {
    await told();
    await database().changed('update deployment set program_arguments = $2 where id = $1', [deploymentId, RELEASE_2]);
    expect(await plan()).toMatchObject({ code: 'RESTORE_INCOMPATIBLE' });
    expect(await plan({ code: 'AS_TAKEN' })).toMatchObject({ mapping: 'FULLY_COMPATIBLE', notChecked: [] });
  });

  it('is told of a checkpoint by its place', async () => {
    const path = `${run.jobId.replaceAll('-', '')}/chk-9`;
    await insertLeftBehind(database(), run, 9, new Date(), { location: `${root}/${path}` });
    await read({ storageId, path }, [counter]);
    await plannedAs([counter]);
    const fromCheckpoint = { strategy: 'FROM_CHECKPOINT', savepointId: undefined, checkpointId: `${run.jobId}:9` };
    expect(await plan(fromCheckpoint)).toMatchObject({ mapping: 'FULLY_COMPATIBLE', stateBytes: 1_000 });
  });

  it.each([
    ['a checkpoint', { kind: 'CHECKPOINT' }, '1.20.5', ['MAJOR_VERSION_CHANGE'], []],
    ["somebody else's savepoint", { kind: 'SAVEPOINT' }, '1.20.5', ['MAJOR_VERSION_CHANGE'], []],
    ['a checkpoint', { kind: 'CHECKPOINT' }, '2.3.0', [], []],
    ['a checkpoint', { kind: 'CHECKPOINT' }, null, [], ['FLINK_VERSION']],
  ])('goes by the Flink that %s was made on, whatever its cluster runs today: %j, %s', async (...known) => {
    const [, kind, flinkVersion, says, open] = known;
    await database().changed('update job set flink_version = $2 where id = $1', [run.jobId, flinkVersion]);
    await insertLeftBehind(database(), run, 9, new Date(), { location: `${root}/elsewhere/chk-9`, ...kind });
    const point = { strategy: 'FROM_CHECKPOINT', savepointId: undefined, checkpointId: `${run.jobId}:9` };
    const verdict = await plan(point);
    expect(verdict.findings.map(({ code }: Data) => code).filter((code: string) => /VERSION/.test(code))).toEqual(says);
    expect(verdict.notChecked.filter((what: string) => what === 'FLINK_VERSION')).toEqual(open);
    const [newest] = await runsWithPoints(database(), deploymentId);
    expect(newest?.points.find(({ flinkCheckpointId }) => flinkCheckpointId === 9)).toMatchObject({ flinkVersion });
  });

  it('takes the state of an earlier run for made on the Flink of that run', async () => {
    await database().changed(`update job set flink_version = '1.20.5' where id = $1`, [run.jobId]);
    const start = { start_job_id: run.jobId, start_checkpoint_id: 9, start_location: `${root}/elsewhere/chk-9` };
    await insertRun(database(), { state: 'FAILED', ended_at: new Date(), flink_version: '2.3.0', ...start }, run);
    const [newest] = await runsWithPoints(database(), deploymentId);
    expect(newest?.start).toMatchObject({ flinkVersion: '1.20.5', data: 'NOT_CHECKED' });
  });

  it('takes a state for drained where its _metadata says so', async () => {
    const properties = { kind: 'SAVEPOINT', format: 'CANONICAL', drained: true } as const;
    await read({ savepointId }, [counter], { properties });
    expect(await plan()).toMatchObject({ code: 'STATE_IS_DRAINED' });
    const codes = (await plan({ acceptDrained: true })).findings.map(({ code }: Data) => code);
    expect(codes).toEqual(['DRAINED']);
  });

  it('holds no damage against a start that was seen a while ago: the files are looked for again', async () => {
    await told();
    await read({ savepointId }, [source, counter], {}, 1);
    const verdict = await plan();
    expect(verdict).toMatchObject({ mapping: 'FULLY_COMPATIBLE', notChecked: ['FILES'] });
    expect(verdict.findings).toEqual([expect.objectContaining({ code: 'FILES_DAMAGED', severity: 'WARNING' })]);
    expect(await start()).toMatchObject({ __typename: 'Job' });
  });

  it('says of which state it speaks when it declines, and how old what it goes by is', async () => {
    await told();
    const { message } = await plan({ programArguments: RELEASE_2 });
    expect(message).toContain(`${root}/savepoint-012345-abcdef is not taken by the program`);
    expect(message).toMatch(/_metadata as read at 20\S+Z, and the program as planned at 20\S+Z: checkCompatibility/);
  });

  it('is not changed by what statistics tell after _metadata was read', async () => {
    await told();
    await database().transaction((tx) => keepContents(tx, { savepointId }, { source: 'REST', vertices: [] }));
    expect(await plan()).toMatchObject({ mapping: 'FULLY_COMPATIBLE' });
  });
});
