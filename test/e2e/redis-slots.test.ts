import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { LOOK_AHEAD_MS } from '../../src/schedule/slot.store.js';
import { type RedisServer, startRedis, whyNoRedis, withClient } from '../support/redis-server.js';
import { insertRunningFleet } from '../support/running-fleet.js';
import { registerCluster } from '../support/scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.js';

/** For so long Redis is away, and in that time all slots come. */
const AWAY_MS = Number(process.env.STATEWARD_TEST_REDIS_AWAY_S ?? 8) * 1_000;
const CLUSTERS = 10;
const PER_CLUSTER = 100;
const SLOTS = CLUSTERS * PER_CLUSTER;
const DAY_MS = 86_400_000;
const ENDED_WITHIN_MS = 60_000;

const noRedis = whyNoRedis();
const suite = noRedis === null ? describe : describe.skip;

suite(`a thousand slots while Redis is emptied and away${noRedis === null ? '' : ` (skipped: ${noRedis})`}`, () => {
  let redis: RedisServer;
  let stateward: Stateward;
  let worker: WorkerProcess;
  const flinks: FakeFlink[] = [];
  /** On the clock of the database: when Redis was gone, and just before it came back. */
  let goneAt: Date;
  let backAt: Date;

  beforeAll(
    async () => {
      redis = await startRedis();
      const env = { REDIS_URL: redis.url };
      stateward = await startStateward({ worker: false, env });
      worker = await startWorkerProcess(stateward.databaseUrl, stateward.services.config.dataFolder, env);
      const later = Array.from({ length: PER_CLUSTER }, () => new Date(Date.now() + DAY_MS));
      for (let number = 1; number <= CLUSTERS; number++) {
        const flink = await startFakeFlink({ slots: PER_CLUSTER });
        flink.knobs.savepointDurationMs = 200;
        flinks.push(flink);
        const clusterId = await registerCluster(stateward, flink.url, `cluster ${number}`, {
          savepointBudget: PER_CLUSTER,
        });
        await insertRunningFleet(stateward, clusterId, flink, later);
      }
      await waitFor(async () => (await count('from cluster_lease where owned_until > now()')) === CLUSTERS, {
        what: 'the worker to own the clusters',
      });
      await redis.flush();
      await redis.kill();
      goneAt = await letSlotsCome();
      await waitFor(async () => (await clock()).getTime() >= goneAt.getTime() + AWAY_MS, {
        what: 'the end of the outage',
        timeoutMs: AWAY_MS + 5_000,
      });
      backAt = await clock();
      await redis.start();
      await waitFor(async () => (await count(`from savepoint where state in ('PENDING', 'IN_PROGRESS')`)) === 0, {
        what: 'every savepoint to end',
        timeoutMs: ENDED_WITHIN_MS,
      });
    },
    AWAY_MS + ENDED_WITHIN_MS + 60_000,
  );
  afterAll(async () => {
    worker.signal('SIGKILL');
    await worker.ended;
    await stateward.stop();
    await Promise.all(flinks.map((flink) => flink.stop()));
    await redis.stop();
  });

  const count = async (text: string): Promise<number> =>
    Number((await stateward.services.database.row<{ count: string }>(`select count(*) ${text}`))?.count);

  async function clock(): Promise<Date> {
    const row = await stateward.services.database.row<{ now: Date }>('select clock_timestamp() as now');
    if (!row) throw new Error('The database told no time');
    return row.now;
  }

  /** One after the other, evenly over the time in which Redis is away. Answers when it began. */
  async function letSlotsCome(): Promise<Date> {
    const now = await clock();
    await stateward.services.database.rows(
      `with due as (
         update savepoint_schedule s set next_slot_at = $1::timestamptz + o.place * $2 * interval '1 ms'
           from (select id, row_number() over (order by id) as place from savepoint_schedule) o where o.id = s.id returning 1)
       select pg_notify('stateward', 'slots') from due limit 1`,
      [now, Math.floor((AWAY_MS - 1_000) / SLOTS)],
    );
    return now;
  }

  it('are each decided once, and fire', async () => {
    const lines = await stateward.services.database.rows(
      `select s.id from savepoint_schedule s join schedule_slot t on t.schedule_id = s.id and t.slot_at = s.last_slot_at
        where t.outcome = 'FIRED' and t.count = 1 and not t.caught_up and s.next_slot_at > now() + interval '1 hour'`,
    );
    expect(lines).toHaveLength(SLOTS);
    expect(await count('from schedule_slot')).toBe(SLOTS);
  });

  it('are decided within a tick of their time, all while Redis is away', async () => {
    const late = await stateward.services.database.row<{ ms: number; first: Date; last: Date }>(
      `select max(extract(epoch from decided_at - slot_at))::float8 * 1000 as ms, min(decided_at) as first, max(decided_at) as last from schedule_slot`,
    );
    expect(late?.ms).toBeLessThan(LOOK_AHEAD_MS);
    expect(late?.first.getTime()).toBeGreaterThan(goneAt.getTime());
    expect(late?.last.getTime()).toBeLessThan(backAt.getTime());
  });

  it('have each one savepoint, which has ended and was triggered once', async () => {
    const made = await stateward.services.database.rows<{ state: string; trigger_id: string }>(
      `select p.state, a.trigger_id from schedule_slot t join savepoint p on p.id = t.savepoint_id and p.slot_at = t.slot_at
         join savepoint_attempt a on a.savepoint_id = p.id and a.sends = 1`,
    );
    expect(made.filter(({ state }) => state === 'COMPLETED')).toHaveLength(SLOTS);
    expect(await count('from savepoint')).toBe(SLOTS);
    const received = flinks.flatMap((flink) => flink.triggersReceived());
    expect([...received].sort()).toEqual(made.map(({ trigger_id: id }) => id).sort());
    expect(flinks.flatMap(({ savepointsMade }) => savepointsMade)).toHaveLength(SLOTS);
  });

  it('and the queue is in use again afterwards', async () => {
    await waitFor(() => withClient(redis.url, async (client) => (await client.keys('stateward:*')).length > 0), {
      what: 'the worker to be back at Redis',
      timeoutMs: 20_000,
    });
  });
});
