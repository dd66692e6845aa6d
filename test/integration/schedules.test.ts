import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type FakeFlink, type FakeFlinkOptions, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { Data } from '../support/graphql-client.js';
import { insertSavepointOf } from '../support/history-rows.js';
import { insertJob } from '../support/job-rows.js';
import { eventTypes, mutate } from '../support/mutate.js';
import { createDeployment, registerCluster, uploadJob } from '../support/scenario.js';
import { askToSchedule, daily, SCHEDULE, scheduled, slotDueFor, slotsOf } from '../support/schedule-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';

const TEN_MINUTES = 600_000;
const name = () => `n ${randomUUID()}`;

let stateward: Stateward;
let flinks: FakeFlink[];
beforeAll(async () => {
  stateward = await startStateward({ worker: false });
});
afterAll(() => stateward.stop());
beforeEach(() => {
  flinks = [];
});
afterEach(() => Promise.all(flinks.map((flink) => flink.stop())));

/** A deployment that no worker looks at, on a cluster of its own. */
async function deployed(options: FakeFlinkOptions = {}, cluster: object = {}, more: object = {}) {
  const flink = await startFakeFlink(options);
  flinks.push(flink);
  const clusterId = await registerCluster(stateward, flink.url, name(), cluster);
  const artifactId = await uploadJob(stateward);
  const deploymentId = await createDeployment(stateward, clusterId, artifactId, name(), more);
  return { clusterId, artifactId, deploymentId };
}

const scheduleOf = async (deploymentId: string): Promise<Data | null> =>
  (await stateward.ask(`query($id: ID!) { deployment(id: $id) { schedule { ${SCHEDULE} } } }`, { id: deploymentId }))
    .deployment.schedule;

const codes = ({ warnings }: Data): string[] => warnings.map(({ code }: Data) => code);
const scheduleEvents = async (deploymentId: string): Promise<string[]> =>
  (await eventTypes(stateward, 'deployment_id', deploymentId)).filter((type) => /^(SCHEDULE|SLOT)/.test(type));

