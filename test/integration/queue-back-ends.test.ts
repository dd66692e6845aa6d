import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../../src/errors.js';
import { createLogger } from '../../src/logger.js';
import { defineTask, type Handler } from '../../src/queue/define-task.js';
import { openQueueTarget, type QueueTarget } from '../../src/queue/queue-target.js';
import { TaskQueue } from '../../src/queue/task-queue.js';
import { type RunningTask, runTask } from '../../worker/run-task.js';
import { type RedisServer, startRedis, whyNoRedis } from '../support/redis-server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { waitFor } from '../support/wait-for.js';

const noRedis = whyNoRedis();
const backEnds = ['PostgreSQL', 'Redis'] as const;
const log = createLogger('fatal', 'worker');

let database: TestDatabase;
let redis: RedisServer | undefined;
beforeAll(async () => {
  database = await createTestDatabase();
  if (noRedis === null) redis = await startRedis();
});
afterAll(async () => {
  await redis?.stop();
  await database.drop();
});

for (const backEnd of backEnds) {
  const absent = backEnd === 'Redis' && noRedis !== null;
  const suite = absent ? describe.skip : describe;
  suite(`the queue on ${backEnd}${absent ? ` (skipped: ${noRedis})` : ''}`, () => {
    const open: { workers: RunningTask[]; queue: TaskQueue; target: QueueTarget }[] = [];
    afterEach(async () => {
      for (const { workers, queue, target } of open.splice(0)) {
        await Promise.all(workers.map((worker) => worker.close()));
        await queue.close();
        await target.close();
      }
    });

    /** A task of its own name, so that tests leave one another alone. */
    async function taskWith(handler: Handler<{ id: string }>, attempts = 3) {
      const task = defineTask({
        name: `test-${randomUUID()}`,
        payload: z.object({ id: z.string() }),
        key: ({ id }) => id,
        attempts,
        backoffMs: 5,
        concurrency: 4,
      });
      const config = { redisUrl: backEnd === 'Redis' ? redis?.url : undefined, redisPrefix: 'test' };
      const target = await openQueueTarget(config, database.url, 1, log);
      const queue = new TaskQueue(target, log);
      const workers: RunningTask[] = [];
      open.push({ workers, queue, target });
      const work = () => void workers.push(runTask(task, handler, target, log));
      return { submit: (id: string) => queue.submit(task, { id }, 'test'), queue, task, target, work };
    }

    it('brings each task with its payload, whether it was submitted before or after a worker came', async () => {
      const ran: string[] = [];
      const { submit, work } = await taskWith({
        run: async ({ id }) => void ran.push(id),
        exhausted: async () => undefined,
      });
      submit('before');
      work();
      submit('after');
      await waitFor(() => ran.length === 2, { what: 'both tasks to run' });
      expect(ran.sort()).toEqual(['after', 'before']);
    });

    it('keeps one waiting task per key, and runs one more for what is submitted during a run', async () => {
      let runs = 0;
      let atOnce = 0;
      let most = 0;
      let finish: () => void = () => undefined;
      const { submit, work, queue } = await taskWith({
        run: async () => {
          runs += 1;
          most = Math.max(most, ++atOnce);
          if (runs === 1) await new Promise<void>((resolve) => (finish = resolve));
          atOnce -= 1;
        },
        exhausted: async () => undefined,
      });
      for (let i = 0; i < 5; i++) submit('same');
      await queue.settled();
      work();
      await waitFor(() => runs === 1, { what: 'the first run' });
      for (let i = 0; i < 5; i++) submit('same');
      await queue.settled();
      finish();
      await waitFor(() => runs === 2, { what: 'one more run' });
      submit('another');
      await waitFor(() => runs === 3, { what: 'a task behind them to run' });
      expect({ runs, most }).toEqual({ runs: 3, most: 1 });
    });

    it('tries what fails again until its attempts run out, and then says so once', async () => {
      const failures: unknown[] = [];
      let runs = 0;
      const { submit, work } = await taskWith({
        run: async () => {
          runs += 1;
          throw new Error(`failure ${runs}`);
        },
        exhausted: async (_payload, error) => void failures.push((error as Error).message),
      });
      work();
      submit('one');
      await waitFor(() => failures.length > 0, { what: 'the attempts to run out' });
      expect({ runs, failures }).toEqual({ runs: 3, failures: ['failure 3'] });
    });

    it('gives up what the worker process has ended with as often as it may be tried, without running it again', async () => {
      const ended: unknown[] = [];
      let runs = 0;
      const { submit, work, queue, task, target } = await taskWith(
        {
          run: async () => void (runs += 1),
          exhausted: async ({ id }, error) => void ended.push([id, (error as AppError).code, (error as Error).message]),
        },
        1,
      );
      let taken = false;
      const crashing = target.openWorker(
        task.name,
        async () => {
          taken = true;
          await new Promise(() => undefined);
        },
        { lockDuration: 200, skipStalledCheck: true },
      );
      submit('fatal');
      await queue.settled();
      await waitFor(() => taken, { what: 'the task to be taken' });
      await crashing.close(true); // its lock is renewed no more, as when the process has ended
      work();
      await waitFor(() => ended.length > 0, { what: 'it to be given up', timeoutMs: 20_000 });
      expect({ runs, ended }).toEqual({
        runs: 0,
        ended: [['fatal', 'TASK_CRASHED', expect.stringContaining('ended 1 times in a row')]],
      });
    });

    it('does not try again what can never work', async () => {
      const ended: string[] = [];
      let runs = 0;
      const { submit, work } = await taskWith({
        run: async () => {
          runs += 1;
          throw new AppError('BAD_USER_INPUT', 'never');
        },
        exhausted: async ({ id }) => void ended.push(id),
      });
      work();
      submit('hopeless');
      await waitFor(() => ended.length > 0, { what: 'it to be given up' });
      expect({ runs, ended }).toEqual({ runs: 1, ended: ['hopeless'] });
    });

    it('repeats what it was told to repeat, told twice included', async () => {
      let runs = 0;
      const { queue, task, work } = await taskWith({
        run: async () => void (runs += 1),
        exhausted: async () => undefined,
      });
      await queue.repeat(task, { id: 'tick' }, 200);
      await queue.repeat(task, { id: 'tick' }, 200);
      const startedAt = Date.now();
      work();
      await waitFor(() => runs >= 3, { what: 'three ticks' });
      expect(Date.now() - startedAt).toBeGreaterThan(250);
    });
  });
}
