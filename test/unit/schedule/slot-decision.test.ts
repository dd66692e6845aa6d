import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ClusterState } from '../../../src/cluster/cluster.entity.js';
import { DeploymentState } from '../../../src/deployment/deployment.entity.js';
import { parsed as cronOf } from './parsed.js';
import { CatchUp, SlotReason } from '../../../src/schedule/schedule.enums.js';
import {
  type Decision,
  decideSlots,
  decideUnread,
  MISSED_AFTER_MS,
  type SlotLine,
  slotsUpTo,
  type Standing,
  whyNot,
} from '../../../src/schedule/slot-decision.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const FLOOR = 10 * MINUTE;
const at = (text: string) => Date.parse(text);

const running: Standing = {
  deployment: {
    name: 'counter',
    state: DeploymentState.RUNNING,
    stateSince: new Date('2026-03-01T00:00:00Z'),
    waitingFor: null,
    ambiguous: false,
  },
  cluster: {
    name: 'blue',
    state: ClusterState.REACHABLE,
    stateSince: new Date('2026-03-01T00:00:00Z'),
    hasSavepointRoot: true,
  },
  stopId: null,
  underWayId: null,
  pausedAt: null,
  setAsideAt: null,
  blackouts: [],
  catchUp: CatchUp.ONE,
};
const deployment = (more: Partial<Standing['deployment']>) => ({
  ...running,
  deployment: { ...running.deployment, ...more },
});
const cluster = (more: Partial<Standing['cluster']>) => ({ ...running, cluster: { ...running.cluster, ...more } });
const blackout = { start: cronOf('0 8 * * *'), durationMs: 2 * HOUR, zone: 'UTC' };

describe('why a slot is skipped', () => {
  const slot = at('2026-03-02T09:00:00Z');
  const reasons: [SlotReason, Standing, RegExp][] = [
    [SlotReason.PAUSED, { ...running, pausedAt: at('2026-03-02T01:00:00Z') }, /2026-03-02T01:00:00/],
    [SlotReason.BLACKOUT, { ...running, blackouts: [blackout] }, /until 2026-03-02T10:00:00/],
    [SlotReason.NOT_RUNNING, deployment({ state: DeploymentState.FAILED }), /"counter" is FAILED since 2026-03-01/],
    [SlotReason.NOT_RUNNING, deployment({ state: DeploymentState.STARTING, waitingFor: 'slots: needs 8, has 3' }), /STARTING.*needs 8, has 3/],
    [SlotReason.NOT_RUNNING, deployment({ state: DeploymentState.RESTARTING }), /RESTARTING/],
    [SlotReason.STOPPING, { ...running, stopId: 'the-stop' }, /the-stop/],
    [SlotReason.STOPPING, deployment({ state: DeploymentState.STOPPING }), /cancelled in Flink/],
    [SlotReason.UNREACHABLE, cluster({ state: ClusterState.UNREACHABLE }), /"blue" does not answer since 2026-03-01/],
    [SlotReason.CLUSTER_CHANGED, cluster({ state: ClusterState.CHANGED }), /confirmCluster/],
    [SlotReason.NO_SAVEPOINT_ROOT, cluster({ hasSavepointRoot: false }), /savepoint-dir/],
    [SlotReason.AMBIGUOUS_JOB, deployment({ ambiguous: true }), /Two jobs/],
    [SlotReason.IN_PROGRESS, { ...running, underWayId: 'the-first' }, /the-first/],
  ]; // prettier-ignore

  it.each(reasons)('%s, with what a person needs to know', (reason, standing, said) => {
    expect(whyNot(standing, slot)).toEqual({ reason, message: expect.stringMatching(said) });
  });

  it('is nothing when the deployment runs', () => {
    expect(whyNot(running, slot)).toBeNull();
    expect(whyNot({ ...running, blackouts: [blackout] }, at('2026-03-02T10:00:00Z'))).toBeNull();
  });

  it('is what a person has asked for before what is, and what is stopped before a cluster that is away', () => {
    const all: Standing = {
      deployment: { ...running.deployment, state: DeploymentState.CANCELLED, ambiguous: true },
      cluster: { ...running.cluster, state: ClusterState.UNREACHABLE, hasSavepointRoot: false },
      stopId: 'a-stop',
      underWayId: 'a-savepoint',
      pausedAt: slot,
      setAsideAt: null,
      blackouts: [blackout],
      catchUp: CatchUp.ONE,
    };
    const reasonOf = (more: Partial<Standing>) => whyNot({ ...all, ...more }, slot)?.reason;
    expect(reasonOf({})).toBe(SlotReason.PAUSED);
    expect(reasonOf({ pausedAt: null })).toBe(SlotReason.BLACKOUT);
    expect(reasonOf({ pausedAt: null, blackouts: [] })).toBe(SlotReason.NOT_RUNNING);
    const alive = { pausedAt: null, blackouts: [], deployment: { ...all.deployment, state: DeploymentState.RUNNING } };
    expect(reasonOf(alive)).toBe(SlotReason.STOPPING);
    expect(reasonOf({ ...alive, stopId: null })).toBe(SlotReason.UNREACHABLE);
  });
});

