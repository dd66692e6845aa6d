import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { ownClusters } from '../../src/cluster/own-clusters.js';
import { claimOne } from '../../src/db/claims.js';
import type { Database } from '../../src/db/database.js';
import { failSavepoint } from '../../src/savepoint/end-savepoint.js';
import { SavepointFailureCode } from '../../src/savepoint/savepoint.enums.js';
import { savepointAtWork } from '../../src/savepoint/savepoint.store.js';
import { insertRun, insertSavepointOf, type Run } from '../support/history-rows.js';
import { startStateward, type Stateward } from '../support/stateward.js';

let stateward: Stateward;
let database: Database;
let run: Run;
const worker = randomUUID();
beforeAll(async () => {
  stateward = await startStateward({ worker: false });
  database = stateward.services.database;
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  run = await insertRun(database);
  await ownClusters(database, worker);
});

interface Attempted {
  origin?: string;
  allowed?: number;
  /** What has become of the attempts before the one under way. */
  before?: string[];
}

/** A savepoint that Flink is at, in the last of some attempts. */
async function inProgress({ origin = 'SCHEDULED', allowed = 2, before = [] }: Attempted = {}): Promise<string> {
  const id = await insertSavepointOf(database, run, {
    origin,
    state: 'IN_PROGRESS',
    data: 'NOT_CHECKED',
    location: null,
    attempt: before.length + 1,
    attempts_allowed: allowed,
    in_flight: true,
    look_at: new Date(),
    acknowledged_subtasks: 3,
    total_subtasks: 4,
  });
  const storageId = randomUUID();
  await database.changed(`insert into storage (id, name) values ($1, $2)`, [storageId, storageId]);
  for (const [index, outcome] of [...before, null].entries()) {
    await database.changed(
      `insert into savepoint_attempt (savepoint_id, number, trigger_id, storage_id, directory, stored_at, sent_at, sends, outcome)
       values ($1, $2, $3, $4, $5, now(), now(), 1, $6)`,
      [id, index + 1, randomBytes(16).toString('hex'), storageId, `d/${id}/${index + 1}`, outcome],
    );
  }
  return id;
}

/** Its attempt fails so; answers what has become of it. */
async function fails(id: string, code: SavepointFailureCode) {
  const claim = await claimOne(database, worker, 'savepoint', id);
  const work = claim && (await savepointAtWork(database, claim));
  if (!work) throw new Error('It could not be claimed');
  await failSavepoint(database, work, claim, { code, message: 'It failed.', cause: null });
  return database.row(
    `select s.state, s.failure_code, s.in_flight, s.acknowledged_subtasks as progress, a.outcome from savepoint s
       join savepoint_attempt a on a.savepoint_id = s.id and a.number = s.attempt where s.id = $1`,
    [id],
  );
}

const again = (code: SavepointFailureCode) => ({
  state: 'PENDING',
  failure_code: null,
  in_flight: false,
  progress: null,
  outcome: code,
});
const ended = (code: SavepointFailureCode) => ({
  state: 'FAILED',
  failure_code: code,
  in_flight: false,
  outcome: code,
});

const { ABORTED, EXPIRED, FLINK_ERROR, JOB_ENDED, ABORTED_BY_STOP, RESULT_LOST, STORAGE_ERROR, TASKS_NOT_RUNNING } =
  SavepointFailureCode;

describe('a scheduled savepoint whose attempt failed', () => {
  it.each([TASKS_NOT_RUNNING, ABORTED, STORAGE_ERROR, EXPIRED, RESULT_LOST])(
    'as %s waits for another',
    async (code) => {
      expect(await fails(await inProgress(), code)).toEqual(again(code));
    },
  );

  it.each([FLINK_ERROR, JOB_ENDED, ABORTED_BY_STOP])('as %s has failed', async (code) => {
    expect(await fails(await inProgress(), code)).toMatchObject(ended(code));
  });

  it('has failed with its last attempt', async () => {
    expect(await fails(await inProgress({ allowed: 1 }), ABORTED)).toMatchObject(ended(ABORTED));
    run = await insertRun(database);
    await ownClusters(database, worker);
    expect(await fails(await inProgress({ before: ['EXPIRED'] }), ABORTED)).toMatchObject(ended(ABORTED));
  });

  it('does not count an attempt that never left', async () => {
    expect(await fails(await inProgress({ before: ['NEVER_SENT'] }), ABORTED)).toEqual(again(ABORTED));
  });

  it('has failed when its job has ended meanwhile, after which nothing would end it', async () => {
    const id = await inProgress();
    await database.changed(`update job set state = 'CANCELLED' where id = $1`, [run.jobId]);
    expect(await fails(id, ABORTED)).toMatchObject(ended(ABORTED));
  });

  it('has failed when a stop was accepted, after which none is begun', async () => {
    const id = await inProgress();
    await database.changed(
      `insert into stop (id, deployment_id, job_id, cluster_id, mode, state, actor) values ($1, $2, $3, $4, 'WITH_SAVEPOINT', 'WAITING', 'test')`,
      [randomUUID(), run.deploymentId, run.jobId, run.clusterId],
    );
    expect(await fails(id, ABORTED)).toMatchObject(ended(ABORTED));
  });

  it('has failed where a person had asked for it', async () => {
    expect(await fails(await inProgress({ origin: 'MANUAL' }), ABORTED)).toMatchObject(ended(ABORTED));
  });
});
