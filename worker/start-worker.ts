import { randomUUID } from 'node:crypto';
import type { TaskDefinition } from '../src/queue/define-task.js';
import { CheckCalls } from '../src/check/check-calls.js';
import { CHECK_LIMITS, type CheckLimits } from '../src/check/check-deps.js';
import { CheckpointCollector } from '../src/checkpoint/observe-checkpoints.js';
import { tasks, type Tasks } from '../src/queue/tasks.js';
import { KeptClaims } from '../src/db/kept-claims.js';
import { LongCalls } from '../src/run/long-calls.js';
import { SavepointFollowers } from '../src/savepoint/follow-savepoints.js';
import type { Services } from '../src/services.js';
import { createHandlers } from './handlers.js';
import { runTask } from './run-task.js';
import { startWatchers } from './watchers.js';
import type { WorkerServices } from './worker-services.js';

const SUBMISSIONS_AT_ONCE = 4;
/**
 * Looks at snapshots: most of what they take is waiting for a storage, and whatever waits together shares its quickness. Together with the
 * submissions they leave most of the watcher's places to rows that wait for no storage.
 */
const LOOKS_AT_ONCE = { beforeStart: 8, afterStart: 4, QUICK: 4, LONG: 4 };

/** Starts the worker's part on shared services: one BullMQ worker per task, and the watchers. `stop` waits for what runs. */
export function startWorker(
  shared: Services,
  checkLimits: Partial<CheckLimits> = {},
): { workerId: string; stop(): Promise<void> } {
  const workerId = randomUUID();
  const { database, flinkClients, wakeups, log } = shared;
  const keptClaims = new KeptClaims(database, workerId, (error) =>
    log.warn({ err: error }, 'claims could not be renewed; they are given up when their lease ends'),
  );
  const followSavepoints = new SavepointFollowers(database, flinkClients, keptClaims, log);
  const places = (of: keyof typeof LOOKS_AT_ONCE) => new LongCalls(keptClaims, LOOKS_AT_ONCE[of]);
  const services: WorkerServices = {
    ...shared,
    workerId,
    followSavepoints,
    longCalls: new LongCalls(keptClaims, SUBMISSIONS_AT_ONCE),
    snapshotLooks: { beforeStart: places('beforeStart'), afterStart: places('afterStart') },
    dataLooks: { QUICK: places('QUICK'), LONG: places('LONG') },
    checkCalls: new CheckCalls(new LongCalls(keptClaims, SUBMISSIONS_AT_ONCE)),
    checkLimits: { ...CHECK_LIMITS, ...checkLimits },
    keptClaims,
    clusterLoad: { owned: 0 },
  };
  const handlers = createHandlers(services);
  const names = Object.keys(tasks) as (keyof Tasks)[];
  const workers = names.map((name) =>
    runTask(tasks[name] as TaskDefinition, handlers[name] as never, services.queueTarget, services.log),
  );
  const watchers = startWatchers(services);
  const checkpoints = new CheckpointCollector(database, flinkClients, wakeups, workerId, log);
  return {
    workerId: services.workerId,
    stop: async () => {
      await watchers.stop();
      await Promise.all(workers.map((worker) => worker.close()));
      await followSavepoints.stop();
      await checkpoints.stop();
      await watchers.giveUp();
    },
  };
}