const daily = { cron: cronOf('0 3 * * *'), zone: 'UTC', floorMs: FLOOR };

/** What becomes of a chain that is due since `first`. */
function decide(
  standing: Standing,
  first: number,
  now: number,
  { chain = daily, newest = null }: { chain?: typeof daily; newest?: SlotReason | null } = {},
): Decision {
  const row = slotsUpTo(chain, first, now, Infinity);
  return decideSlots(standing, row, { now, floorMs: chain.floorMs, newest, savepointId: 'new' });
}

const short = ({ slotAt, lastSlotAt, count, skipped, caughtUp }: SlotLine) => ({
  from: new Date(slotAt).toISOString().slice(5, 16),
  to: new Date(lastSlotAt).toISOString().slice(5, 16),
  count,
  what: skipped?.reason ?? (caughtUp ? 'CAUGHT_UP' : 'FIRED'),
});

describe('slots that are due', () => {
  const third = at('2026-03-03T03:00:00Z');

  it('fire up to 60 s after their time, and are missed after that', () => {
    for (const late of [0, 1, MISSED_AFTER_MS]) {
      const { lines, fires } = decide(running, third, third + late);
      expect(lines.map(short)).toEqual([{ from: '03-03T03:00', to: '03-03T03:00', count: 1, what: 'FIRED' }]);
      expect(fires).toEqual({ slotAt: third, missed: 0 });
    }
    const { lines } = decide({ ...running, catchUp: CatchUp.NONE }, third, third + MISSED_AFTER_MS + 1);
    expect(lines.map(short)).toEqual([{ from: '03-03T03:00', to: '03-03T03:00', count: 1, what: 'MISSED' }]);
  });

  it('that were missed fire once, as the last of them; the others are one line', () => {
    const { lines, fires } = decide(running, third, at('2026-03-06T08:00:00Z'));
    expect(lines.map(short)).toEqual([
      { from: '03-03T03:00', to: '03-05T03:00', count: 3, what: 'MISSED' },
      { from: '03-06T03:00', to: '03-06T03:00', count: 1, what: 'CAUGHT_UP' },
    ]);
    expect(fires).toEqual({ slotAt: at('2026-03-06T03:00:00Z'), missed: 4 });
  });

  it('are not made up for with catchUp NONE, and say so', () => {
    const { lines, fires } = decide({ ...running, catchUp: CatchUp.NONE }, third, at('2026-03-06T08:00:00Z'));
    expect(lines.map(short)).toEqual([{ from: '03-03T03:00', to: '03-06T03:00', count: 4, what: 'MISSED' }]);
    expect(lines[0]?.skipped?.message).toMatch(/not made up for/);
    expect(fires).toBeNull();
  });

  it('are not made up for when the next slot is less than 10 min away', () => {
    const next = at('2026-03-07T03:00:00Z');
    const early = decide(running, third, next - FLOOR);
    expect(early.fires).toEqual({ slotAt: at('2026-03-06T03:00:00Z'), missed: 4 });
    const late = decide(running, third, next - FLOOR + 1);
    expect(late.fires).toBeNull();
    expect(late.lines[0]?.skipped?.message).toContain('2026-03-07T03:00:00');
  });

  it('are not made up for when one is in time, which fires', () => {
    const { lines, fires } = decide(running, third, at('2026-03-06T03:00:30Z'));
    expect(lines.map(short)).toEqual([
      { from: '03-03T03:00', to: '03-05T03:00', count: 3, what: 'MISSED' },
      { from: '03-06T03:00', to: '03-06T03:00', count: 1, what: 'FIRED' },
    ]);
    expect(fires).toMatchObject({ missed: 0 });
  });

  it('are all missed where none can be made up for, and the line says why', () => {
    const { lines } = decide(deployment({ state: DeploymentState.FAILED }), third, at('2026-03-06T08:00:00Z'));
    expect(lines.map(short)).toEqual([{ from: '03-03T03:00', to: '03-06T03:00', count: 4, what: 'MISSED' }]);
    expect(lines[0]?.skipped?.message).toMatch(/could not be made up for: .*FAILED/);
  });

  it('say nothing of being made up for while more of them are to be counted', () => {
    const now = at('2026-03-06T08:00:00Z');
    const head = slotsUpTo(daily, third, now, 2);
    const { lines, fires } = decideSlots(running, head, { now, floorMs: FLOOR, newest: null, savepointId: 'new' });
    expect(lines.map(short)).toEqual([{ from: '03-03T03:00', to: '03-04T03:00', count: 2, what: 'MISSED' }]);
    expect(lines[0]?.skipped?.message).not.toContain('made up');
    expect(fires).toBeNull();
  });

  it('are made up for by the blackout of now, not by that of their time', () => {
    const standing = { ...running, blackouts: [{ ...blackout, start: cronOf('0 2 * * *') }] };
    expect(decide(standing, third, at('2026-03-06T08:00:00Z')).fires).toMatchObject({ missed: 4 });
    expect(decide(standing, third, at('2026-03-06T03:30:00Z')).fires).toBeNull();
  });

  it('of a paused schedule are PAUSED from the pause on, and missed before it', () => {
    const paused = { ...running, pausedAt: at('2026-03-04T12:00:00Z') };
    const { lines, fires } = decide(paused, third, at('2026-03-07T08:00:00Z'));
    expect(lines.map(short)).toEqual([
      { from: '03-03T03:00', to: '03-04T03:00', count: 2, what: 'MISSED' },
      { from: '03-05T03:00', to: '03-07T03:00', count: 3, what: 'PAUSED' },
    ]);
    expect(fires).toBeNull();
  });

  it('that have waited while the schedule was set aside say so', () => {
    const standing = { ...running, catchUp: CatchUp.NONE, setAsideAt: third };
    const { lines } = decide(standing, third, at('2026-03-06T08:00:00Z'));
    expect(lines).toMatchObject([{ skipped: { reason: 'MISSED', message: expect.stringContaining('set aside') } }]);
    expect(lines[0]?.skipped?.message).toContain('2026-03-03T03:00:00');
  });

  it('of a schedule that ends unread are the first alone, missed unless it was paused then', () => {
    const unread = (pausedAt: number | null) =>
      decideUnread(third, { pausedAt, newest: null, unreadable: 'Not a zone.' }).lines;
    expect(unread(null)).toMatchObject([
      { slotAt: third, count: 1, skipped: { reason: 'MISSED', message: expect.stringContaining('Not a zone.') } },
    ]);
    expect(unread(third + 1)).toMatchObject([{ skipped: { reason: 'MISSED' } }]);
    expect(unread(third)).toMatchObject([{ skipped: { reason: 'PAUSED' } }]);
  });

  it('go on with the newest line where its reason lasts, and are no news then', () => {
    const paused = { ...running, pausedAt: at('2026-03-01T12:00:00Z') };
    const [line] = decide(paused, third, third, { newest: SlotReason.PAUSED }).lines;
    expect(line).toMatchObject({ goesOn: true, isNews: false, count: 1 });
    const [first] = decide(paused, third, third, { newest: SlotReason.NOT_RUNNING }).lines;
    expect(first).toMatchObject({ goesOn: false, isNews: true });
    const failed = deployment({ state: DeploymentState.FAILED });
    const [other] = decide(failed, third, third, { newest: SlotReason.NOT_RUNNING }).lines;
    expect(other).toMatchObject({ goesOn: false, isNews: false });
  });

  it('that are less than 60 s apart wait for the one that has fired', () => {
    const chain = { cron: cronOf('* * * * *'), zone: 'UTC', floorMs: 1_000 };
    const first = at('2026-03-03T03:00:00Z');
    const { lines, fires } = decide(running, first, first + MINUTE, { chain });
    expect(lines.map(short).map(({ what }) => what)).toEqual(['FIRED', 'IN_PROGRESS']);
    expect(lines[1]?.skipped?.message).toContain('new');
    expect(fires?.slotAt).toBe(first);
  });
});

