import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { dropOldCheckpoints, makeCheckpointDays } from '../../src/checkpoint/checkpoint-days.js';
import { insertCluster, insertDeployment, openTestDatabase, type OpenDatabase } from '../support/rows.js';

let open: OpenDatabase;
beforeEach(async () => void (open = await openTestDatabase()));
afterEach(() => open.close());

const DAY_MS = 86_400_000;

async function partitions(): Promise<string[]> {
  const rows = await open.database.rows<{ name: string }>(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'checkpoint'::regclass order by 1`,
  );
  return rows.map(({ name }) => name);
}

async function insertJob(): Promise<{ jobId: string; deploymentId: string }> {
  const { database } = open;
  const clusterId = await insertCluster(database);
  const deploymentId = await insertDeployment(database, clusterId);
  const jobId = randomUUID();
  await database.changed(
    `insert into job (id, deployment_id, cluster_id, run, flink_job_id, state, strategy, actor) values ($1, $2, $3, 1, $4, 'RUNNING', 'NONE', 'test')`,
    [jobId, deploymentId, clusterId, jobId.replaceAll('-', '')],
  );
  return { jobId, deploymentId };
}

const insertCheckpoint = (
  job: { jobId: string; deploymentId: string },
  id: number,
  at: Date,
  { kind = 'CHECKPOINT' }: { kind?: string } = {},
) =>
  open.database.changed(
    `insert into checkpoint (job_id, deployment_id, flink_checkpoint_id, triggered_at, kind, state, checkpointed_bytes, state_bytes, subtasks, acknowledged_subtasks, location)
     values ($1, $2, $3, $4, $5, 'COMPLETED', 1, 1, 1, 1, 'file:/x/' || $3::bigint::text)`,
    [job.jobId, job.deploymentId, id, at, kind],
  );

async function where(jobId: string): Promise<Record<number, string>> {
  const rows = await open.database.rows<{ id: number; place: string }>(
    'select flink_checkpoint_id::int as id, tableoid::regclass::text as place from checkpoint where job_id = $1',
    [jobId],
  );
  return Object.fromEntries(rows.map(({ id, place }) => [id, place]));
}

const nameOf = (ms: number) => `checkpoint_${new Date(ms).toISOString().slice(0, 10).replaceAll('-', '')}`;

describe('the days of the checkpoint table', () => {
  it('are made from yesterday to three days ahead, once, however many ask at a time', async () => {
    const made = await Promise.all([1, 2, 3, 4].map(() => makeCheckpointDays(open.database)));
    expect(made.reduce((sum, count) => sum + count, 0)).toBe(5);
    const today = Date.now();
    expect(await partitions()).toEqual(
      ['checkpoint_default', ...[-1, 0, 1, 2, 3].map((day) => nameOf(today + day * DAY_MS))].sort(),
    );
    expect(await makeCheckpointDays(open.database)).toBe(0);
  });

  it('take over what came before they were there', async () => {
    const job = await insertJob();
    const now = Date.now();
    await insertCheckpoint(job, 1, new Date(now));
    await insertCheckpoint(job, 2, new Date('2001-01-01'));
    expect(await where(job.jobId)).toEqual({ 1: 'checkpoint_default', 2: 'checkpoint_default' });
    await makeCheckpointDays(open.database);
    expect(await where(job.jobId)).toEqual({ 1: nameOf(now), 2: 'checkpoint_default' });
  });

  it('are dropped whole when they are old, and nothing younger goes', async () => {
    const job = await insertJob();
    await makeCheckpointDays(open.database);
    const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
    const old = new Date(today - 9 * DAY_MS);
    await open.database.rows(
      `create table ${nameOf(old.getTime())} partition of checkpoint for values from ('${old.toISOString()}') to ('${new Date(old.getTime() + DAY_MS).toISOString()}')`,
    );
    await insertCheckpoint(job, 1, new Date(old.getTime() + 1));
    await insertCheckpoint(job, 2, new Date(today + 1));
    await insertCheckpoint(job, 3, new Date(today - 20 * DAY_MS)); // the clock of its JobManager was set back
    expect(await dropOldCheckpoints(open.database, 9)).toEqual({ days: [], rows: 1 });
    expect(await dropOldCheckpoints(open.database, 8)).toEqual({ days: [nameOf(old.getTime())], rows: 0 });
    expect(await where(job.jobId)).toEqual({ 2: nameOf(today) });
  });

  it("leave somebody else's savepoints known as what a run can go on from", async () => {
    const job = await insertJob();
    await insertCheckpoint(job, 1, new Date('2001-01-01'), { kind: 'SAVEPOINT' });
    await insertCheckpoint(job, 2, new Date('2001-01-02'));
    await dropOldCheckpoints(open.database, 30);
    const left = await open.database.rows(
      'select flink_checkpoint_id::int as id, kind from retained_checkpoint where job_id = $1',
      [job.jobId],
    );
    expect(left).toEqual([{ id: 1, kind: 'SAVEPOINT' }]);
  });

  it('give way to a transaction that writes to one of them: it is dropped the next time', async () => {
    const job = await insertJob();
    const old = '2020-01-01T00:00:00.000Z';
    await open.database.rows(
      `create table checkpoint_20200101 partition of checkpoint for values from ('${old}') to ('2020-01-02T00:00:00Z')`,
    );
    await open.database.transaction(async (tx) => {
      await tx.changed(
        `insert into checkpoint (job_id, deployment_id, flink_checkpoint_id, triggered_at, kind, state, checkpointed_bytes, state_bytes, subtasks, acknowledged_subtasks)
         values ($1, $2, 7, $3, 'CHECKPOINT', 'COMPLETED', 1, 1, 1, 1)`,
        [job.jobId, job.deploymentId, old],
      );
      await expect(dropOldCheckpoints(open.database, 30)).rejects.toMatchObject({ code: '55P03' });
    });
    expect(await where(job.jobId)).toEqual({ 7: 'checkpoint_20200101' });
    expect(await dropOldCheckpoints(open.database, 30)).toEqual({ days: ['checkpoint_20200101'], rows: 0 });
  });
});
