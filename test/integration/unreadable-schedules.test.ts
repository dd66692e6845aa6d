import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { Data } from '../support/graphql-client.js';
import { eventTypes, mutate } from '../support/mutate.js';
import { createDeployment, registerCluster, uploadJob } from '../support/scenario.js';
import { SCHEDULE, scheduled, slotDueFor, slotsOf } from '../support/schedule-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';

const TEN_MINUTES = 600_000;

let stateward: Stateward;
let flink: FakeFlink;
beforeAll(async () => {
  stateward = await startStateward({ worker: false });
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  flink = await startFakeFlink();
});
afterEach(() => flink.stop());

/** A deployment that no worker looks at. */
async function deployed(): Promise<string> {
  const clusterId = await registerCluster(stateward, flink.url, `n ${randomUUID()}`);
  return createDeployment(stateward, clusterId, await uploadJob(stateward), `n ${randomUUID()}`);
}

const scheduleOf = async (deploymentId: string): Promise<Data | null> =>
  (await stateward.ask(`query($id: ID!) { deployment(id: $id) { schedule { ${SCHEDULE} } } }`, { id: deploymentId }))
    .deployment.schedule;

describe('a schedule that cannot be read', () => {
  /** As one that was set by another version, or where more zones are known; a slot of it is due. */
  async function unreadable(set = `zone = 'Mars/Olympus'`) {
    const deploymentId = await deployed();
    await scheduled(stateward, deploymentId);
    const slotAt = await slotDueFor(stateward, deploymentId, 1_000);
    await stateward.services.database.changed(`update savepoint_schedule set ${set} where deployment_id = $1`, [
      deploymentId,
    ]);
    return { deploymentId, slotAt };
  }
  /** By a worker, which no other test has. */
  async function setAside(deploymentId: string): Promise<void> {
    await mutate(stateward, 'pauseSavepointSchedule', { deploymentId });
    await stateward.services.database.changed(
      'update savepoint_schedule set paused_at = null, paused_by = null where deployment_id = $1',
      [deploymentId],
    );
  }

  it.each([
    ['zone', `zone = 'Mars/Olympus'`],
    ['expression', `expression = '0 3 * * 0'`],
    ['blackout', `blackouts = '[{"start":"@daily","zone":"UTC","durationMs":60000}]'`],
  ])('by its %s shows since when it is set aside and what to do, and hides nothing else', async (_what, set) => {
    const { deploymentId } = await unreadable(set);
    await setAside(deploymentId);
    const shown = await scheduleOf(deploymentId);
    expect(shown).toMatchObject({
      setAsideAt: expect.any(String),
      setAsideReason: expect.stringContaining('setSavepointSchedule'),
      clamped: false,
      nextSlots: [],
    });
    expect(shown?.sentence).toBe(shown?.setAsideReason);
    const { deployment } = await stateward.ask(
      `query($id: ID!) { deployment(id: $id) { stateOverview { nextScheduledSavepoint { slotAt } } } }`,
      { id: deploymentId },
    );
    expect(deployment.stateOverview.nextScheduledSavepoint).toBeNull();
    const told = (await eventTypes(stateward, 'deployment_id', deploymentId)).filter((type) => /^SCHEDULE/.test(type));
    expect(told).toEqual(['SCHEDULE_SET', 'SCHEDULE_SET_ASIDE', 'SCHEDULE_PAUSED']);
  });

  it('is replaced by one that can be, at least ten minutes after the slot that has waited, which is missed', async () => {
    const { deploymentId, slotAt } = await unreadable();
    const next = await scheduled(stateward, deploymentId, { expression: '* * * * *' });
    expect(next).toMatchObject({ lastSlotAt: slotAt, setAsideAt: null, setAsideReason: null });
    expect(Date.parse(next.nextSlotAt) - Date.parse(slotAt)).toBeGreaterThanOrEqual(TEN_MINUTES);
    const slots = await slotsOf(stateward, deploymentId);
    expect(slots).toMatchObject([{ slotAt, outcome: 'SKIPPED', reason: 'MISSED' }]);
    expect(slots[0]?.message).toContain('Mars/Olympus');
  });

  it('is removed, and ends with its deployment', async () => {
    const { deploymentId, slotAt } = await unreadable();
    await mutate(stateward, 'removeSavepointSchedule', { deploymentId });
    const other = await unreadable(`expression = 'H 3 * * *'`);
    await mutate(stateward, 'deleteDeployment', { deploymentId: other.deploymentId });
    for (const [id, at] of [
      [deploymentId, slotAt],
      [other.deploymentId, other.slotAt],
    ] as const) {
      expect(await scheduleOf(id)).toBeNull();
      expect(await slotsOf(stateward, id)).toMatchObject([{ slotAt: at, reason: 'MISSED' }]);
    }
  });

  it('is removed and replaced though deciding its slots fails, and what has waited is missed', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 2; n += 1) {
      const { deploymentId } = await unreadable(
        `zone = 'UTC', set_aside_at = now(), set_aside_reason = 'a fault', tried_again_at = now() + interval '1 min'`,
      );
      // As it never is, so that to decide its slot throws.
      await stateward.services.database.changed(
        `update deployment set state = 'RUNNING', current_job_id = null where id = $1`,
        [deploymentId],
      );
      ids.push(deploymentId);
    }
    const [removed = '', replaced = ''] = ids;
    expect(await mutate(stateward, 'removeSavepointSchedule', { deploymentId: removed })).toMatchObject({
      __typename: 'SavepointSchedule',
    });
    await scheduled(stateward, replaced, { expression: '* * * * *' });
    for (const id of ids) expect(await slotsOf(stateward, id)).toMatchObject([{ reason: 'MISSED' }]);
  });

  it('is paused, and cannot be resumed before it can be read: which of its slots were paused is not known until then', async () => {
    const { deploymentId } = await unreadable();
    expect(await mutate(stateward, 'pauseSavepointSchedule', { deploymentId }, SCHEDULE)).toMatchObject({
      pausedAt: expect.any(String),
    });
    const resume = () => mutate(stateward, 'resumeSavepointSchedule', { deploymentId }, SCHEDULE);
    expect(await resume()).toMatchObject({
      code: 'SCHEDULE_UNREADABLE',
      message: expect.stringContaining('setSavepointSchedule'),
    });
    await stateward.services.database.changed(`update savepoint_schedule set zone = 'UTC' where deployment_id = $1`, [
      deploymentId,
    ]);
    expect(await resume()).toMatchObject({ pausedAt: null, setAsideAt: null });
    expect((await slotsOf(stateward, deploymentId)).map(({ outcome }) => outcome)).toEqual(['SKIPPED']);
  });
});
