import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { Data } from '../support/graphql-client.js';
import { mutate } from '../support/mutate.js';
import { createSavepoint, type Scenario } from '../support/scenario.js';
import {
  acknowledged,
  deploymentOn,
  eventsOf,
  hurryTo,
  savepointIn,
  savepointNow,
  secondLookAt,
} from '../support/savepoint-scenario.js';
import { scheduled, slotDueFor, slotsOf } from '../support/schedule-scenario.js';
import { acceptedStop } from '../support/stop-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

let stateward: Stateward;
let flink: FakeFlink;
beforeAll(async () => {
  stateward = await startStateward();
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  flink = await startFakeFlink();
});
afterEach(() => flink.stop());

const changed = (text: string, values: unknown[]) => stateward.services.database.changed(text, values);

/** A deployment of which a slot has just fired, and the savepoint that it has asked for. */
async function fired(schedule: object = {}): Promise<Scenario & { id: string }> {
  const scenario = await deploymentOn(stateward, flink);
  await scheduled(stateward, scenario.deploymentId, schedule);
  await slotDueFor(stateward, scenario.deploymentId);
  const [slot] = await waitFor(
    async () => {
      const slots = await slotsOf(stateward, scenario.deploymentId);
      return slots.length > 0 && slots;
    },
    { what: 'the slot to be decided' },
  );
  return { ...scenario, id: slot?.savepoint.id };
}

/** The first attempt has failed in a way that may pass, and the savepoint waits for the next. */
async function failedOnce(schedule: object = {}) {
  flink.savepointsFailWith('savepoint-poll-failed-taskmanager-lost');
  const scenario = await fired(schedule);
  await waitFor(async () => (await eventsOf(stateward, scenario.id)).includes('SAVEPOINT_TRIES_AGAIN'), {
    what: 'the first attempt to fail',
  });
  const waiting = await savepointNow(stateward, scenario.id);
  expect(waiting.state).toBe('PENDING');
  return { ...scenario, waiting };
}

/** Lets the pause before the next try be over. */
const pauseIsOver = async (id: string): Promise<void> => {
  await changed(
    `update savepoint set not_before = now(), look_at = now(), wakes = wakes + 1 where id = $1 and state = 'PENDING'`,
    [id],
  );
  await stateward.services.database.rows(`select pg_notify('stateward', 'due')`);
};

