import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Data } from '../support/graphql-client.js';
import {
  endRun,
  insertCheckpoint,
  insertGap,
  insertLeftBehind,
  insertRun,
  insertSavepointOf,
  makeDay,
  type Run,
} from '../support/history-rows.js';
import { startStateward, type Stateward } from '../support/stateward.js';

let stateward: Stateward;
beforeAll(async () => {
  stateward = await startStateward({ worker: false });
});
afterAll(() => stateward.stop());

const database = () => stateward.services.database;
const at = (minute: number, second = 0) => new Date(Date.UTC(2026, 2, 10, 0, minute, second));

const NODE = `id flinkCheckpointId kind type state triggeredAt endedAt durationMs checkpointedBytes stateBytes subtasks acknowledgedSubtasks
  location failureMessage discarded owner restorable { canBeRestored obstacle reason unlockedBy } deletable { canBeDeleted obstacle reason }
  job { id } deployment { id } savepoint { id }`;

async function page(deploymentId: string, args: object = {}, fields = 'flinkCheckpointId'): Promise<Data> {
  const { deployment } = await stateward.ask(
    `query($id: ID!, $first: Int! = 20, $after: String, $filter: CheckpointFilterInput) { deployment(id: $id) {
       checkpoints(first: $first, after: $after, filter: $filter) { edges { cursor node { ${fields} } }
         pageInfo { hasNextPage endCursor } gaps { id from to missing reason message job { id } } } } }`,
    { id: deploymentId, ...args },
  );
  return deployment.checkpoints;
}
const numbers = ({ edges }: Data): number[] => edges.map((edge: Data) => edge.node.flinkCheckpointId);
const only = async (deploymentId: string, filter: object) => numbers(await page(deploymentId, { filter, first: 100 }));

/** Checkpoints 1 to `count` of a new run, one in each minute. */
async function runWith(count: number): Promise<Run> {
  const run = await insertRun(database());
  for (let id = 1; id <= count; id += 1) await insertCheckpoint(database(), run, id, at(id));
  return run;
}

