import { describe, it } from '@jest/globals';
import type { FakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { expectLikeCaptured, UNKNOWN, withJob } from '../support/captured-cases.js';
import type { CapturedCase, CapturedVersion } from '../support/captured-cases.js';
import { ask, cancel, poll, stop, trigger, TRIGGER } from '../support/fake-flink-requests.js';
import type { Answer } from '../support/fake-flink-requests.js';

const pending = async (flink: FakeFlink, id: string): Promise<void> => {
  Object.assign(flink.knobs, { pendingPolls: 4 });
  await trigger(flink, id);
  await poll(flink, id);
  await poll(flink, id);
};
const checkpoint = (flink: FakeFlink, jobId: string, body: object = {}): Promise<Answer> =>
  ask(flink, `POST /jobs/${jobId}/checkpoints`, { triggerId: TRIGGER, ...body });
const VERTEX = '0da08f51eaa85fc298e176a139b3649a';
const failedPoll = (name: string): CapturedCase => ({
  name: `poll that failed as ${name}`,
  fixture: name,
  reply: async (flink) => {
    const id = flink.addJob();
    flink.savepointsFailWith(name);
    await trigger(flink, id);
    return poll(flink, id);
  },
});

/** Checkpoints, savepoints and stops, and their statistics. */
const CASES: CapturedCase[] = [
  {
    name: 'checkpoint accepted',
    fixture: 'checkpoint-accepted',
    reply: (flink) => checkpoint(flink, flink.addJob()),
  },
  {
    name: 'incremental checkpoint refused',
    fixture: 'checkpoint-refused-incremental',
    reply: (flink) => checkpoint(flink, flink.addJob(), { checkpointType: 'INCREMENTAL' }),
  },
  {
    name: 'checkpoint completed',
    fixture: 'checkpoint-poll-completed',
    reply: withJob(`GET /jobs/:id/checkpoints/${TRIGGER}`, (flink, id) => checkpoint(flink, id)),
  },
  {
    name: 'checkpoint pending',
    fixture: 'checkpoint-poll-pending',
    reply: withJob(`GET /jobs/:id/checkpoints/${TRIGGER}`, (flink, id) => {
      flink.knobs.savepointDurationMs = Infinity;
      return checkpoint(flink, id);
    }),
  },
  {
    name: 'checkpoint of a job that restarts',
    fixture: 'checkpoint-poll-failed',
    reply: withJob(`GET /jobs/:id/checkpoints/${TRIGGER}`, (flink, id) => {
      flink.job(id).setState('RESTARTING');
      return checkpoint(flink, id);
    }),
  },
  {
    name: 'checkpoint of an unknown job',
    fixture: 'checkpoint-poll-failed-unknown-job',
    reply: async (flink) => {
      await checkpoint(flink, UNKNOWN);
      return ask(flink, `GET /jobs/${UNKNOWN}/checkpoints/${TRIGGER}`);
    },
  },
  {
    name: 'unknown checkpoint trigger',
    fixture: 'checkpoint-poll-unknown-trigger',
    reply: withJob(`GET /jobs/:id/checkpoints/${TRIGGER}`),
  },
  { name: 'checkpoint settings', fixture: 'checkpoints-config', reply: withJob('GET /jobs/:id/checkpoints/config') },
  { name: 'no checkpoints yet', fixture: 'checkpoints-none-yet', reply: withJob('GET /jobs/:id/checkpoints') },
  {
    name: 'checkpoints of an unknown job',
    fixture: 'checkpoints-after-jobmanager-restart',
    reply: (flink) => ask(flink, `GET /jobs/${UNKNOWN}/checkpoints`),
  },
  {
    name: 'checkpoints, savepoints and a failure',
    fixture: 'checkpoints-mixed',
    reply: withJob('GET /jobs/:id/checkpoints', async (flink, id) => {
      flink.job(id).completeCheckpoint();
      await trigger(flink, id);
      await poll(flink, id);
      flink.job(id).failCheckpoint();
      flink.job(id).recover();
    }),
  },
  {
    name: 'savepoint entry in progress',
    fixture: 'checkpoint-details-in-progress-savepoint',
    reply: withJob('GET /jobs/:id/checkpoints/details/1', pending),
  },
  {
    name: 'savepoint entry completed',
    fixture: 'checkpoint-details-savepoint-canonical',
    reply: withJob('GET /jobs/:id/checkpoints/details/1', (flink, id) => trigger(flink, id)),
  },
  {
    name: 'checkpoint entry failed',
    fixture: 'checkpoint-details-failed',
    reply: withJob('GET /jobs/:id/checkpoints/details/1', (flink, id) => flink.job(id).failCheckpoint()),
  },
  {
    name: 'checkpoint entry gone',
    fixture: 'checkpoint-details-gone',
    reply: withJob('GET /jobs/:id/checkpoints/details/1'),
  },
  {
    name: 'subtasks in progress',
    fixture: 'checkpoint-subtasks-in-progress',
    reply: withJob(`GET /jobs/:id/checkpoints/details/1/subtasks/${VERTEX}`, pending),
  },
  {
    name: 'subtasks completed',
    fixture: 'checkpoint-subtasks-completed',
    reply: withJob(`GET /jobs/:id/checkpoints/details/1/subtasks/${VERTEX}`, (flink, id) => trigger(flink, id)),
  },
  { name: 'savepoint accepted', fixture: 'savepoint-accepted', reply: (flink) => trigger(flink, flink.addJob()) },
  {
    name: 'savepoint pending',
    fixture: 'savepoint-poll-pending',
    reply: withJob(`GET /jobs/:id/savepoints/${TRIGGER}`, pending),
  },
  {
    name: 'savepoint completed',
    fixture: 'savepoint-poll-completed',
    reply: withJob(`GET /jobs/:id/savepoints/${TRIGGER}`, (flink, id) => trigger(flink, id)),
  },
  ...[
    'unwritable',
    'unknown-scheme',
    'timeout',
    'cancelled',
    'restarting',
    'tasks-initializing',
    'taskmanager-lost',
  ].map((cause) => failedPoll(`savepoint-poll-failed-${cause}`)),
  failedPoll('stop-poll-stopping-failed'),
  {
    name: 'savepoint while a task is initializing',
    fixture: 'savepoint-poll-failed-tasks-initializing',
    reply: withJob(`GET /jobs/:id/savepoints/${TRIGGER}`, (flink, id) => {
      flink.job(id).setTasks({ RUNNING: 3, INITIALIZING: 1 });
      return trigger(flink, id);
    }),
  },
  {
    name: 'savepoint into a directory that cannot be made',
    fixture: 'savepoint-poll-failed-unwritable',
    reply: withJob(`GET /jobs/:id/savepoints/${TRIGGER}`, (flink, id) => {
      return trigger(flink, id, { 'target-directory': 'file:///proc/nowhere' });
    }),
  },
  {
    name: 'savepoint of an ended job',
    fixture: 'savepoint-poll-failed-job-ended',
    reply: withJob(`GET /jobs/:id/savepoints/${TRIGGER}`, (flink, id) => {
      flink.job(id).setState('FINISHED');
      return trigger(flink, id);
    }),
  },
  {
    name: 'savepoint of an unknown job',
    fixture: 'savepoint-poll-failed-unknown-job',
    reply: async (flink) => {
      await trigger(flink, UNKNOWN);
      return poll(flink, UNKNOWN);
    },
  },
  {
    name: 'unknown trigger',
    fixture: 'savepoint-poll-unknown-trigger',
    reply: withJob(`GET /jobs/:id/savepoints/${UNKNOWN}`),
  },
  {
    name: 'malformed trigger',
    fixture: 'savepoint-poll-malformed-trigger',
    reply: withJob('GET /jobs/:id/savepoints/xyz'),
  },
  { name: 'stop accepted', fixture: 'stop-accepted', reply: (flink) => stop(flink, flink.addJob()) },
  {
    name: 'stop completed',
    fixture: 'stop-poll-completed',
    reply: withJob(`GET /jobs/:id/savepoints/${TRIGGER}`, (flink, id) => stop(flink, id)),
  },
  ...(['default', 'adaptive'] as const).flatMap((scheduler): CapturedCase[] => {
    const suffix = scheduler === 'adaptive' ? '-adaptive' : '';
    const under = scheduler === 'adaptive' ? { scheduler } : {};
    const poll = `GET /jobs/:id/savepoints/${TRIGGER}`;
    const failing = (name: string): CapturedCase => ({
      name: `${name}, ${scheduler} scheduler`,
      fixture: `${name}${suffix}`,
      ...under,
      reply: withJob(poll, (flink, id) => {
        flink.savepointsFailWith(name);
        return stop(flink, id);
      }),
    });
    return [
      failing('stop-poll-stopping-failed'),
      failing('stop-poll-cancelled-while-stopping'),
      failing('stop-poll-failed-timeout'),
      {
        name: `stop into a directory that cannot be made, ${scheduler} scheduler`,
        fixture: `stop-poll-savepoint-failed${suffix}`,
        ...under,
        reply: withJob(poll, (flink, id) => stop(flink, id, { targetDirectory: 'file:///proc/nowhere' })),
      },
      {
        name: `stop of a job that restarts, ${scheduler} scheduler`,
        fixture: `stop-poll-failed-restarting${suffix}`,
        ...under,
        reply: withJob(poll, (flink, id) => {
          flink.job(id).setState('RESTARTING');
          return stop(flink, id);
        }),
      },
      {
        name: `savepoint of a job that restarts, ${scheduler} scheduler`,
        fixture: `savepoint-poll-failed-restarting${suffix}`,
        ...under,
        reply: withJob(poll, (flink, id) => {
          flink.job(id).setState('RESTARTING');
          return trigger(flink, id);
        }),
      },
    ];
  }),
  {
    name: 'checkpoint of a job that restarts, adaptive scheduler',
    fixture: 'checkpoint-poll-failed-adaptive',
    scheduler: 'adaptive',
    reply: withJob(`GET /jobs/:id/checkpoints/${TRIGGER}`, (flink, id) => {
      flink.job(id).setState('RESTARTING');
      return checkpoint(flink, id);
    }),
  },
  ...([false, true] as const).map((drain): CapturedCase => ({
    name: `checkpoints after a stop, drained: ${drain}`,
    fixture: `checkpoints-after-${drain ? 'drain' : 'stop'}`,
    reply: withJob('GET /jobs/:id/checkpoints', (flink, id) => {
      flink.job(id).completeCheckpoint();
      return stop(flink, id, { drain });
    }),
  })),
  {
    name: 'checkpoints after a cancel',
    fixture: 'checkpoints-not-retained',
    reply: withJob('GET /jobs/:id/checkpoints', (flink, id) => {
      flink.job(id).completeCheckpoint();
      return cancel(flink, id);
    }),
  },
];

describe.each<CapturedVersion>(['2.3.0', '1.20.5'])('the fake Flink beside real replies of %s', (version) => {
  it.each(CASES)('answers with the status, keys, types and causes of the real one: $name', (one) =>
    expectLikeCaptured(version, one),
  );
});
