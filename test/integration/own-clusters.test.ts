import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { forgetDeadWorkers, giveUpClusters, ownClusters } from '../../src/cluster/own-clusters.js';
import { insertCluster, type OpenDatabase, openTestDatabase } from '../support/rows.js';

let opened: OpenDatabase;
beforeAll(async () => {
  opened = await openTestDatabase();
});
afterAll(() => opened.close());
beforeEach(async () => {
  await opened.database.changed('truncate cluster, worker_process cascade');
});

const makeClusters = (count: number) =>
  Promise.all(Array.from({ length: count }, () => insertCluster(opened.database)));
const own = (worker: string) => ownClusters(opened.database, worker);

async function owned(worker: string): Promise<string[]> {
  const rows = await opened.database.rows<{ cluster_id: string }>(
    'select cluster_id from cluster_lease where owner = $1 and owned_until > now() order by cluster_id',
    [worker],
  );
  return rows.map((row) => row.cluster_id);
}

/** As if a worker had not been heard of for longer than its ownership lasts. */
async function silence(worker: string): Promise<void> {
  await opened.database.changed(`update cluster_lease set owned_until = now() - interval '1 ms' where owner = $1`, [
    worker,
  ]);
  await opened.database.changed(`update worker_process set seen_at = now() - interval '1 minute' where id = $1`, [
    worker,
  ]);
}

describe('workers and clusters', () => {
  it('gives all clusters to a worker that is alone, and tells it once', async () => {
    const ids = await makeClusters(5);
    const worker = randomUUID();
    expect((await own(worker)).sort()).toEqual(ids.sort());
    expect(await own(worker)).toEqual([]);
    expect(await owned(worker)).toHaveLength(5);
  });

  it('shares them fairly when more workers come, and no cluster has two owners or none', async () => {
    const ids = await makeClusters(7);
    const workers = [randomUUID(), randomUUID(), randomUUID()];
    for (let round = 0; round < 3; round += 1) for (const worker of workers) await own(worker);
    const shares = await Promise.all(workers.map(owned));
    expect(shares.map((share) => share.length).sort()).toEqual([1, 3, 3]);
    expect(shares.flat().sort()).toEqual(ids.sort());
  });

  it('gives each cluster to one of many workers that come at the same moment', async () => {
    const ids = await makeClusters(9);
    const workers = Array.from({ length: 6 }, () => randomUUID());
    const taken = (await Promise.all(workers.map(own))).flat();
    expect(new Set(taken).size).toBe(taken.length);
    for (let round = 0; round < 3; round += 1) await Promise.all(workers.map(own));
    const shares = await Promise.all(workers.map(owned));
    expect(shares.flat().sort()).toEqual(ids.sort());
    expect(Math.max(...shares.map((share) => share.length))).toBeLessThanOrEqual(2);
  });

  it('leaves a cluster to the worker that has it until that falls silent', async () => {
    const [id] = await makeClusters(1);
    const [first, second] = [randomUUID(), randomUUID()];
    expect(await own(first)).toEqual([id]);
    expect(await own(second)).toEqual([]);
    expect(await owned(first)).toEqual([id]);
    await silence(first);
    expect(await own(second)).toEqual([id]);
    // The first comes back: it finds it taken.
    expect(await own(first)).toEqual([]);
    expect(await owned(second)).toEqual([id]);
  });

  it('frees the clusters of a worker that stops at once', async () => {
    const ids = await makeClusters(3);
    const [first, second] = [randomUUID(), randomUUID()];
    await own(first);
    await giveUpClusters(opened.database, first);
    expect((await own(second)).sort()).toEqual(ids.sort());
  });

  it('drops the line of a worker that has been dead for an hour', async () => {
    const [alive, dead] = [randomUUID(), randomUUID()];
    await own(alive);
    await own(dead);
    await opened.database.changed(`update worker_process set seen_at = now() - interval '61 minutes' where id = $1`, [
      dead,
    ]);
    expect(await forgetDeadWorkers(opened.database)).toBe(1);
    expect(await opened.database.rows('select id from worker_process')).toEqual([{ id: alive }]);
  });
});