describe('the history of a deployment', () => {
  it('is read page by page without a hole or a double while new rows arrive', async () => {
    const run = await runWith(90);
    const seen: number[] = [];
    let after: string | null = null;
    for (let newer = 91; ; newer += 5) {
      const { edges, pageInfo } = await page(run.deploymentId, { first: 20, after });
      seen.push(...numbers({ edges }));
      if (!pageInfo.hasNextPage) break;
      after = pageInfo.endCursor;
      for (let id = newer; id < newer + 5; id += 1) await insertCheckpoint(database(), run, id, at(id));
    }
    expect(seen).toEqual(Array.from({ length: 90 }, (_, index) => 90 - index));
  });

  it('tells rows of the same instant apart, and goes on within it', async () => {
    const run = await insertRun(database());
    for (const id of [1, 2, 3, 4, 5]) await insertCheckpoint(database(), run, id, at(1));
    const first = await page(run.deploymentId, { first: 3 });
    const second = await page(run.deploymentId, { first: 3, after: first.pageInfo.endCursor });
    expect([numbers(first), numbers(second)]).toEqual([
      [5, 4, 3],
      [2, 1],
    ]);
  });

  it('is one list over the days, those of a wrong clock included', async () => {
    const run = await insertRun(database());
    await makeDay(database(), '2026-03-20');
    await makeDay(database(), '2026-03-21');
    const times = [
      '1999-01-01T00:00:00Z',
      '2026-03-20T08:00:00Z',
      '2026-03-20T23:59:59Z',
      '2026-03-21T00:00:00Z',
      '2026-03-25T00:00:00Z',
    ];
    for (const [index, time] of times.entries()) await insertCheckpoint(database(), run, index + 1, new Date(time));
    const first = await page(run.deploymentId, { first: 2 });
    const rest = await page(run.deploymentId, { first: 10, after: first.pageInfo.endCursor });
    expect([...numbers(first), ...numbers(rest)]).toEqual([5, 4, 3, 2, 1]);
  });

  it('is filtered by state, kind, type, time and run', async () => {
    const run = await insertRun(database());
    await insertCheckpoint(database(), run, 1, at(1));
    await insertCheckpoint(database(), run, 2, at(2), {
      state: 'FAILED',
      location: null,
      failure_message: 'Checkpoint expired',
    });
    await insertCheckpoint(database(), run, 3, at(3), { kind: 'SAVEPOINT', type: 'SAVEPOINT', format: 'NATIVE' });
    await insertCheckpoint(database(), run, 4, at(4), { state: 'IN_PROGRESS', type: 'UNALIGNED_CHECKPOINT' });
    await endRun(database(), run);
    const later = await insertRun(database(), {}, run);
    await insertCheckpoint(database(), later, 5, at(5));

    const { deploymentId } = run;
    expect(await only(deploymentId, {})).toEqual([5, 4, 3, 2, 1]);
    expect(await only(deploymentId, { states: ['FAILED'] })).toEqual([2]);
    expect(await only(deploymentId, { states: ['FAILED', 'IN_PROGRESS'] })).toEqual([4, 2]);
    expect(await only(deploymentId, { kinds: ['SAVEPOINT'] })).toEqual([3]);
    expect(await only(deploymentId, { kinds: ['CHECKPOINT'] })).toEqual([5, 4, 2, 1]);
    expect(await only(deploymentId, { types: ['UNALIGNED_CHECKPOINT', 'SAVEPOINT'] })).toEqual([4, 3]);
    expect(await only(deploymentId, { formats: ['NATIVE'] })).toEqual([3]);
    expect(await only(deploymentId, { from: at(2), to: at(4) })).toEqual([3, 2]);
    expect(await only(deploymentId, { jobId: later.jobId })).toEqual([5]);
  });

  it('leaves out the entries of our own savepoints, unless they are asked for', async () => {
    const run = await runWith(2);
    const savepointId = await insertSavepointOf(database(), run);
    await insertCheckpoint(database(), run, 3, at(3), {
      kind: 'SAVEPOINT',
      type: 'SAVEPOINT',
      savepoint_id: savepointId,
    });
    await insertCheckpoint(database(), run, 4, at(4), { kind: 'SAVEPOINT', type: 'SAVEPOINT' });
    expect(await only(run.deploymentId, {})).toEqual([4, 2, 1]);
    const all = await page(run.deploymentId, { filter: { withOwnSavepoints: true, kinds: ['SAVEPOINT'] } }, NODE);
    expect(all.edges.map((edge: Data) => edge.node)).toMatchObject([
      { flinkCheckpointId: 4, owner: 'OTHER', savepoint: null, restorable: { canBeRestored: true } },
      { flinkCheckpointId: 3, owner: 'STATEWARD', savepoint: { id: savepointId }, restorable: { canBeRestored: true } },
    ]);
  });

  it('is that of one deployment alone, and empty for a new one', async () => {
    await runWith(2);
    const other = await insertRun(database());
    const empty = await page(other.deploymentId);
    expect(empty).toEqual({ edges: [], pageInfo: { hasNextPage: false, endCursor: null }, gaps: [] });
  });

  it('refuses a cursor that is none of it', async () => {
    const run = await runWith(1);
    const ofOtherList = Buffer.from(`${at(1).toISOString()}|${randomUUID()}`).toString('base64url');
    for (const after of ['nonsense', ofOtherList]) {
      const [error] = await stateward.askWrongly(
        `query($id: ID!, $after: String) { deployment(id: $id) { checkpoints(after: $after) { edges { cursor } } } }`,
        { id: run.deploymentId, after },
      );
      expect(error).toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } });
    }
  });
});

