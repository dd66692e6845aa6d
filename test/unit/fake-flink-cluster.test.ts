import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import path from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { FakeFlink, FakeFlinkOptions } from '../../demo/fake-flink/fake-flink.js';
import {
  ask,
  firstMade,
  JOB,
  locationOf,
  OTHER_TRIGGER,
  poll,
  run,
  statistics,
  textOf,
  trigger,
  TRIGGER,
  until,
  upload,
  uploadedJar,
} from '../support/fake-flink-requests.js';

const started: FakeFlink[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((flink) => flink.stop()));
});

async function start(options?: FakeFlinkOptions): Promise<FakeFlink> {
  const flink = await startFakeFlink(options);
  started.push(flink);
  return flink;
}

describe('a run', () => {
  it('restores from the named savepoint and counts checkpoints on from it', async () => {
    const flink = await start();
    const id = flink.addJob();
    flink.job(id).completeCheckpoint();
    await trigger(flink, id);
    expect((await run(flink, { savepointPath: firstMade(flink) })).status).toBe(200);
    flink.job(JOB).completeCheckpoint();
    const { latest, counts } = await statistics(flink, JOB);
    expect(latest.restored).toMatchObject({ id: 2, external_path: firstMade(flink), is_savepoint: true });
    expect([latest.completed?.id, counts['restored']]).toEqual([3, 1]);
  });

  it.each([{ savepointPath: '' }, { savepointPath: null }, { 'savepoint-path': '/misspelt' }])(
    'starts empty with %j',
    async (body) => {
      const flink = await start();
      expect((await run(flink, body)).status).toBe(200);
      expect((await statistics(flink, JOB)).latest.restored).toBeNull();
    },
  );

  it('that cannot restore is a 400; its id is taken, by a FAILED job that tells why', async () => {
    const flink = await start();
    expect((await run(flink, { savepointPath: `file://${flink.folder}/none` })).status).toBe(400);
    expect(flink.job(JOB).state).toBe('FAILED');
    expect(textOf(await ask(flink, `GET /jobs/${JOB}/exceptions`))).toContain(`${flink.folder}/none`);
    expect(textOf(await run(flink))).toContain('DuplicateApplicationSubmissionException');
  });

  it('leaves that FAILED job behind also when the refusal was asked for by fixture', async () => {
    const flink = await start();
    flink.failNext({ path: /\/run$/ }, { fixture: 'run-restore-missing-operator' });
    expect((await run(flink)).status).toBe(400);
    expect(flink.job(JOB).state).toBe('FAILED');
  });

  it('starts its job although the caller has gone, and only one of two with the same id', async () => {
    const flink = await start();
    const jar = await uploadedJar(flink);
    flink.knobs.mainDurationMs = 500;
    const caller = new AbortController();
    const gone = fetch(`${flink.url}/jars/${jar}/run`, {
      method: 'POST',
      body: JSON.stringify({ jobId: JOB }),
      signal: caller.signal,
    });
    await until(
      () => ask(flink, 'GET /jobs'),
      () => flink.requests.some(({ path: asked, body }) => asked.endsWith('/run') && body !== null),
    );
    caller.abort();
    await expect(gone).rejects.toThrow();
    await until(
      () => ask(flink, 'GET /jobs'),
      (answer) => textOf(answer).includes(JOB),
    );
    expect((await ask(flink, `POST /jars/${jar}/run`, { jobId: JOB })).status).toBe(400);
    const other = { jobId: 'd'.repeat(32) };
    const both = await Promise.all([1, 2].map(() => ask(flink, `POST /jars/${jar}/run`, other)));
    expect(both.map(({ status }) => status).sort()).toEqual([200, 400]);
    expect(flink.maxConcurrentRequests).toBe(2);
  });

  it('has tasks INITIALIZING during the start delay; a savepoint then fails', async () => {
    const flink = await start();
    flink.knobs.startDelayMs = 500;
    await run(flink);
    expect((await ask(flink, `GET /jobs/${JOB}`)).body).toMatchObject({ 'status-counts': { INITIALIZING: 2 } });
    await trigger(flink, JOB);
    expect(textOf(await poll(flink, JOB))).toContain('Not all required tasks are currently running.');
    await until(
      () => ask(flink, `GET /jobs/${JOB}`),
      (answer) => textOf(answer).includes('"status-counts":{"SCHEDULED":0,"CANCELING":0,"INITIALIZING":0'),
    );
    await trigger(flink, JOB, { triggerId: OTHER_TRIGGER });
    expect(locationOf(await poll(flink, JOB, OTHER_TRIGGER))).not.toBe('');
  });

  it('waits for slots with its tasks SCHEDULED', async () => {
    const flink = await start({ slots: 2 });
    const before = flink.addJob({ tasks: 4 });
    await run(flink);
    expect((await ask(flink, 'GET /overview')).body).toMatchObject({ 'slots-total': 2, 'slots-available': 0 });
    expect(flink.job(JOB).tasks).toEqual(['SCHEDULED', 'SCHEDULED']);
    await ask(flink, `PATCH /jobs/${before}`);
    expect(flink.job(JOB).tasks).toEqual(['RUNNING', 'RUNNING']);
  });

  it('can fail after it was accepted', async () => {
    const flink = await start();
    flink.startsFailWith('exceptions-restore-missing-file');
    expect((await run(flink)).status).toBe(200);
    expect(textOf(await ask(flink, `GET /jobs/${JOB}/exceptions`))).toContain('FileNotFoundException');
    expect(flink.job(JOB).state).toBe('FAILED');
  });
});

