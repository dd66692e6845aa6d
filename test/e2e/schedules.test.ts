import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { Data } from '../support/graphql-client.js';
import { eventTypes, mutate } from '../support/mutate.js';
import { createSavepoint } from '../support/scenario.js';
import { anotherDeployment, deploymentOn, eventsOf, savepointIn } from '../support/savepoint-scenario.js';
import { askToSchedule, SCHEDULE, scheduled, slotDueFor, slotsOf } from '../support/schedule-scenario.js';
import { acceptedStop, stopOf } from '../support/stop-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

let stateward: Stateward;
let flink: FakeFlink;
beforeAll(async () => {
  stateward = await startStateward({ env: { STATEWARD_LEAST_SLOT_INTERVAL_S: '2' } });
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  flink = await startFakeFlink();
});
afterEach(() => flink.stop());

/** Waits until a slot was decided, and answers what became of it. */
const decided = (deploymentId: string, slotAt: string): Promise<Data> =>
  waitFor(async () => (await slotsOf(stateward, deploymentId)).find((slot) => slot.slotAt === slotAt), {
    what: `the slot of ${slotAt} to be decided`,
  });

/** The savepoint of a slot that is due now. */
async function fired(deploymentId: string): Promise<Data> {
  const slot = await decided(deploymentId, await slotDueFor(stateward, deploymentId));
  expect(slot).toMatchObject({ outcome: 'FIRED', reason: null, message: null, caughtUp: false, count: 1 });
  return slot.savepoint;
}

/** What a slot that is due now is skipped for. */
async function skipped(deploymentId: string): Promise<Data> {
  const slot = await decided(deploymentId, await slotDueFor(stateward, deploymentId));
  expect(slot).toMatchObject({ outcome: 'SKIPPED', savepoint: null });
  return slot;
}