describe('setting a schedule', () => {
  it('answers with its meaning, its coming slots and its defaults, and shows on the deployment', async () => {
    const { deploymentId } = await deployed();
    const schedule = await scheduled(stateward, deploymentId, { expression: '*/30 * * * *', zone: 'europe/berlin' });
    expect(schedule).toMatchObject({
      expression: '*/30 * * * *',
      zone: 'Europe/Berlin',
      clamped: false,
      catchUp: 'ONE',
      attempts: 2,
      jitterSeconds: 0,
      jitterMs: 0,
      blackouts: [],
      format: null,
      pausedAt: null,
      removedAt: null,
      warnings: [],
      deployment: { id: deploymentId },
    });
    expect(schedule.sentence).toMatch(/30 minutes.*Europe\/Berlin/);
    expect(schedule.nextSlots).toHaveLength(5);
    expect(schedule.nextSlots[0].slotAt).toBe(schedule.nextSlotAt);
    const times = schedule.nextSlots.map(({ slotAt }: Data) => Date.parse(slotAt));
    expect(times.map((time: number, index: number) => time - times[0] - index * 1_800_000)).toEqual([0, 0, 0, 0, 0]);
    expect(await scheduleOf(deploymentId)).toEqual(expect.objectContaining({ id: schedule.id }));
    expect(await scheduleEvents(deploymentId)).toEqual(['SCHEDULE_SET']);
  });

  it('clamps what is denser than ten minutes, and says so', async () => {
    const { deploymentId } = await deployed();
    const schedule = await scheduled(stateward, deploymentId, { expression: '*/4 * * * *' });
    expect(schedule.clamped).toBe(true);
    expect(codes(schedule)).toEqual(['CLAMPED']);
    const times = schedule.nextSlots.map(({ slotAt }: Data) => Date.parse(slotAt));
    expect(times[1] - times[0]).toBeGreaterThanOrEqual(TEN_MINUTES);
  });

  it('to what it is already changes nothing', async () => {
    const { deploymentId } = await deployed();
    const blackouts = [{ start: '0 8 * * mon-fri', durationMs: 3_600_000 }];
    const first = await scheduled(stateward, deploymentId, { blackouts, jitterSeconds: 30 });
    const again = await scheduled(stateward, deploymentId, {
      blackouts: [{ start: '0  8 * * MON-FRI', durationMs: 3_600_000, zone: 'UTC' }],
      zone: 'UTC',
      jitterSeconds: 30,
      attempts: 2,
      catchUp: 'ONE',
    });
    expect(again).toEqual(first);
    expect(await scheduleEvents(deploymentId)).toEqual(['SCHEDULE_SET']);
  });

  it('answers the same key with the same schedule, many at once included', async () => {
    const { deploymentId } = await deployed();
    const idempotencyKey = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => askToSchedule(stateward, deploymentId, {}, { idempotencyKey })),
    );
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    const other = await askToSchedule(stateward, deploymentId, { attempts: 3 }, { idempotencyKey });
    expect(other).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  });

  it('keeps ten minutes from the last slot of what it replaces, which ends with its slots', async () => {
    const { deploymentId } = await deployed();
    const first = await scheduled(stateward, deploymentId);
    const slotAt = await slotDueFor(stateward, deploymentId, 1_000);
    const second = await scheduled(stateward, deploymentId, { expression: '* * * * *' });
    expect(second.lastSlotAt).toBe(slotAt);
    expect(Date.parse(second.nextSlotAt) - Date.parse(slotAt)).toBeGreaterThanOrEqual(TEN_MINUTES);
    // What was due was decided with the end of the first.
    expect(await slotsOf(stateward, deploymentId)).toMatchObject([
      { slotAt, outcome: 'SKIPPED', reason: 'NOT_RUNNING', schedule: { id: first.id } },
    ]);
    // Nor is there a way around it by removing it first.
    await mutate(stateward, 'removeSavepointSchedule', { deploymentId });
    const third = await scheduled(stateward, deploymentId, { expression: '*/2 * * * *' });
    expect(Date.parse(third.nextSlotAt) - Date.parse(slotAt)).toBeGreaterThanOrEqual(TEN_MINUTES);
  });

  it('fires a slot that has just come with the end of what it replaces, and makes up for none that was missed', async () => {
    const { deploymentId, clusterId } = await deployed();
    await insertJob(stateward, deploymentId, clusterId, 'RUNNING');
    await scheduled(stateward, deploymentId);
    const slotAt = await slotDueFor(stateward, deploymentId, 1_000);
    await scheduled(stateward, deploymentId, { attempts: 1 });
    expect(await slotsOf(stateward, deploymentId)).toMatchObject([
      { slotAt, outcome: 'FIRED', savepoint: { state: 'IN_PROGRESS', origin: 'SCHEDULED' } },
    ]);
    await slotDueFor(stateward, deploymentId, 90_000);
    await scheduled(stateward, deploymentId, { attempts: 3 });
    expect((await slotsOf(stateward, deploymentId, { reasons: ['MISSED'] }))[0]?.message).toContain('not made up for');
  });

  it('leaves a paused one paused', async () => {
    const { deploymentId } = await deployed();
    await scheduled(stateward, deploymentId);
    await mutate(stateward, 'pauseSavepointSchedule', { deploymentId, reason: 'freeze' });
    expect(await scheduled(stateward, deploymentId, { attempts: 5 })).toMatchObject({
      pausedAt: expect.any(String),
      pauseReason: 'freeze',
      attempts: 5,
    });
  });
});