describe('a restart', () => {
  it('forgets jobs, trigger ids and jars, leaves half a savepoint, and shows another process mark', async () => {
    const flink = await start();
    const id = flink.addJob();
    await upload(flink);
    flink.knobs.savepointDurationMs = Infinity;
    await trigger(flink, id);
    const mark = flink.processMark;
    expect(textOf(await ask(flink, 'GET /jobmanager/config'))).toContain(`/${mark}"`);
    await flink.restart();
    expect((await ask(flink, 'GET /jobs')).body).toEqual({ jobs: [] });
    expect((await ask(flink, 'GET /jars')).body).toMatchObject({ files: [] });
    expect(textOf(await poll(flink, id))).toContain(`There is no savepoint operation with triggerId=${TRIGGER}`);
    expect(textOf(await ask(flink, 'GET /jobmanager/config'))).not.toContain(mark);
    const [half = ''] = readdirSync(path.join(flink.folder, 'savepoints'));
    expect(readdirSync(path.join(flink.folder, 'savepoints', half))).not.toContain('_metadata');
    expect((await trigger(flink, id)).status).toBe(202);
    expect(textOf(await poll(flink, id))).toContain(`FlinkJobNotFoundException: Could not find Flink job (${id})`);
  });

  it('resets connections while it is down, also those of requests under way', async () => {
    const flink = await start();
    flink.failNext({ path: /config/ }, 'HANG');
    const hanging = expect(ask(flink, 'GET /config')).rejects.toThrow('fetch failed');
    await until(
      () => ask(flink, 'GET /jobs'),
      () => flink.requests.some(({ path: asked }) => asked === '/config'),
    );
    const back = flink.restart({ downMs: 500 });
    await hanging;
    await expect(ask(flink, 'GET /jobs')).rejects.toThrow('fetch failed');
    await back;
    expect((await ask(flink, 'GET /jobs')).status).toBe(200);
  });

  it('under high availability brings running jobs back from their newest checkpoint', async () => {
    const flink = await start();
    const id = flink.addJob();
    const checkpoint = flink.job(id).completeCheckpoint();
    await flink.restart({ keepJobs: true });
    expect(flink.job(id)).toMatchObject({ state: 'RUNNING', tasks: ['RUNNING', 'RUNNING', 'RUNNING', 'RUNNING'] });
    const { history, latest } = await statistics(flink, id);
    expect([history, latest.restored?.external_path]).toEqual([[], checkpoint]);
  });
});

