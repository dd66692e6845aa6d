import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { type RedisServer, startRedis, whyNoRedis, withClient } from '../support/redis-server.js';
import { anotherDeployment, deploymentOn } from '../support/savepoint-scenario.js';
import { createSavepoint, endOfSavepoint, type Scenario } from '../support/scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { createTestDatabase } from '../support/test-database.js';
import { waitFor } from '../support/wait-for.js';
import { startWorkerProcess } from '../support/worker-process.js';

const noRedis = whyNoRedis();
const suite = noRedis === null ? describe : describe.skip;
const ACCEPTED_WITHIN_MS = 1_000;

suite(`savepoints while Redis carries the queue${noRedis === null ? '' : ` (skipped: ${noRedis})`}`, () => {
  let redis: RedisServer;
  let stateward: Stateward;
  let flink: FakeFlink;
  let scenario: Scenario;
  beforeAll(async () => {
    redis = await startRedis();
    stateward = await startStateward({ env: { REDIS_URL: redis.url } });
  });
  afterAll(async () => {
    redis.thaw();
    await stateward.stop();
    await redis.stop();
  });
  beforeEach(async () => {
    flink = await startFakeFlink();
    scenario = await deploymentOn(stateward, flink);
  });
  afterEach(() => flink.stop());

  async function acceptedSoon(deploymentId: string): Promise<string> {
    const startedAt = Date.now();
    const { id, ...refusal } = await createSavepoint(stateward, deploymentId);
    if (!id) throw new Error(`Refused: ${JSON.stringify(refusal)}`);
    expect(Date.now() - startedAt).toBeLessThan(ACCEPTED_WITHIN_MS);
    return id as string;
  }

  async function endsOnce(id: string): Promise<void> {
    expect(await endOfSavepoint(stateward, id)).toMatchObject({ state: 'COMPLETED' });
    expect(new Set(flink.triggersReceived()).size).toBe(1);
    expect(flink.savepointsMade).toHaveLength(1);
  }

  it('makes a savepoint, and nothing is left in the queue', async () => {
    await endsOnce(await acceptedSoon(scenario.deploymentId));
    await waitFor(
      () =>
        withClient(redis.url, async (client) => (await client.keys('stateward:advance-savepoint:?*')).every(isKept)),
      { what: 'the queue to be empty' },
    );
  });

  it('accepts within a second and goes on while Redis is away, and with it again when it is back', async () => {
    await redis.kill();
    try {
      await endsOnce(await acceptedSoon(scenario.deploymentId));
    } finally {
      await redis.start();
    }
    const other = await anotherDeployment(stateward, scenario.clusterId, scenario.artifactId);
    const id = await acceptedSoon(other.deploymentId);
    expect(await endOfSavepoint(stateward, id)).toMatchObject({ state: 'COMPLETED' });
  });

  it('accepts within a second and goes on while Redis hangs', async () => {
    redis.freeze();
    try {
      await endsOnce(await acceptedSoon(scenario.deploymentId));
    } finally {
      redis.thaw();
    }
  });

  it('ends every savepoint once when Redis is emptied in their midst', async () => {
    flink.knobs.savepointDurationMs = 800;
    const more = await Promise.all(
      Array.from({ length: 5 }, () => anotherDeployment(stateward, scenario.clusterId, scenario.artifactId)),
    );
    const ids: string[] = [];
    for (const { deploymentId } of [scenario, ...more]) {
      ids.push(await acceptedSoon(deploymentId));
      await redis.flush();
    }
    const ends = await Promise.all(ids.map((id) => endOfSavepoint(stateward, id)));
    expect(ends.map(({ state }) => state)).toEqual(ids.map(() => 'COMPLETED'));
    expect(flink.savepointsMade).toHaveLength(ids.length);
  });

  it('goes on when Redis is full', async () => {
    await withClient(redis.url, (client) => client.config('SET', 'maxmemory', '1'));
    try {
      await endsOnce(await acceptedSoon(scenario.deploymentId));
    } finally {
      await withClient(redis.url, (client) => client.config('SET', 'maxmemory', '0'));
    }
  });
});

suite(`a Stateward that starts without its Redis${noRedis === null ? '' : ` (skipped: ${noRedis})`}`, () => {
  it('takes requests and does the work, and uses Redis once it is there', async () => {
    const redis = await startRedis();
    await redis.kill();
    const stateward = await startStateward({ env: { REDIS_URL: redis.url } });
    const flink = await startFakeFlink();
    try {
      const { deploymentId } = await deploymentOn(stateward, flink);
      const { id } = await createSavepoint(stateward, deploymentId);
      expect(await endOfSavepoint(stateward, id)).toMatchObject({ state: 'COMPLETED' });
      await redis.start();
      await waitFor(
        () => withClient(redis.url, async (client) => (await client.keys('stateward:keep-house:*')).length > 0),
        { what: 'the worker to connect', timeoutMs: 15_000 },
      );
    } finally {
      await stateward.stop();
      await flink.stop();
      await redis.stop();
    }
  });
});

suite(`a worker whose Redis goes away${noRedis === null ? '' : ` (skipped: ${noRedis})`}`, () => {
  it('stops within 5 s all the same', async () => {
    const redis = await startRedis();
    const database = await createTestDatabase();
    const folder = await mkdtemp(join(tmpdir(), 'stateward-worker-'));
    const worker = await startWorkerProcess(database.url, folder, { REDIS_URL: redis.url });
    try {
      await redis.kill();
      const askedAt = Date.now();
      worker.signal('SIGTERM');
      await worker.ended;
      expect(Date.now() - askedAt).toBeLessThan(5_000);
    } finally {
      worker.signal('SIGKILL');
      await database.drop();
      await redis.stop();
      await rm(folder, { recursive: true });
    }
  });
});

/** What BullMQ keeps of a queue in which nothing waits. */
const isKept = (key: string): boolean => /:(meta|events|id|marker|stalled-check)$/.test(key);