describe('a checkpoint', () => {
  it('of a live job shows all that Flink told, and that a savepoint is to be taken to restore from', async () => {
    const run = await insertRun(database());
    await insertCheckpoint(database(), run, 7, at(7));
    const { edges } = await page(run.deploymentId, {}, NODE);
    expect(edges[0].node).toMatchObject({
      id: `${run.jobId}:7`,
      flinkCheckpointId: 7,
      kind: 'CHECKPOINT',
      type: 'CHECKPOINT',
      state: 'COMPLETED',
      triggeredAt: at(7).toISOString(),
      durationMs: 250,
      checkpointedBytes: 1_000,
      stateBytes: 5_000,
      subtasks: 4,
      acknowledgedSubtasks: 4,
      location: `file:///checkpoints/${run.jobId}/chk-7`,
      discarded: false,
      owner: 'FLINK',
      restorable: {
        canBeRestored: false,
        obstacle: 'CHECKPOINT_OF_LIVE_JOB',
        unlockedBy: expect.stringContaining('createSavepoint'),
      },
      deletable: { canBeDeleted: false, obstacle: 'OWNED_BY_FLINK' },
      job: { id: run.jobId },
      deployment: { id: run.deploymentId },
      savepoint: null,
    });
  });

  it('can be restored from when its run has ended and left it behind; the others cannot', async () => {
    const run = await runWith(2);
    await insertCheckpoint(database(), run, 3, at(3), { discarded: true });
    await endRun(database(), run);
    await insertLeftBehind(database(), run, 2, at(2), { data: 'PRESENT' });
    const { edges } = await page(run.deploymentId, {}, 'flinkCheckpointId owner restorable { canBeRestored obstacle }');
    expect(edges.map((edge: Data) => edge.node)).toEqual([
      { flinkCheckpointId: 3, owner: 'FLINK', restorable: { canBeRestored: false, obstacle: 'DISCARDED' } },
      { flinkCheckpointId: 2, owner: 'NOBODY', restorable: { canBeRestored: true, obstacle: null } },
      { flinkCheckpointId: 1, owner: 'FLINK', restorable: { canBeRestored: false, obstacle: 'NOT_RETAINED' } },
    ]);
  });

  it('is found by its id for as long as anything is known of it', async () => {
    const run = await runWith(1);
    const ask = async (id: string) =>
      (await stateward.ask(`query($id: ID!) { checkpoint(id: $id) { id state location } }`, { id })).checkpoint;
    const location = `file:///checkpoints/${run.jobId}/chk-1`;
    expect(await ask(`${run.jobId}:1`)).toEqual({ id: `${run.jobId}:1`, state: 'COMPLETED', location });
    expect(await ask(`${run.jobId.toUpperCase()}:1`)).toMatchObject({ id: `${run.jobId}:1` });
    expect(await ask(`${run.jobId}:2`)).toBeNull();
    expect(await ask(`${randomUUID()}:1`)).toBeNull();
    await insertLeftBehind(database(), run, 1, at(1));
    await database().changed('delete from checkpoint where job_id = $1', [run.jobId]);
    expect(await ask(`${run.jobId}:1`)).toEqual({ id: `${run.jobId}:1`, state: 'COMPLETED', location });
    const [error] = await stateward.askWrongly(`{ checkpoint(id: "chk-1") { id } }`);
    expect(error).toMatchObject({ extensions: { code: 'BAD_USER_INPUT' }, message: expect.stringContaining('colon') });
  });

  it('is made and deleted by Flink alone: a request about a savepoint refuses its id with the reason', async () => {
    const { abandonSavepoint: answer } = await stateward.ask(
      `mutation($input: AbandonSavepointInput!) { abandonSavepoint(input: $input) { __typename ... on UserError { code message } ... on CheckpointIsFlinks { checkpointId } } }`,
      { input: { savepointId: `${randomUUID()}:12` } },
    );
    expect(answer).toMatchObject({
      __typename: 'CheckpointIsFlinks',
      code: 'CHECKPOINT_IS_FLINKS',
      message: expect.stringContaining('by itself'),
    });
    const { __schema } = await stateward.ask(`{ __schema { mutationType { fields { name } } } }`);
    expect(__schema.mutationType.fields.filter(({ name }: Data) => /checkpoint/i.test(name))).toEqual([]);
  });
});

describe('a gap', () => {
  it('is shown with the page whose time it overlaps, and with no other', async () => {
    const run = await runWith(30);
    const old = await insertGap(database(), run, at(2, 10), at(4, 10));
    const across = await insertGap(database(), run, at(9, 30), at(11, 30), { reason: 'ID_MISSING', missing: 1 });
    const newest = await insertGap(database(), run, at(29, 30), at(40), {
      reason: 'JOBMANAGER_CHANGED',
      missing: null,
    });
    const pages: Data[] = [];
    for (let after: string | null = null, more = true; more;) {
      const one = await page(run.deploymentId, { first: 10, after });
      pages.push(one);
      ({ endCursor: after, hasNextPage: more } = one.pageInfo);
    }
    expect(pages.map(({ gaps }) => gaps.map(({ id }: Data) => id))).toEqual([[newest], [across], [across, old]]);
    expect(pages[2].gaps[1]).toMatchObject({
      from: at(2, 10).toISOString(),
      to: at(4, 10).toISOString(),
      missing: 3,
      reason: 'COUNTED_MORE',
      message: expect.stringMatching(/^3 checkpoints are missing between/),
      job: { id: run.jobId },
    });
  });

  it('is shown where there is no checkpoint at all, and not outside the time or the run that was asked for', async () => {
    const run = await insertRun(database());
    const id = await insertGap(database(), run, at(10), at(20));
    const gapsOf = async (filter: object) => (await page(run.deploymentId, { filter })).gaps.map((gap: Data) => gap.id);
    expect(await gapsOf({})).toEqual([id]);
    expect(await gapsOf({ from: at(19) })).toEqual([id]);
    expect(await gapsOf({ from: at(21) })).toEqual([]);
    expect(await gapsOf({ to: at(9) })).toEqual([]);
    expect(await gapsOf({ jobId: randomUUID() })).toEqual([]);
  });

  it('is listed with all others, page by page', async () => {
    const run = await insertRun(database());
    for (let minute = 0; minute < 5; minute += 1) await insertGap(database(), run, at(minute), at(minute, 30));
    const ask = async (after: string | null): Promise<Data> =>
      (
        await stateward.ask(
          `query($id: ID!, $after: String) { deployment(id: $id) { checkpointGaps(first: 3, after: $after) { edges { node { from } } pageInfo { hasNextPage endCursor } } } }`,
          { id: run.deploymentId, after },
        )
      ).deployment.checkpointGaps;
    const first = await ask(null);
    const second = await ask(first.pageInfo.endCursor);
    const all = [...first.edges, ...second.edges].map((edge: Data) => edge.node.from);
    expect(all).toEqual([4, 3, 2, 1, 0].map((minute) => at(minute).toISOString()));
    expect(second.pageInfo.hasNextPage).toBe(false);
  });
});