describe('faults', () => {
  it.each(['DROP_BEFORE', 'LOSE_REPLY'] as const)('%s closes the connection', async (fault) => {
    const flink = await start();
    const id = flink.addJob();
    flink.failNext({ method: 'POST', path: /savepoints$/ }, fault);
    await expect(trigger(flink, id)).rejects.toThrow('fetch failed');
    expect((await poll(flink, id)).status).toBe(fault === 'DROP_BEFORE' ? 404 : 200);
    expect(flink.savepointsMade).toHaveLength(fault === 'DROP_BEFORE' ? 0 : 1);
    expect(flink.triggersReceived()).toEqual([TRIGGER]);
  });

  it.each([
    ['GARBAGE', 200, 'application/json; charset=UTF-8'],
    ['HTML', 200, 'text/html; charset=UTF-8'],
    ['REDIRECT', 302, 'text/html'],
    ['NO_LEADER', 503, 'application/json; charset=UTF-8'],
    [{ fixture: 'job-unknown' }, 404, 'application/json; charset=UTF-8'],
    [{ status: 418, body: 'tea', contentType: 'text/plain' }, 418, 'text/plain'],
  ] as const)('%j answers in place of the cluster, as often as asked', async (fault, status, type) => {
    const flink = await start();
    const id = flink.addJob();
    flink.failNext({ path: /^\/jobs\//, times: 2 }, fault);
    const responses = [];
    for (let n = 0; n < 3; n += 1) responses.push(await fetch(`${flink.url}/v1/jobs/${id}`, { redirect: 'manual' }));
    const texts = await Promise.all(responses.map((response) => response.text()));
    expect(responses.map((response) => response.status)).toEqual([status, status, 200]);
    expect(responses[0]?.headers.get('content-type')).toBe(type);
    if (typeof fault === 'object' && 'fixture' in fault) expect(texts[0]).toContain(id);
  });

  it('HUGE goes on until the reader has enough', async () => {
    const flink = await start();
    flink.failNext({ path: /./ }, 'HUGE');
    const response = await fetch(`${flink.url}/jobs`);
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      bytes += (chunk as Uint8Array).length;
      if (bytes > 5_000_000) break;
    }
    expect(bytes).toBeGreaterThan(5_000_000);
  });
});

describe('the server', () => {
  it('answers with and without /v1 and records what it was asked', async () => {
    const flink = await start();
    await ask(flink, 'POST /v1/savepoint-disposal', { a: 1 });
    await ask(flink, 'GET /jobs?x=1');
    expect(flink.requests).toMatchObject([
      { method: 'POST', path: '/v1/savepoint-disposal', body: { a: 1 } },
      { method: 'GET', path: '/jobs?x=1', body: null },
    ]);
  });

  it('keeps an uploaded file byte by byte, whatever the size of the pieces', async () => {
    const flink = await start();
    const content = Buffer.from(Array.from({ length: 5_000 }, (_, i) => (i * 7919) % 251));
    const edges = Buffer.from('\r\n--bound\r\n\r\n--boundar');
    const file = Buffer.concat([edges, content, edges]);
    const head = '--boundary\r\nContent-Disposition: form-data; name="jarfile"; filename="x.jar"\r\n\r\n';
    const body = Buffer.concat([Buffer.from(head), file, Buffer.from('\r\n--boundary--\r\n')]);
    const answer = await new Promise<string>((resolve, reject) => {
      const request = httpRequest(`${flink.url}/jars/upload`, {
        method: 'POST',
        headers: { 'content-type': 'multipart/form-data; boundary=boundary' },
      });
      request.on('error', reject);
      request.on('response', (response) => {
        response.setEncoding('utf8').once('data', resolve);
      });
      for (let at = 0; at < body.length; at += 13) request.write(body.subarray(at, at + 13));
      request.end();
    });
    const { filename } = JSON.parse(answer) as { filename: string };
    expect(readFileSync(filename).equals(file)).toBe(true);
    expect(flink.requests[0]?.body).toEqual({ files: 1, fileName: 'x.jar', sizeBytes: file.length });
  });

  it('makes the same ids with the same seed and hides the process mark when asked', async () => {
    const one = await start({ seed: 7, processMark: false });
    const two = await start({ seed: 7 });
    expect(one.addJob()).toBe(two.addJob());
    expect(textOf(await ask(one, 'GET /jobmanager/config'))).not.toContain('web.tmpdir');
  });

  it('stops with requests hanging and removes only the folder that it made', async () => {
    const flink = await startFakeFlink();
    const given = path.join(flink.folder, 'given');
    mkdirSync(given);
    const inGiven = await startFakeFlink({ folder: given });
    inGiven.failNext({ path: /./ }, 'HANG');
    const hanging = expect(ask(inGiven, 'GET /jobs')).rejects.toThrow('fetch failed');
    await ask(inGiven, 'GET /jobs');
    await inGiven.stop();
    await hanging;
    expect(existsSync(given)).toBe(true);
    await flink.stop();
    expect(existsSync(flink.folder)).toBe(false);
  });
});