describe('a slot', () => {
  it('fires in time: its savepoint is asked for, shows real progress, and says what it was made for', async () => {
    const { deploymentId, flinkJobId } = await deploymentOn(stateward, flink);
    const schedule = await scheduled(stateward, deploymentId);
    flink.knobs.savepointDurationMs = Infinity;
    const slotAt = await slotDueFor(stateward, deploymentId);
    const slot = await decided(deploymentId, slotAt);
    expect(slot).toMatchObject({ outcome: 'FIRED', schedule: { id: schedule.id }, savepoint: { slotAt } });
    expect(slot.lagMs).toBeLessThan(1_000);
    const { id } = slot.savepoint;
    const query = `query($id: ID!) { savepoint(id: $id) { origin state slotAt schedule { id } progress { acknowledgedSubtasks totalSubtasks noProgress } } }`;
    const progress = await waitFor(
      async () => {
        const { savepoint } = await stateward.ask(query, { id });
        return savepoint.progress.totalSubtasks !== null && savepoint;
      },
      { what: 'progress of the savepoint' },
    );
    expect(progress).toMatchObject({ origin: 'SCHEDULED', slotAt, schedule: { id: schedule.id } });
    flink.finishSavepoints(flinkJobId);
    await savepointIn(stateward, id, 'COMPLETED');
    expect(flink.savepointsMade).toHaveLength(1);
    const types = await eventsOf(stateward, id);
    expect(types.slice(0, 3)).toEqual(['SAVEPOINT_REQUESTED', 'SAVEPOINT_IN_PROGRESS', 'SAVEPOINT_COMPLETED']);
    const asked = await stateward.services.database.row(
      `select actor from event where savepoint_id = $1 and type = 'SAVEPOINT_REQUESTED'`,
      [id],
    );
    expect(asked).toEqual({ actor: 'schedule' });
  });

  it('moves the call by the jitter of its deployment, and not the slot; the call comes by itself', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    const { jitterMs } = await scheduled(stateward, deploymentId, { jitterSeconds: 1 });
    const slotAt = await slotDueFor(stateward, deploymentId, jitterMs - 700); // called in 700 ms
    const { savepoint } = await decided(deploymentId, slotAt);
    const callAt = Date.parse(slotAt) + jitterMs;
    expect(savepoint.slotAt).toBe(slotAt);
    expect([null, new Date(callAt).toISOString()]).toContain(savepoint.notBefore); // null: the call had come already
    await savepointIn(stateward, savepoint.id, 'COMPLETED');
    const sent = await stateward.services.database.row<{ sent_at: Date }>(
      'select sent_at from savepoint_attempt where savepoint_id = $1',
      [savepoint.id],
    );
    const lag = (sent?.sent_at.getTime() ?? 0) - callAt;
    expect(lag).toBeGreaterThanOrEqual(0);
    expect(lag).toBeLessThan(5_000);
  });

  it('is skipped for a savepoint that is under way, with its id', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    await scheduled(stateward, deploymentId);
    flink.knobs.savepointDurationMs = Infinity;
    const { id } = await createSavepoint(stateward, deploymentId);
    expect(await skipped(deploymentId)).toMatchObject({
      reason: 'IN_PROGRESS',
      message: expect.stringContaining(id),
    });
  });

  it('is skipped in a blackout, and says until when', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    const begun = new Date(Date.now() - 120_000);
    const start = `${begun.getUTCMinutes()} ${begun.getUTCHours()} * * *`;
    await scheduled(stateward, deploymentId, { blackouts: [{ start, durationMs: 600_000 }] });
    const slot = await skipped(deploymentId);
    expect(slot.reason).toBe('BLACKOUT');
    expect(slot.message).toContain(new Date(begun.setUTCSeconds(0, 0) + 600_000).toISOString());
    expect(flink.triggersReceived()).toEqual([]);
  });

  it('is skipped from the acceptance of a stop on', async () => {
    const { deploymentId, flinkJobId } = await deploymentOn(stateward, flink);
    await scheduled(stateward, deploymentId);
    flink.knobs.savepointDurationMs = Infinity;
    const stop = await acceptedStop(stateward, deploymentId);
    expect(await skipped(deploymentId)).toMatchObject({
      reason: 'STOPPING',
      message: expect.stringContaining(stop.id),
    });
    await waitFor(() => flink.triggersReceived().length === 1, { what: 'the stop to be sent' });
    flink.finishSavepoints(flinkJobId);
    expect(await stopOf(stateward, stop.id)).toMatchObject({ outcome: 'STOPPED' });
    expect(await skipped(deploymentId)).toMatchObject({
      reason: 'NOT_RUNNING',
      message: expect.stringContaining('CANCELLED'),
    });
  });

  it('is skipped while the cluster does not answer', async () => {
    const { deploymentId, clusterId } = await deploymentOn(stateward, flink);
    await scheduled(stateward, deploymentId);
    await flink.stop();
    await waitFor(
      async () =>
        (await stateward.ask(`query($id: ID!) { cluster(id: $id) { state } }`, { id: clusterId })).cluster.state ===
        'UNREACHABLE',
      { what: 'the cluster to count as unreachable' },
    );
    expect(await skipped(deploymentId)).toMatchObject({ reason: 'UNREACHABLE' });
    expect(await eventTypes(stateward, 'deployment_id', deploymentId)).toContain('SLOT_SKIPPED');
  });

  it('is skipped while its schedule is paused, all in a row as one line that is told once, and fires when it is resumed', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    await scheduled(stateward, deploymentId);
    const paused = await mutate(stateward, 'pauseSavepointSchedule', { deploymentId, reason: 'quarter end' }, SCHEDULE);
    expect(paused).toMatchObject({ pausedAt: expect.any(String), pauseReason: 'quarter end' });
    const first = await slotDueFor(stateward, deploymentId);
    await decided(deploymentId, first);
    const second = await slotDueFor(stateward, deploymentId);
    const line = await waitFor(
      async () => {
        const [slot] = await slotsOf(stateward, deploymentId);
        return slot?.lastSlotAt === second && slot;
      },
      { what: 'the second slot to be decided' },
    );
    expect(line).toMatchObject({ slotAt: first, count: 2, outcome: 'SKIPPED', reason: 'PAUSED' });
    const resumed = await mutate(stateward, 'resumeSavepointSchedule', { deploymentId }, SCHEDULE);
    expect(resumed).toMatchObject({ id: paused.id, pausedAt: null, pauseReason: null });
    await savepointIn(stateward, (await fired(deploymentId)).id, 'COMPLETED');
    const types = (await eventTypes(stateward, 'deployment_id', deploymentId)).filter((type) =>
      /SCHEDULE|SLOT/.test(type),
    );
    expect(types).toEqual(['SCHEDULE_SET', 'SCHEDULE_PAUSED', 'SLOT_SKIPPED', 'SCHEDULE_RESUMED']);
  });
});