describe('any schedule, after any pause of the workers', () => {
  const chains = [
    ['*/10 * * * *', 'UTC'],
    ['*/7 * * * *', 'Europe/Berlin'],
    ['* * * * *', 'Australia/Lord_Howe'],
    ['0 3 * * *', 'Europe/Berlin'],
    ['30 2 * * MON-FRI', 'America/New_York'],
  ].map(([text = '', zone = '']) => ({ cron: cronOf(text), zone, floorMs: FLOOR }));
  const scene = fc.record({
    chain: fc.constantFrom(...chains),
    // the weeks of clock changes among them
    savedAt: fc.integer({ min: at('2026-03-20T00:00:00Z'), max: at('2026-11-10T00:00:00Z') }),
    outageMs: fc.oneof(fc.integer({ min: 0, max: 2 * HOUR }), fc.integer({ min: 0, max: 20 * 24 * HOUR })),
    most: fc.integer({ min: 1, max: 40 }),
    standing: fc.constantFrom(
      running,
      deployment({ state: DeploymentState.FAILED }),
      { ...running, catchUp: CatchUp.NONE },
      { ...running, underWayId: 'first' },
      { ...running, blackouts: [blackout] },
      { ...running, pausedAt: at('2026-06-01T00:00:00Z') },
    ),
  });

  /** As the transactions of a worker do it: a part at a time, each going on with what the one before has written. */
  function inParts(
    { chain, standing }: { chain: typeof daily; standing: Standing },
    first: number,
    now: number,
    most: number,
  ) {
    const lines: SlotLine[] = [];
    const fires: Decision['fires'][] = [];
    let next: number | null = first;
    while (next !== null && next <= now) {
      const row = slotsUpTo(chain, next, now, most);
      const newest = lines.at(-1)?.skipped?.reason ?? null;
      const decision = decideSlots(standing, row, { now, floorMs: chain.floorMs, newest, savepointId: 'new' });
      for (const line of decision.lines) {
        const last = lines.at(-1);
        if (!line.goesOn) lines.push(line);
        else if (last)
          lines[lines.length - 1] = { ...last, lastSlotAt: line.lastSlotAt, count: last.count + line.count };
      }
      if (decision.fires) fires.push(decision.fires);
      next = row.next;
    }
    return { lines, fires };
  }

  it('has each of its slots decided once, in order, and fires at most once', () => {
    fc.assert(
      fc.property(scene, ({ chain, standing, savedAt, outageMs, most }) => {
        const [first] = slotsUpTo(chain, savedAt, Infinity, 2).due.slice(1);
        if (first === undefined) throw new Error('it has no slot');
        const now = first + outageMs;
        const { due } = slotsUpTo(chain, first, now, Infinity);
        expect(due.filter((slot, index) => slot - (due[index - 1] ?? -Infinity) < FLOOR)).toEqual([]);
        const { lines, fires } = inParts({ chain, standing }, first, now, most);
        let place = 0;
        const wanted = lines.map(({ count }) => [due[place], due[(place += count) - 1]]);
        expect(lines.map(({ slotAt, lastSlotAt }) => [slotAt, lastSlotAt])).toEqual(wanted);
        expect(place).toBe(due.length);
        expect(lines.filter(({ skipped }) => skipped === null)).toHaveLength(fires.length);
        expect(fires.length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 300 },
    );
  });

  it('comes to the same whether it is decided at once or in parts', () => {
    fc.assert(
      fc.property(scene, ({ chain, standing, savedAt, outageMs, most }) => {
        const [first] = slotsUpTo(chain, savedAt, Infinity, 2).due.slice(1);
        if (first === undefined) throw new Error('it has no slot');
        const now = first + outageMs;
        const parts = inParts({ chain, standing }, first, now, most);
        const whole = decide(standing, first, now, { chain });
        expect(parts.lines.map(short)).toEqual(whole.lines.map(short));
        expect(parts.fires.map((one) => one?.slotAt)).toEqual(whole.fires ? [whole.fires.slotAt] : []);
      }),
      { numRuns: 300 },
    );
  });
});
