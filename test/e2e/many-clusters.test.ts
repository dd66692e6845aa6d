import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { startProxy } from '../support/http-servers.js';
import { registerCluster } from '../support/scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

let stateward: Stateward;
let flink: FakeFlink;
beforeAll(async () => {
  stateward = await startStateward();
  flink = await startFakeFlink();
});
afterAll(async () => {
  await stateward.stop();
  await flink.stop();
});

describe('twenty clusters', () => {
  it('that are due at the same instant are all looked at, with half as many connections to the database', async () => {
    const proxies = await Promise.all(Array.from({ length: 20 }, () => startProxy({ target: flink.url })));
    try {
      const ids = await Promise.all(proxies.map(({ url }) => registerCluster(stateward, url, randomUUID())));
      const { database } = stateward.services;
      const count = async (condition: string) =>
        (await database.rows(`select 1 from cluster c where id = any($1) and ${condition}`, [ids])).length;
      const owned = 'exists (select 1 from cluster_lease l where l.cluster_id = c.id and owned_until > now())';
      await waitFor(async () => (await count(owned)) === 20, { what: 'a worker to own each' });
      await database.rows(
        `with due as (update cluster set look_at = now(), wakes = wakes + 1, facts_read_at = facts_read_at - interval '2 min' where id = any($1) returning 1)
         select pg_notify('stateward', 'due') from due`,
        [ids],
      );
      // Looks that wait for each other's connections end after 5 s, by an error.
      await waitFor(async () => (await count('slots_total is not null and claimed_until is null')) === 20, {
        what: 'each to have been looked at',
        timeoutMs: 4_000,
      });
    } finally {
      await Promise.all(proxies.map((proxy) => proxy.stop()));
    }
  });
});