describe('a savepoint that a schedule has asked for', () => {
  /** A deployment whose scheduled savepoint waits, since another one uses the budget up. */
  async function waiting() {
    const first = await deploymentOn(stateward, flink, { cluster: { savepointBudget: 1 } });
    const second = await anotherDeployment(stateward, first.clusterId, first.artifactId);
    flink.knobs.savepointDurationMs = Infinity;
    const blocker = await createSavepoint(stateward, first.deploymentId);
    await scheduled(stateward, second.deploymentId);
    const { id } = await fired(second.deploymentId);
    expect((await savepointIn(stateward, id, 'PENDING')).attempts).toEqual([]);
    return { id, blocker, blockedJob: first.flinkJobId, ...second };
  }

  it('waits for the budget, and goes when the one before has ended', async () => {
    const { id, blockedJob } = await waiting();
    await waitFor(() => flink.triggersReceived().length === 1, { what: 'the first to be sent' });
    flink.knobs.savepointDurationMs = 50;
    flink.finishSavepoints(blockedJob);
    await savepointIn(stateward, id, 'COMPLETED');
  });

  it('gives way to a manual request while it waits, and its slot stays fired', async () => {
    const { id, deploymentId } = await waiting();
    const manual = await createSavepoint(stateward, deploymentId);
    expect(manual).toMatchObject({ __typename: 'Savepoint', state: 'PENDING' });
    const [slot] = await slotsOf(stateward, deploymentId);
    expect(slot).toMatchObject({
      outcome: 'FIRED',
      savepoint: { id, state: 'FAILED', failure: { code: 'OVERTAKEN' } },
    });
    expect(await eventsOf(stateward, id)).toEqual(['SAVEPOINT_REQUESTED', 'SAVEPOINT_FAILED']);
    expect(await createSavepoint(stateward, deploymentId)).toMatchObject({ savepointId: manual.id });
  });

  it('does not give way once Flink is asked', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    await scheduled(stateward, deploymentId);
    flink.knobs.savepointDurationMs = Infinity;
    const { id } = await fired(deploymentId);
    await savepointIn(stateward, id, 'IN_PROGRESS');
    expect(await createSavepoint(stateward, deploymentId)).toMatchObject({
      code: 'SAVEPOINT_IN_PROGRESS',
      savepointId: id,
    });
  });

  it('is withdrawn by a stop while it waits', async () => {
    const { id, deploymentId } = await waiting();
    await acceptedStop(stateward, deploymentId);
    expect((await savepointIn(stateward, id, 'FAILED')).failure.code).toBe('WITHDRAWN_BY_STOP');
  });
});

describe('the history of slots', () => {
  it('goes by pages, newest first, over all schedules that a deployment has had', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    await scheduled(stateward, deploymentId);
    flink.knobs.savepointDurationMs = 50;
    const { id } = await fired(deploymentId);
    await savepointIn(stateward, id, 'COMPLETED');
    const other = await askToSchedule(stateward, deploymentId, { attempts: 1 });
    await mutate(stateward, 'pauseSavepointSchedule', { deploymentId });
    await skipped(deploymentId);
    const page = (first: number, after: string | null) =>
      stateward.ask(
        `query($id: ID!, $first: Int!, $after: String) { deployment(id: $id) { slots(first: $first, after: $after) {
           edges { node { outcome schedule { id removedAt } } } pageInfo { hasNextPage endCursor } } } }`,
        { id: deploymentId, first, after },
      );
    const newest = (await page(1, null)).deployment.slots;
    expect(newest).toMatchObject({
      edges: [{ node: { outcome: 'SKIPPED', schedule: { id: other.id, removedAt: null } } }],
      pageInfo: { hasNextPage: true },
    });
    const oldest = (await page(1, newest.pageInfo.endCursor)).deployment.slots;
    expect(oldest).toMatchObject({
      edges: [{ node: { outcome: 'FIRED', schedule: { removedAt: expect.any(String) } } }],
      pageInfo: { hasNextPage: false },
    });
    expect(await slotsOf(stateward, deploymentId, { outcomes: ['FIRED'] })).toHaveLength(1);
    expect(await slotsOf(stateward, deploymentId, { reasons: ['PAUSED'] })).toHaveLength(1);
    expect(await slotsOf(stateward, deploymentId, { reasons: ['MISSED'] })).toEqual([]);
  });
});
