import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';

/**
 * The reference of latency.ts: a process that drives the same fake clusters with undici alone. It sends a trigger, asks
 * for its status again and again, and measures from the trigger to the answer that says COMPLETED. It keeps nothing,
 * survives nothing and tells nobody. Driven over IPC: one task, one answer.
 */
export interface DrivingTask {
  /** `atMs`: when to begin, from the arrival of the task. */
  savepoints: { url: string; jobId: string; atMs: number }[];
  /** Pause between an answer and the next question. */
  pollMs: number;
  /** At most so many requests at once to one cluster. */
  connections: number;
}

async function drive({ savepoints, pollMs, connections }: DrivingTask): Promise<number[]> {
  const pools = new Map(savepoints.map(({ url }) => [url, new Pool(url, { connections })]));
  try {
    return await Promise.all(
      savepoints.map(async ({ url, jobId, atMs }) => {
        await sleep(atMs);
        return takeSavepoint(pools.get(url) ?? new Pool(url), jobId, pollMs);
      }),
    );
  } finally {
    await Promise.all([...pools.values()].map((pool) => pool.close()));
  }
}

async function takeSavepoint(pool: Pool, jobId: string, pollMs: number): Promise<number> {
  const begunAt = performance.now();
  const triggerId = randomBytes(16).toString('hex');
  const { statusCode, body } = await pool.request({
    method: 'POST',
    path: `/jobs/${jobId}/savepoints`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ formatType: 'CANONICAL', triggerId }),
  });
  await body.json();
  if (statusCode !== 202) throw new Error(`The trigger of a bare savepoint was answered with ${statusCode}`);
  for (;;) {
    await sleep(pollMs);
    const reply = await pool.request({ method: 'GET', path: `/jobs/${jobId}/savepoints/${triggerId}` });
    const status = (await reply.body.json()) as { status?: { id?: string }; operation?: { location?: string } };
    if (status.status?.id !== 'COMPLETED') continue;
    if (!status.operation?.location)
      throw new Error(`A bare savepoint failed: ${JSON.stringify(status).slice(0, 500)}`);
    return performance.now() - begunAt;
  }
}

process.on('message', (task: DrivingTask) => {
  drive(task).then(
    (durationsMs) => process.send?.({ durationsMs }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  );
});
process.send?.({ ready: true });
process.on('disconnect', () => process.exit(0));
