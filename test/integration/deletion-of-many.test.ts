import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { insertCompleted, insertImport, insertRun, statesOf } from '../support/deletion-rows.js';
import { deletionNow } from '../support/deletion-scenario.js';
import type { Data } from '../support/graphql-client.js';
import { mutate } from '../support/mutate.js';
import { eachOnOneCluster } from '../support/one-cluster.js';
import { createDeployment } from '../support/scenario.js';
import type { Stateward } from '../support/stateward.js';

let stateward: Stateward;
let clusterId: string;
let artifactId: string;
eachOnOneCluster((made) => ({ stateward, clusterId, artifactId } = made));

const changed = (text: string, values: unknown[]) => stateward.services.database.changed(text, values);
const states = (ids: readonly string[]) => statesOf(stateward, ids);

interface Run {
  deploymentId: string;
  jobId: string;
}
async function running(): Promise<Run> {
  const deploymentId = await createDeployment(stateward, clusterId, artifactId, randomUUID());
  return { deploymentId, jobId: await insertRun(stateward, deploymentId, clusterId) };
}
/** The first one the oldest. */
async function savepointsOf({ jobId }: Run, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = count; n > 0; n -= 1) ids.push(await insertCompleted(stateward, jobId, n));
  return ids;
}

describe('many savepoints at once', () => {
  const REPORT = `... on DeletionReport { dryRun accepted refused freedBytes hasMore answers { savepointId accepted refusal { code message } bytes savepoint { state } } }`;
  const delAll = (filter: object, more: object = {}) =>
    mutate(stateward, 'deleteSavepoints', { filter, dryRun: false, ...more }, [
      REPORT,
      '... on InvalidInput { field }',
    ]);
  const codesIn = (report: Data) => report.answers.map(({ refusal }: Data) => refusal?.code ?? null);

  it('are judged each for itself; a dry run says the same and changes nothing', async () => {
    const run = await running();
    const ids = await savepointsOf(run, 4);
    const [, pinned = '', , newest = ''] = ids;
    await changed('update savepoint set pinned = true where id = $1', [pinned]);
    const underWay = await insertCompleted(stateward, run.jobId, 0, { state: 'IN_PROGRESS' });
    const filter = { deploymentId: run.deploymentId };
    const dry = await delAll(filter, { dryRun: true });
    expect(dry).toMatchObject({ dryRun: true, accepted: 2, refused: 2, freedBytes: 2000, hasMore: false });
    expect(dry.answers.map(({ savepointId }: Data) => savepointId)).toEqual(ids);
    expect(codesIn(dry)).toEqual([null, 'SAVEPOINT_PROTECTED', null, 'SAVEPOINT_PROTECTED']);
    expect(await states(ids)).toEqual(Array(4).fill('COMPLETED'));

    const done = await delAll(filter, { reason: 'spring cleaning' });
    expect({ ...done, dryRun: true, answers: codesIn(done) }).toEqual({ ...dry, answers: codesIn(dry) });
    expect(await states(ids)).toEqual(['DELETING', 'COMPLETED', 'DELETING', 'COMPLETED']);
    expect((await deletionNow(stateward, ids[0] ?? '')).deletion).toMatchObject({
      reason: 'spring cleaning',
      rule: 'BY_HAND',
    });
    expect(await states([underWay, newest])).toEqual(['IN_PROGRESS', 'COMPLETED']);
  });

  it('leave the newest, and with force the last state, unless all is meant', async () => {
    const run = await running();
    const ids = await savepointsOf(run, 3);
    const filter = { deploymentId: run.deploymentId };
    expect(codesIn(await delAll(filter, { dryRun: true, force: true }))).toEqual([null, null, 'LAST_STATE']);
    expect(codesIn(await delAll(filter, { dryRun: true, force: true, lastState: true }))).toEqual([null, null, null]);
    await delAll(filter, { force: true });
    expect(await states(ids)).toEqual(['DELETING', 'DELETING', 'COMPLETED']);
  });

  it('are named by ids, of several deployments and of none, or by state, origin and time', async () => {
    const [a, b] = [await running(), await running()];
    const [ofA = '', newestOfA = ''] = await savepointsOf(a, 2);
    const [ofB = ''] = await savepointsOf(b, 2);
    const alone = await insertImport(stateward, clusterId);
    const gone = await insertCompleted(stateward, a.jobId, 9, { state: 'DELETED' });
    const unknown = randomUUID();
    const checkpoint = `${a.jobId}:7`;
    const ids = [ofB, unknown, ofA.toUpperCase(), checkpoint, newestOfA, alone, gone, ofB];
    const report = await delAll({ ids });
    expect(report.answers.map(({ savepointId }: Data) => savepointId)).toEqual([
      ofB,
      unknown,
      ofA,
      checkpoint,
      newestOfA,
      alone,
      gone,
    ]);
    expect(codesIn(report)).toEqual([
      null,
      'NOT_FOUND',
      null,
      'CHECKPOINT_IS_FLINKS',
      'SAVEPOINT_PROTECTED',
      null,
      null,
    ]);
    expect(await states([ofB, ofA, newestOfA, alone])).toEqual(['DELETING', 'DELETING', 'COMPLETED', 'DELETED']);
    expect(report).toMatchObject({ accepted: 4, freedBytes: 2000 });

    const c = await running();
    const [oldest = '', stopped = ''] = await savepointsOf(c, 4);
    await changed(`update savepoint set origin = 'STOP' where id = $1`, [stopped]);
    const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
    const named = async (filter: object) =>
      (await delAll({ deploymentId: c.deploymentId, ...filter }, { dryRun: true })).answers.map(
        ({ savepointId }: Data) => savepointId,
      );
    expect(await named({ origins: ['STOP'] })).toEqual([stopped]);
    expect(await named({ to: hoursAgo(3.5) })).toEqual([oldest]);
    expect(await named({ from: hoursAgo(3.5), to: hoursAgo(2.5) })).toEqual([stopped]);
    expect(await named({ states: ['DELETED'] })).toEqual([]);
  });

  it('are never all that there are, and no more than 1,000', async () => {
    expect(await delAll({ origins: ['SCHEDULED'] })).toMatchObject({ code: 'INVALID_INPUT', field: 'filter' });
    expect(await delAll({ deploymentId: randomUUID() })).toMatchObject({ code: 'NOT_FOUND' });
    expect(await delAll({ ids: Array(1_001).fill(randomUUID()) })).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'filter.ids',
    });
    const { deploymentId, jobId } = await running();
    await changed(
      `insert into savepoint (id, deployment_id, job_id, cluster_id, origin, state, format, actor, created_at)
       select gen_random_uuid(), $1, $2, $3, 'MANUAL', 'FAILED', 'CANONICAL', 'test', now() - n * interval '1 s' from generate_series(1, 1001) n`,
      [deploymentId, jobId, clusterId],
    );
    const report = await delAll({ deploymentId, states: ['FAILED'] }, { dryRun: true });
    expect(report).toMatchObject({ accepted: 0, refused: 1000, hasMore: true });
  });

  it('are answered once more with the very same report, though more have completed meanwhile', async () => {
    const run = await running();
    const ids = await savepointsOf(run, 2);
    const idempotencyKey = randomUUID();
    const filter = { deploymentId: run.deploymentId };
    const first = await delAll(filter, { idempotencyKey });
    const later = await insertCompleted(stateward, run.jobId, 0);
    expect(await delAll(filter, { idempotencyKey })).toEqual(first);
    expect(await states([...ids, later])).toEqual(['DELETING', 'COMPLETED', 'COMPLETED']);
    expect(await delAll(filter, { idempotencyKey, force: true })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  });
});