describe('a scheduled savepoint whose failure may pass', () => {
  it('is tried again after a pause, with a trigger id and a directory of its own', async () => {
    const { id, deploymentId, waiting } = await failedOnce();
    expect(waiting).toMatchObject({ failure: null, progress: null, attempts: [{ number: 1, outcome: 'ABORTED' }] });
    const row = await stateward.services.database.row<{ pause: number }>(
      'select extract(epoch from not_before - state_since)::float8 as pause from savepoint where id = $1 and look_at = not_before',
      [id],
    );
    expect(row?.pause).toBe(30);
    expect(flink.triggersReceived()).toHaveLength(1);

    await pauseIsOver(id);
    const { attempts, location } = await savepointIn(stateward, id, 'COMPLETED');
    expect(attempts).toMatchObject([
      { number: 1, outcome: 'ABORTED' },
      { number: 2, outcome: 'COMPLETED' },
    ]);
    expect(new Set(flink.triggersReceived()).size).toBe(2);
    expect(location).toContain(`${deploymentId}/${id}/2/`);
    expect((await eventsOf(stateward, id)).slice(0, 5)).toEqual([
      'SAVEPOINT_REQUESTED',
      'SAVEPOINT_IN_PROGRESS',
      'SAVEPOINT_TRIES_AGAIN',
      'SAVEPOINT_IN_PROGRESS',
      'SAVEPOINT_COMPLETED',
    ]);
  });

  it('fails for good when it was tried as often as its schedule says', async () => {
    const { id } = await failedOnce({ attempts: 2 });
    flink.savepointsFailWith('savepoint-poll-failed-unwritable');
    await pauseIsOver(id);
    const { failure, attempts } = await savepointIn(stateward, id, 'FAILED');
    expect(failure.code).toBe('STORAGE_ERROR');
    expect(attempts).toMatchObject([{ outcome: 'ABORTED' }, { outcome: 'STORAGE_ERROR' }]);
  });

  it('pauses twice as long before each further try', async () => {
    const { id } = await failedOnce({ attempts: 3 });
    flink.savepointsFailWith('savepoint-poll-failed-unwritable');
    await pauseIsOver(id);
    await waitFor(
      async () => (await eventsOf(stateward, id)).filter((type) => type === 'SAVEPOINT_TRIES_AGAIN').length === 2,
      {
        what: 'the second try to fail',
      },
    );
    const row = await stateward.services.database.row(
      'select extract(epoch from not_before - state_since)::float8 as pause from savepoint where id = $1',
      [id],
    );
    expect(row).toEqual({ pause: 60 });
  });

  it('whose result was lost is tried again too; what shows up of the lost attempt is not taken for it', async () => {
    flink.knobs.savepointDurationMs = Infinity;
    const { id, deploymentId } = await fired();
    await acknowledged(stateward, id);
    await flink.restart({ keepJobs: true });
    await secondLookAt(stateward, id);
    const waiting = await hurryTo(stateward, id, 'PENDING');
    expect(waiting.attempts).toMatchObject([{ number: 1, outcome: 'RESULT_LOST' }]);

    const folder = join(flink.folder, 'savepoints', deploymentId, id, '1');
    const [name] = await readdir(folder);
    await writeFile(join(folder, String(name), '_metadata'), 'whole');
    flink.knobs.savepointDurationMs = 50;
    await pauseIsOver(id);
    const { location } = await savepointIn(stateward, id, 'COMPLETED');
    expect(location).toContain(`${deploymentId}/${id}/2/`);
    expect(new Set(flink.triggersReceived()).size).toBe(2);
  });
});

describe('a scheduled savepoint that waits for another try', () => {
  const FIELDS = '... on Savepoint { state failure { code message } attempts { number outcome } }';

  it('ends with its job', async () => {
    const { id, flinkJobId } = await failedOnce();
    flink.job(flinkJobId).setState('FINISHED');
    const { failure, attempts } = await savepointIn(stateward, id, 'FAILED');
    expect(failure.code).toBe('JOB_ENDED');
    expect(attempts).toMatchObject([{ number: 1, outcome: 'ABORTED' }]);
  });

  it('is withdrawn by a stop, and what became of its attempts stays', async () => {
    const { id, deploymentId } = await failedOnce();
    await acceptedStop(stateward, deploymentId);
    const { failure, attempts } = await savepointIn(stateward, id, 'FAILED');
    expect(failure.code).toBe('WITHDRAWN_BY_STOP');
    expect(attempts).toMatchObject([{ number: 1, outcome: 'ABORTED' }]);
  });

  it('gives way to a manual request', async () => {
    const { id, deploymentId } = await failedOnce();
    const manual = await createSavepoint(stateward, deploymentId);
    expect((await savepointIn(stateward, id, 'FAILED')).failure.code).toBe('OVERTAKEN');
    await savepointIn(stateward, manual.id, 'COMPLETED');
  });

  it('can be given up, and Flink is at nothing then', async () => {
    const { id } = await failedOnce();
    const abandoned: Data = await mutate(stateward, 'abandonSavepoint', { savepointId: id }, FIELDS);
    expect(abandoned).toMatchObject({
      state: 'FAILED',
      failure: { code: 'ABANDONED', message: expect.stringContaining('not asked again') },
      attempts: [{ number: 1, outcome: 'ABORTED' }],
    });
    expect(await stateward.services.database.row('select in_flight from savepoint where id = $1', [id])).toEqual({
      in_flight: false,
    });
  });
});
