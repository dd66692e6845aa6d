import { Pool } from 'undici';

/**
 * The reference of in-flight.ts: a process that asks the same fake clusters as often as the worker did, four requests at
 * once each, parses what comes, and does nothing else. Driven over IPC: one task, one answer.
 */
export interface PollingTask {
  /** Base address of a cluster, and the paths that are asked in turn. */
  clusters: { url: string; paths: string[] }[];
  requests: number;
  connections: number;
}

async function poll({ clusters, requests, connections }: PollingTask): Promise<void> {
  let left = requests;
  const pollCluster = async (pool: Pool, paths: string[], from: number): Promise<void> => {
    for (let at = from; left > 0; at++) {
      left -= 1;
      const { statusCode, body } = await pool.request({ method: 'GET', path: paths[at % paths.length] ?? '/' });
      await body.json();
      if (statusCode !== 200) throw new Error(`A fake cluster answered ${statusCode} to ${paths[at % paths.length]}`);
    }
  };
  const pools = clusters.map(({ url, paths }) => ({ pool: new Pool(url, { connections }), paths }));
  await Promise.all(
    pools.flatMap(({ pool, paths }) =>
      Array.from({ length: connections }, (_, number) =>
        pollCluster(pool, paths, Math.floor((paths.length * number) / connections)),
      ),
    ),
  );
  await Promise.all(pools.map(({ pool }) => pool.close()));
}

process.on('message', (task: PollingTask) => {
  poll(task).then(
    () => process.send?.({ done: true }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  );
});
process.send?.({ ready: true }); // what loading has cost is not counted
process.on('disconnect', () => process.exit(0));
