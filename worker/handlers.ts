import type { Handlers } from '../src/queue/define-task.js';
import type { Tasks } from '../src/queue/tasks.js';
import { advanceCheckNow, recoverCheck } from '../src/check/advance-check.js';
import { claimOne } from '../src/db/claims.js';
import { advanceDeletionNow, recoverDeletion } from '../src/deletion/advance-deletion.js';
import { keepHouse } from '../src/housekeeping/housekeeping.js';
import { advanceStartNow, recoverStart } from '../src/run/advance-start.js';
import { advanceStopNow, recoverStop } from '../src/run/advance-stop.js';
import { advanceSavepointNow, recoverSavepoint } from '../src/savepoint/advance-savepoint.js';
import { wakeSlotWatchers } from '../src/schedule/schedule.store.js';
import type { WorkerServices } from './worker-services.js';

/** One short function per task; a missing one does not compile. When a task's attempts run out the watcher still has the row: the failure is counted there. */
export function createHandlers(services: WorkerServices): Handlers<Tasks> {
  // A step that has ended has set its row a new due time, which the watcher does not know yet.
  const wakeWatcher = () => services.wakeups.wake('due');
  return {
    advanceSavepoint: {
      run: ({ savepointId }) => advanceSavepointNow(services, savepointId).finally(wakeWatcher),
      exhausted: async ({ savepointId }, error) => {
        const claim = await claimOne(services.database, services.workerId, 'savepoint', savepointId);
        if (claim) await recoverSavepoint(services, claim, error);
      },
    },
    advanceStart: {
      run: ({ jobId }) => advanceStartNow(services, jobId).finally(wakeWatcher),
      exhausted: async ({ jobId }, error) => {
        const claim = await claimOne(services.database, services.workerId, 'job', jobId);
        if (claim) await recoverStart(services, claim, error);
      },
    },
    advanceStop: {
      run: ({ stopId }) => advanceStopNow(services, stopId).finally(wakeWatcher),
      exhausted: async ({ stopId }, error) => {
        const claim = await claimOne(services.database, services.workerId, 'stop', stopId);
        if (claim) await recoverStop(services, claim, error);
      },
    },
    advanceDeletion: {
      run: ({ savepointId }) => advanceDeletionNow(services, savepointId).finally(wakeWatcher),
      exhausted: async ({ savepointId }, error) => {
        const claim = await claimOne(services.database, services.workerId, 'deletion', savepointId);
        if (claim) await recoverDeletion(services, claim, error);
      },
    },
    advanceCheck: {
      run: ({ checkId }) => advanceCheckNow(services, checkId).finally(wakeWatcher),
      exhausted: async ({ checkId }, error) => {
        const claim = await claimOne(services.database, services.workerId, 'compatibility_check', checkId);
        if (claim) await recoverCheck(services, claim, error);
      },
    },
    decideSlots: {
      run: async () => void (await wakeSlotWatchers(services.database)),
      exhausted: async () => undefined, // it is due again soon
    },
    keepHouse: {
      run: async () => void (await keepHouse(services.database, services.config)),
      exhausted: async () => undefined, // it is due again soon
    },
  };
}
