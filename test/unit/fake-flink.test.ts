import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from '@jest/globals';
import type { FakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { expectLikeCaptured, UNKNOWN, withJob } from '../support/captured-cases.js';
import type { CapturedCase, CapturedVersion } from '../support/captured-cases.js';
import { ask, JOB, run, trigger, upload, uploadedJar } from '../support/fake-flink-requests.js';
import type { Answer } from '../support/fake-flink-requests.js';

/** The cluster, its jobs and its jars. */
const CASES: CapturedCase[] = [
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
  {
    name: 'running job under the adaptive scheduler',
    fixture: 'job-details-running-adaptive',
    scheduler: 'adaptive',
    reply: withJob('GET /jobs/:id'),
  },
  ...(['exceptions', 'execution-result', ''] as const).map((below): CapturedCase => ({
    name: `restore that the adaptive scheduler refused: ${below || 'details'}`,
    fixture: `${below || 'job-details'}-restore-missing-operator-adaptive`,
    scheduler: 'adaptive',
    reply: async (flink) => {
      flink.restoresFailWith('run-restore-missing-operator');
      await run(flink, { savepointPath: '/anywhere' });
      return ask(flink, `GET /jobs/${JOB}/${below}`.replace(/\/$/, ''));
    },
  })),
];

async function dispose(flink: FakeFlink, savepointPath: string): Promise<Answer> {
  const { body } = await ask(flink, 'POST /savepoint-disposal', { 'savepoint-path': savepointPath });
  return ask(flink, `GET /savepoint-disposal/${(body as { 'request-id': string })['request-id']}`);
}

describe.each<CapturedVersion>(['2.3.0', '1.20.5'])('the fake Flink beside real replies of %s', (version) => {
  it.each(CASES)('answers with the status, keys, types and causes of the real one: $name', (one) =>
    expectLikeCaptured(version, one),
  );
});