describe('a schedule that cannot be', () => {
  const blackout = { start: '0 8 * * *', durationMs: 3_600_000 };
  it.each([
    ['an expression', { expression: '0 3 * * 0' }, { code: 'INVALID_CRON', field: 'dayOfWeek', position: 9, argument: 'schedule.expression', remedy: expect.stringContaining('7') }],
    ['another number of fields', { expression: '0 0 3 * * *' }, { code: 'INVALID_CRON', field: 'expression', argument: 'schedule.expression' }],
    ['the start of a blackout', { blackouts: [blackout, { ...blackout, start: '60 * * * *' }] }, { code: 'INVALID_CRON', field: 'minute', position: 1, argument: 'schedule.blackouts[1].start' }],
    ['a zone', { zone: 'Mars/Olympus' }, { code: 'INVALID_INPUT', field: 'schedule.zone' }],
    ['the zone of a blackout', { blackouts: [{ ...blackout, zone: '+02:00' }] }, { code: 'INVALID_INPUT', field: 'schedule.blackouts[0].zone' }],
    ['the length of a blackout', { blackouts: [{ ...blackout, durationMs: 59_999 }] }, { code: 'INVALID_INPUT', field: 'schedule.blackouts[0].durationMs' }],
    ['too many blackouts', { blackouts: Array.from({ length: 21 }, () => blackout) }, { code: 'INVALID_INPUT', field: 'schedule.blackouts' }],
    ['jitter that reaches the next slot', { jitterSeconds: 541 }, { code: 'INVALID_INPUT', field: 'schedule.jitterSeconds' }],
    ['negative jitter', { jitterSeconds: -1 }, { code: 'INVALID_INPUT', field: 'schedule.jitterSeconds' }],
    ['no attempt', { attempts: 0 }, { code: 'INVALID_INPUT', field: 'schedule.attempts' }],
    ['six attempts', { attempts: 6 }, { code: 'INVALID_INPUT', field: 'schedule.attempts' }],
    ['blackouts that cover each slot', { expression: '30 8 * * *', blackouts: [blackout] }, { code: 'INVALID_INPUT', field: 'schedule.blackouts', message: expect.stringContaining('never fire') }],
  ])('for %s is refused with what is wrong', async (_what, schedule, refusal) => {
    const { deploymentId } = await deployed();
    expect(await askToSchedule(stateward, deploymentId, schedule)).toMatchObject(refusal);
    expect(await scheduleOf(deploymentId)).toBeNull();
  }); // prettier-ignore

  it('is refused where the cluster has no place for savepoints', async () => {
    const { deploymentId, clusterId } = await deployed({ savepointRoot: null });
    expect(await askToSchedule(stateward, deploymentId)).toMatchObject({ code: 'NO_SAVEPOINT_ROOT', clusterId });
  });

  it('is refused in a format that the state backend cannot write', async () => {
    const { deploymentId, clusterId } = await deployed();
    const jobId = await insertJob(stateward, deploymentId, clusterId, 'RUNNING');
    await stateward.services.database.changed(`update job set state_backend = 'FORST' where id = $1`, [jobId]);
    expect(await askToSchedule(stateward, deploymentId, { format: 'CANONICAL' })).toMatchObject({
      code: 'FORMAT_NOT_SUPPORTED',
    });
    expect(await askToSchedule(stateward, deploymentId)).toMatchObject({ __typename: 'SavepointSchedule' });
  });

  it('is refused for a deployment that is not there, or is deleted', async () => {
    expect(await askToSchedule(stateward, randomUUID())).toMatchObject({ code: 'NOT_FOUND' });
    const { deploymentId } = await deployed();
    await mutate(stateward, 'deleteDeployment', { deploymentId });
    expect(await askToSchedule(stateward, deploymentId)).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('warnings', () => {
  const usually = async (deploymentId: string, clusterId: string, durationMs: number): Promise<void> => {
    const jobId = await insertJob(stateward, deploymentId, clusterId, 'CANCELLED');
    const { database } = stateward.services;
    for (let made = 0; made < 3; made += 1)
      await insertSavepointOf(
        database,
        { deploymentId, clusterId, jobId },
        { duration_ms: durationMs, origin: 'MANUAL' },
      );
  };

  it('tell of slots that come before a savepoint is usually done, and of a budget that is too small', async () => {
    const { deploymentId, clusterId, artifactId } = await deployed({}, { savepointBudget: 1 });
    await usually(deploymentId, clusterId, 900_000);
    const schedule = await scheduled(stateward, deploymentId, { expression: '*/10 * * * *' });
    expect(codes(schedule)).toEqual(['SHORTER_THAN_USUAL', 'BUDGET_TOO_SMALL']);
    expect(schedule.warnings[1].message).toContain('1.5 savepoints');
    // Another one of the same cluster is told of what both need.
    const other = await createDeployment(stateward, clusterId, artifactId, name());
    await usually(other, clusterId, 60_000);
    const second = await scheduled(stateward, other, { expression: '*/30 * * * *' });
    expect(codes(second)).toEqual(['BUDGET_TOO_SMALL']);
    const hourly = await scheduled(stateward, deploymentId, { expression: '0 * * * *' });
    expect(codes(hourly)).toEqual([]);
  });

  it('tell of slots that blackouts cover', async () => {
    const { deploymentId } = await deployed();
    const schedule = await scheduled(stateward, deploymentId, {
      expression: '0 */6 * * *',
      blackouts: [{ start: '0 5 * * *', durationMs: 7_200_000 }],
    });
    expect(codes(schedule)).toEqual(['SWALLOWED_BY_BLACKOUTS']);
    const covered = schedule.nextSlots.filter(({ blackoutUntil }: Data) => blackoutUntil !== null);
    expect(covered.map(({ slotAt }: Data) => slotAt.slice(11, 16))).toEqual(covered.map(() => '06:00'));
    expect(covered.length).toBeGreaterThan(0);
  });

  it('tell of an interval that was lowered for tests, and so does scheduleRules', async () => {
    const { scheduleRules } = await stateward.ask(
      '{ scheduleRules { leastIntervalMs loweredForTesting mostJitterSeconds } }',
    );
    expect(scheduleRules).toEqual({ leastIntervalMs: TEN_MINUTES, loweredForTesting: false, mostJitterSeconds: 540 });
    const lowered = await startStateward({ worker: false, env: { STATEWARD_LEAST_SLOT_INTERVAL_S: '60' } });
    try {
      const { scheduleRules: rules, previewSchedule } = await lowered.ask(
        `{ scheduleRules { leastIntervalMs loweredForTesting } previewSchedule(input: { expression: "* * * * *" }) { ... on SchedulePreview { clamped warnings { code } } } }`,
      );
      expect(rules).toEqual({ leastIntervalMs: 60_000, loweredForTesting: true });
      expect(previewSchedule).toEqual({ clamped: false, warnings: [{ code: 'FLOOR_LOWERED' }] });
    } finally {
      await lowered.stop();
    }
  });
});

describe('a preview', () => {
  const preview = async (input: object, more: { count?: number; deploymentId?: string } = {}): Promise<Data> =>
    (
      await stateward.ask(
        `query($input: ScheduleInput!, $count: Int, $deploymentId: ID) { previewSchedule(input: $input, count: $count, deploymentId: $deploymentId) { __typename
         ... on SchedulePreview { sentence clamped nextSlots { slotAt expectedCallAt blackoutUntil } warnings { code } } ... on UserError { code message } ... on InvalidCron { field position } } }`,
        { input, ...more },
      )
    ).previewSchedule;

  it('shows as many slots as are asked for, in words and times, and sets nothing', async () => {
    const { deploymentId } = await deployed();
    const shown = await preview({ expression: '*/5 * * * *', jitterSeconds: 60 }, { count: 3, deploymentId });
    expect(shown).toMatchObject({ __typename: 'SchedulePreview', clamped: true, warnings: [{ code: 'CLAMPED' }] });
    expect(shown.nextSlots).toHaveLength(3);
    const callIn = shown.nextSlots.map(
      ({ slotAt, expectedCallAt }: Data) => Date.parse(expectedCallAt) - Date.parse(slotAt),
    );
    expect(new Set(callIn).size).toBe(1);
    expect(callIn[0]).toBeLessThanOrEqual(60_000);
    expect(await scheduleOf(deploymentId)).toBeNull();
    const alone = await preview({ expression: '0 3 * * *' });
    expect(alone.nextSlots).toHaveLength(10);
    expect(alone.nextSlots[0].expectedCallAt).toBeNull();
  });

  it('goes on from the last slot of the schedule that the deployment has, decided or about to be', async () => {
    const { deploymentId } = await deployed();
    await scheduled(stateward, deploymentId);
    const slotAt = await slotDueFor(stateward, deploymentId, 500);
    const { nextSlots } = await preview({ expression: '* * * * *' }, { deploymentId });
    expect(Date.parse(nextSlots[0].slotAt) - Date.parse(slotAt)).toBeGreaterThanOrEqual(TEN_MINUTES);
    const set = await scheduled(stateward, deploymentId, { expression: '* * * * *' });
    expect(set.nextSlotAt).toBe(nextSlots[0].slotAt);
  });

  it('declines what could not be set, and a count that is none', async () => {
    expect(await preview({ expression: '@daily' })).toMatchObject({ code: 'INVALID_CRON', field: 'expression' });
    expect(await preview({ expression: '0 3 * * *' }, { deploymentId: randomUUID() })).toMatchObject({
      code: 'NOT_FOUND',
    });
    const { deploymentId } = await deployed({ savepointRoot: null });
    expect(await preview({ expression: '0 3 * * *' }, { deploymentId })).toMatchObject({ code: 'NO_SAVEPOINT_ROOT' });
    await expect(preview({ expression: '0 3 * * *' }, { count: 101 })).rejects.toThrow(/count: 101/);
  });

  it('is offered for people who do not speak cron', async () => {
    const { schedulePresets } = await stateward.ask('{ schedulePresets { name expression sentence } }');
    expect(schedulePresets.length).toBeGreaterThanOrEqual(8);
    for (const { expression } of schedulePresets) {
      expect(await preview({ expression })).toMatchObject({
        __typename: 'SchedulePreview',
        clamped: false,
        warnings: [],
      });
    }
  });
});

describe('pausing, resuming and removing', () => {
  it('are declined where there is no schedule', async () => {
    const { deploymentId } = await deployed();
    for (const mutation of ['pauseSavepointSchedule', 'resumeSavepointSchedule', 'removeSavepointSchedule']) {
      expect(await mutate(stateward, mutation, { deploymentId })).toMatchObject({ code: 'NO_SCHEDULE' });
      expect(await mutate(stateward, mutation, { deploymentId: randomUUID() })).toMatchObject({ code: 'NOT_FOUND' });
    }
    const tooLong = { deploymentId, reason: 'x'.repeat(501) };
    expect(await mutate(stateward, 'pauseSavepointSchedule', tooLong)).toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('change nothing the second time', async () => {
    const { deploymentId } = await deployed();
    await scheduled(stateward, deploymentId);
    const pause = (reason: string) => mutate(stateward, 'pauseSavepointSchedule', { deploymentId, reason }, SCHEDULE);
    const paused = await pause('first');
    expect(await pause('second')).toEqual(paused);
    const resume = () => mutate(stateward, 'resumeSavepointSchedule', { deploymentId }, SCHEDULE);
    expect(await resume()).toEqual(await resume());
    expect(await scheduleEvents(deploymentId)).toEqual(['SCHEDULE_SET', 'SCHEDULE_PAUSED', 'SCHEDULE_RESUMED']);
  });

  it('leave what came due during the pause PAUSED, though no worker has decided it', async () => {
    const { deploymentId, clusterId } = await deployed();
    await insertJob(stateward, deploymentId, clusterId, 'RUNNING');
    await scheduled(stateward, deploymentId);
    await mutate(stateward, 'pauseSavepointSchedule', { deploymentId });
    await slotDueFor(stateward, deploymentId);
    await mutate(stateward, 'resumeSavepointSchedule', { deploymentId });
    expect(await slotsOf(stateward, deploymentId)).toMatchObject([{ outcome: 'SKIPPED', reason: 'PAUSED' }]);
  });

  it('decide what was due before the pause by the schedule as it stood', async () => {
    const { deploymentId, clusterId } = await deployed();
    await insertJob(stateward, deploymentId, clusterId, 'RUNNING');
    await scheduled(stateward, deploymentId);
    const slotAt = await slotDueFor(stateward, deploymentId, 1_000);
    await mutate(stateward, 'pauseSavepointSchedule', { deploymentId });
    expect(await slotsOf(stateward, deploymentId)).toMatchObject([
      { slotAt, outcome: 'FIRED', caughtUp: false, savepoint: { state: 'IN_PROGRESS', origin: 'SCHEDULED' } },
    ]);
    expect(await scheduleEvents(deploymentId)).toEqual(['SCHEDULE_SET', 'SCHEDULE_PAUSED']);
  });

  it('make up, before the pause, for what was missed until then', async () => {
    const { deploymentId, clusterId } = await deployed();
    await insertJob(stateward, deploymentId, clusterId, 'RUNNING');
    await scheduled(stateward, deploymentId);
    const slotAt = await slotDueFor(stateward, deploymentId, 90_000);
    await mutate(stateward, 'pauseSavepointSchedule', { deploymentId });
    expect(await slotsOf(stateward, deploymentId)).toMatchObject([{ slotAt, outcome: 'FIRED', caughtUp: true }]);
  });

  it('make up for no slot of the pause, however long it took', async () => {
    const { deploymentId, clusterId } = await deployed();
    await insertJob(stateward, deploymentId, clusterId, 'RUNNING');
    const { id } = await scheduled(stateward, deploymentId);
    await mutate(stateward, 'pauseSavepointSchedule', { deploymentId });
    await stateward.services.database.changed(
      `update savepoint_schedule set paused_at = now() - interval '3 days' where id = $1`,
      [id],
    );
    await slotDueFor(stateward, deploymentId, 2 * 86_400_000);
    await mutate(stateward, 'resumeSavepointSchedule', { deploymentId });
    const slots = await slotsOf(stateward, deploymentId);
    expect(slots).toMatchObject([{ outcome: 'SKIPPED', reason: 'PAUSED' }]);
    expect(slots[0]?.count).toBeGreaterThan(1);
  });

  it('end a schedule for good; its slots and its savepoints stay', async () => {
    const { deploymentId, clusterId } = await deployed();
    await insertJob(stateward, deploymentId, clusterId, 'RUNNING');
    await scheduled(stateward, deploymentId);
    await slotDueFor(stateward, deploymentId);
    const removed = await mutate(stateward, 'removeSavepointSchedule', { deploymentId }, SCHEDULE);
    expect(removed).toMatchObject({ removedAt: expect.any(String), nextSlotAt: null, nextSlots: [] });
    expect(await scheduleOf(deploymentId)).toBeNull();
    expect(await slotsOf(stateward, deploymentId)).toMatchObject([
      { outcome: 'FIRED', savepoint: { schedule: { id: removed.id } } },
    ]);
    expect(await scheduleEvents(deploymentId)).toEqual(['SCHEDULE_SET', 'SCHEDULE_REMOVED']);
  });
});

describe('the schedule of a deployment', () => {
  it('ends when the deployment is deleted', async () => {
    const { deploymentId } = await deployed();
    const { id } = await scheduled(stateward, deploymentId);
    const slotAt = await slotDueFor(stateward, deploymentId);
    await mutate(stateward, 'deleteDeployment', { deploymentId });
    expect(await scheduleOf(deploymentId)).toBeNull();
    const row = await stateward.services.database.row(
      'select removed_by is not null as removed, next_slot_at from savepoint_schedule where id = $1',
      [id],
    );
    expect(row).toEqual({ removed: true, next_slot_at: null });
    expect(await slotsOf(stateward, deploymentId)).toMatchObject([{ slotAt, reason: 'NOT_RUNNING' }]);
    expect((await eventTypes(stateward, 'deployment_id', deploymentId)).slice(-2)).toEqual([
      'SCHEDULE_REMOVED',
      'DEPLOYMENT_DELETED',
    ]);
  });

  it('stays when the deployment is renamed or moved to another cluster', async () => {
    const { deploymentId } = await deployed();
    const other = await deployed();
    const { id } = await scheduled(stateward, deploymentId);
    await mutate(stateward, 'updateDeployment', { deploymentId, name: name(), clusterId: other.clusterId });
    expect(await scheduleOf(deploymentId)).toMatchObject({ id, removedAt: null, nextSlotAt: expect.any(String) });
  });

  it('tells its overview of the next savepoint, which blackouts and a pause put off', async () => {
    const { deploymentId } = await deployed();
    const next = async () => {
      const { deployment } = await stateward.ask(
        `query($id: ID!) { deployment(id: $id) { stateOverview { nextScheduledSavepoint { slotAt expectedCallAt } } } }`,
        { id: deploymentId },
      );
      return deployment.stateOverview.nextScheduledSavepoint;
    };
    expect(await next()).toBeNull();
    const schedule = await scheduled(stateward, deploymentId, { expression: daily(), jitterSeconds: 300 });
    const callAt = new Date(Date.parse(schedule.nextSlotAt) + schedule.jitterMs).toISOString();
    expect(await next()).toEqual({ slotAt: schedule.nextSlotAt, expectedCallAt: callAt });
    const [minute, hour] = schedule.expression.split(' ');
    const today = new Date(schedule.nextSlotAt);
    const blackout = { start: `${minute} ${hour} ${today.getUTCDate()} * *`, durationMs: 60_000 };
    await scheduled(stateward, deploymentId, { expression: schedule.expression, blackouts: [blackout] });
    expect((await next()).slotAt).toBe(new Date(today.getTime() + 86_400_000).toISOString());
    await mutate(stateward, 'pauseSavepointSchedule', { deploymentId });
    expect(await next()).toBeNull();
  });
});