describe('what ended runs left behind', () => {
  const ask = async (deploymentId: string): Promise<Data> =>
    (
      await stateward.ask(
        `query($id: ID!) { deployment(id: $id) { leftBehind { totalBytes count ofUnknownSize
           checkpoints(first: 1) { edges { node { id owner stateBytes job { run } restorable { canBeRestored } deletable { obstacle } } }
             pageInfo { hasNextPage } gaps { id } } } } }`,
        { id: deploymentId },
      )
    ).deployment.leftBehind;

  it('is listed newest first with its bytes, and nobody owns it', async () => {
    const first = await insertRun(database());
    await endRun(database(), first);
    await insertLeftBehind(database(), first, 3, at(3));
    const second = await insertRun(database(), {}, first);
    await endRun(database(), second);
    await insertLeftBehind(database(), second, 9, at(9), { state_bytes: null });
    await insertLeftBehind(database(), second, 8, at(8), { data: 'MISSING' });
    await insertLeftBehind(database(), second, 10, at(10), { kind: 'SAVEPOINT' });
    expect(await ask(first.deploymentId)).toEqual({
      totalBytes: 5_000,
      count: 2,
      ofUnknownSize: 1,
      checkpoints: {
        edges: [
          {
            node: {
              id: `${second.jobId}:9`,
              owner: 'NOBODY',
              stateBytes: null,
              job: { run: 2 },
              restorable: { canBeRestored: true },
              deletable: { obstacle: 'OWNED_BY_NOBODY' },
            },
          },
        ],
        pageInfo: { hasNextPage: true },
        gaps: [],
      },
    });
  });

  it('is nothing any more when the run comes back to life', async () => {
    const run = await insertRun(database());
    await endRun(database(), run);
    await insertLeftBehind(database(), run, 3, at(3));
    expect((await ask(run.deploymentId)).count).toBe(1);
    await database().changed(`update job set state = 'RUNNING' where id = $1`, [run.jobId]);
    expect(await ask(run.deploymentId)).toMatchObject({ totalBytes: 0, count: 0, checkpoints: { edges: [] } });
  });
});

describe('savepoints', () => {
  it('are filtered by state, origin, format, time and text in the description', async () => {
    const run = await insertRun(database());
    const make = (minute: number, columns: Record<string, unknown>) =>
      insertSavepointOf(database(), run, { created_at: at(minute), ...columns });
    const native = await make(1, { format: 'NATIVE', description: 'Before the 100% upgrade_' });
    const failed = await make(2, { state: 'FAILED', failed_at: at(3), failure_code: 'ABORTED', failure_message: 'x' });
    const stop = await make(3, { origin: 'STOP', description: 'nightly UPGRADE' });
    const ask = async (filter: object): Promise<string[]> => {
      const { deployment } = await stateward.ask(
        `query($id: ID!, $filter: DeploymentSavepointFilterInput) { deployment(id: $id) { savepoints(filter: $filter) { edges { node { id } } } } }`,
        { id: run.deploymentId, filter },
      );
      return deployment.savepoints.edges.map((edge: Data) => edge.node.id);
    };
    expect(await ask({})).toEqual([stop, failed, native]);
    expect(await ask({ states: ['FAILED'] })).toEqual([failed]);
    expect(await ask({ origins: ['STOP'] })).toEqual([stop]);
    expect(await ask({ formats: ['NATIVE'] })).toEqual([native]);
    expect(await ask({ from: at(2), to: at(3) })).toEqual([failed]);
    expect(await ask({ text: 'upgrade' })).toEqual([stop, native]);
    expect(await ask({ text: '100% up' })).toEqual([native]);
    expect(await ask({ text: '1__%' })).toEqual([]);
    const everywhere = await stateward.ask(
      `query($filter: SavepointFilterInput) { savepoints(filter: $filter) { edges { node { id owner restorable { canBeRestored obstacle } deletable { obstacle } } } } }`,
      { filter: { deploymentId: run.deploymentId, text: 'UPGRADE', formats: ['NATIVE'] } },
    );
    expect(everywhere.savepoints.edges).toEqual([
      {
        node: {
          id: native,
          owner: 'STATEWARD',
          restorable: { canBeRestored: true, obstacle: null },
          deletable: { obstacle: 'NOT_CONTAINED' },
        },
      },
    ]);
  });
});
