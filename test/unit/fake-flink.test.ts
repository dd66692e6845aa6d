import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { causesIn, shapeOf } from '../support/answer-shape.js';
import { ask, poll, trigger, TRIGGER, upload, uploadedJar } from '../support/fake-flink-requests.js';
import type { Answer } from '../support/fake-flink-requests.js';
import type { FakeFlink, FakeFlinkOptions } from '../../demo/fake-flink/fake-flink.js';

type Version = '2.3.0' | '1.20.5';

const UNKNOWN = '0'.repeat(32);
const started: FakeFlink[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((flink) => flink.stop()));
});

async function start(options?: FakeFlinkOptions): Promise<FakeFlink> {
  const flink = await startFakeFlink(options);
  started.push(flink);
  return flink;
}

function fixture(version: Version, name: string): Answer {
  const url = new URL(`../../demo/fake-flink/replies/${version}/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')) as Answer;
}

interface Case {
  name: string;
  fixture: string;
  reply: (flink: FakeFlink) => Promise<Answer>;
}

const withJob =
  (target: string, prepare?: (flink: FakeFlink, id: string) => unknown): Case['reply'] =>
  async (flink) => {
    const id = flink.addJob();
    await prepare?.(flink, id);
    const [method = '', route = ''] = target.split(' ');
    return ask(flink, `${method} ${route.replace(':id', id)}`);
  };
const pending = async (flink: FakeFlink, id: string): Promise<void> => {
  Object.assign(flink.knobs, { pendingPolls: 4 });
  await trigger(flink, id);
  await poll(flink, id);
  await poll(flink, id);
};
const checkpoint = (flink: FakeFlink, jobId: string, body: object = {}): Promise<Answer> =>
  ask(flink, `POST /jobs/${jobId}/checkpoints`, { triggerId: TRIGGER, ...body });
const VERTEX = '0da08f51eaa85fc298e176a139b3649a';
const failedPoll = (name: string): Case => ({
  name: `poll that failed as ${name}`,
  fixture: name,
  reply: async (flink) => {
    const id = flink.addJob();
    flink.savepointsFailWith(name);
    await trigger(flink, id);
    return poll(flink, id);
  },
});

const CASES: Case[] = [
  { name: 'config', fixture: 'config', reply: (flink) => ask(flink, 'GET /config') },
  { name: 'overview', fixture: 'overview', reply: withJob('GET /overview') },
  { name: 'cluster configuration', fixture: 'jobmanager-config', reply: withJob('GET /jobmanager/config') },
  { name: 'jobs', fixture: 'jobs', reply: withJob('GET /jobs') },
  { name: 'no jobs', fixture: 'jobs-none', reply: (flink) => ask(flink, 'GET /jobs') },
  { name: 'jobs overview', fixture: 'jobs-overview', reply: withJob('GET /jobs/overview') },
  {
    name: 'no jobs in the overview',
    fixture: 'jobs-overview-none',
    reply: (flink) => ask(flink, 'GET /jobs/overview'),
  },
  { name: 'running job', fixture: 'job-details-running', reply: withJob('GET /jobs/:id') },
  {
    name: 'failed job',
    fixture: 'job-details-failed',
    reply: withJob('GET /jobs/:id', (flink, id) => flink.job(id).setState('FAILED')),
  },
  { name: 'unknown job', fixture: 'job-unknown', reply: (flink) => ask(flink, `GET /jobs/${UNKNOWN}`) },
  { name: 'malformed job id', fixture: 'job-malformed-id', reply: (flink) => ask(flink, 'GET /jobs/zz') },
  { name: 'job settings', fixture: 'job-config', reply: withJob('GET /jobs/:id/config') },
  { name: 'job plan', fixture: 'job-plan', reply: withJob('GET /jobs/:id/plan') },
  {
    name: 'status of an unknown job',
    fixture: 'job-status-unknown',
    reply: (flink) => ask(flink, `GET /jobs/${UNKNOWN}/status`),
  },
  {
    name: 'result of an unknown job',
    fixture: 'execution-result-unknown',
    reply: (flink) => ask(flink, `GET /jobs/${UNKNOWN}/execution-result`),
  },
  { name: 'task managers', fixture: 'taskmanagers', reply: withJob('GET /taskmanagers') },
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
  { name: 'job status', fixture: 'job-status', reply: withJob('GET /jobs/:id/status') },
  { name: 'unknown path', fixture: 'unknown-path', reply: (flink) => ask(flink, 'GET /no/such/path') },
  { name: 'no exceptions', fixture: 'exceptions-none', reply: withJob('GET /jobs/:id/exceptions') },
  {
    name: 'empty exceptions of a refused restore',
    fixture: 'exceptions-restore-missing-operator-adaptive',
    reply: withJob('GET /jobs/:id/exceptions', (flink, id) =>
      flink.job(id).setState('FAILED', 'execution-result-restore-missing-operator-adaptive'),
    ),
  },
  {
    name: 'result of a running job',
    fixture: 'execution-result-running',
    reply: withJob('GET /jobs/:id/execution-result'),
  },
  {
    name: 'result of a finished job',
    fixture: 'execution-result-finished',
    reply: withJob('GET /jobs/:id/execution-result', (flink, id) => flink.job(id).setState('FINISHED')),
  },
  {
    name: 'result of a cancelled job',
    fixture: 'execution-result-cancelled',
    reply: withJob('GET /jobs/:id/execution-result', (flink, id) => ask(flink, `PATCH /jobs/${id}?mode=cancel`)),
  },
  {
    name: 'result of a failed job',
    fixture: 'execution-result-failed',
    reply: withJob('GET /jobs/:id/execution-result', (flink, id) =>
      flink.job(id).setState('FAILED', 'execution-result-failed'),
    ),
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
  { name: 'cancel', fixture: 'cancel-accepted', reply: withJob('PATCH /jobs/:id?mode=cancel') },
  {
    name: 'cancel of a cancelled job',
    fixture: 'cancel-of-cancelled-job',
    reply: withJob('PATCH /jobs/:id?mode=cancel', (flink, id) => flink.job(id).setState('CANCELED')),
  },
  {
    name: 'cancel of a failed job',
    fixture: 'cancel-of-failed-job',
    reply: withJob('PATCH /jobs/:id?mode=cancel', (flink, id) => flink.job(id).setState('FAILED')),
  },
  {
    name: 'cancel of an unknown job',
    fixture: 'cancel-unknown-job',
    reply: (flink) => ask(flink, `PATCH /jobs/${UNKNOWN}`),
  },
  { name: 'upload', fixture: 'jar-upload', reply: (flink) => upload(flink) },
  {
    name: 'upload of something else',
    fixture: 'jar-upload-refused-not-jar',
    reply: (flink) => upload(flink, 'job.py'),
  },
  { name: 'no jars', fixture: 'jars-none', reply: (flink) => ask(flink, 'GET /jars') },
  {
    name: 'jars with and without entry class',
    fixture: 'jars-list',
    reply: async (flink) => {
      await upload(flink);
      await upload(flink, 'text.jar', 'no zip');
      return ask(flink, 'GET /jars');
    },
  },
  {
    name: 'jar deleted',
    fixture: 'jar-delete',
    reply: async (flink) => ask(flink, `DELETE /jars/${await uploadedJar(flink)}`),
  },
  {
    name: 'unknown jar deleted',
    fixture: 'jar-delete-unknown',
    reply: (flink) => ask(flink, 'DELETE /jars/00000000-0000-0000-0000-000000000000_x.jar'),
  },
  {
    name: 'run accepted',
    fixture: 'run-accepted',
    reply: async (flink) => ask(flink, `POST /jars/${await uploadedJar(flink)}/run`, { jobId: UNKNOWN }),
  },
  ...(['running', 'ended'] as const).map((state) => ({
    name: `run with the id of a job that is ${state}`,
    fixture: `run-duplicate-job-id-${state}`,
    reply: async (flink: FakeFlink) => {
      const jobId = flink.addJob({ state: state === 'running' ? 'RUNNING' : 'FINISHED' });
      return ask(flink, `POST /jars/${await uploadedJar(flink)}/run`, { jobId });
    },
  })),
  {
    name: 'run of an unknown jar',
    fixture: 'run-refused-no-such-jar',
    reply: (flink) => ask(flink, 'POST /jars/00000000-0000-0000-0000-000000000000_x.jar/run', {}),
  },
  {
    name: 'run with a claim mode in lower case',
    fixture: 'run-refused-bad-claim-mode',
    reply: async (flink) => ask(flink, `POST /jars/${await uploadedJar(flink)}/run`, { claimMode: 'no_claim' }),
  },
  {
    name: 'restore from a path that is not there',
    fixture: 'run-restore-no-such-path',
    reply: async (flink) =>
      ask(flink, `POST /jars/${await uploadedJar(flink)}/run`, { savepointPath: `file://${flink.folder}/no` }),
  },
  {
    name: 'restore from a folder without metadata',
    fixture: 'run-restore-no-metadata',
    reply: async (flink) =>
      ask(flink, `POST /jars/${await uploadedJar(flink)}/run`, { savepointPath: `file://${flink.folder}` }),
  },
  {
    name: 'restore from a foreign file',
    fixture: 'run-restore-bad-magic',
    reply: async (flink) => {
      mkdirSync(path.join(flink.folder, 'foreign'));
      writeFileSync(path.join(flink.folder, 'foreign', '_metadata'), 'not a savepoint, but long enough for a header');
      return ask(flink, `POST /jars/${await uploadedJar(flink)}/run`, {
        savepointPath: `file://${flink.folder}/foreign`,
      });
    },
  },
  {
    name: 'disposal accepted',
    fixture: 'disposal-accepted',
    reply: (flink) => ask(flink, 'POST /savepoint-disposal', { 'savepoint-path': '/nowhere' }),
  },
  {
    name: 'disposal without a path',
    fixture: 'disposal-refused-no-path',
    reply: (flink) => ask(flink, 'POST /savepoint-disposal', {}),
  },
  {
    name: 'unknown disposal',
    fixture: 'disposal-poll-unknown',
    reply: (flink) => ask(flink, `GET /savepoint-disposal/${UNKNOWN}`),
  },
  {
    name: 'disposal of a path that is not there',
    fixture: 'disposal-poll-failed-no-such-path',
    reply: (flink) => dispose(flink, `file://${flink.folder}/no`),
  },
  {
    name: 'disposal that worked',
    fixture: 'disposal-poll-ok',
    reply: async (flink) => {
      await trigger(flink, flink.addJob());
      return dispose(flink, flink.savepointsMade[0]?.location ?? '');
    },
  },
];

async function dispose(flink: FakeFlink, savepointPath: string): Promise<Answer> {
  const { body } = await ask(flink, 'POST /savepoint-disposal', { 'savepoint-path': savepointPath });
  return ask(flink, `GET /savepoint-disposal/${(body as { 'request-id': string })['request-id']}`);
}

describe.each<Version>(['2.3.0', '1.20.5'])('the fake Flink beside real replies of %s', (version) => {
  it.each(CASES)('answers with the status, keys, types and causes of the real one: $name', async (one) => {
    const flink = await start({ version });
    const real = fixture(version, one.fixture);
    const reply = await one.reply(flink);
    expect(reply.status).toBe(real.status);
    expect(shapeOf(reply.body)).toEqual(shapeOf(real.body));
    if (/exception|errors|failure-cause/.test(JSON.stringify(real.body))) {
      if (reply.status >= 400 || one.fixture.includes('poll'))
        expect(causesIn(reply.body)).toEqual(causesIn(real.body));
    }
  });
});
