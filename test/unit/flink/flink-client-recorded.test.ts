import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { foundNoSavepoint } from '../../../src/flink/disposal-failure.js';
import { FlinkClient } from '../../../src/flink/flink-client.js';
import { jobsWire, jobWire, plannedWire } from '../../../src/flink/flink-wire.js';
import { operatorIdOf } from '../../../src/flink/operator-id.js';
import {
  recordedReplies,
  recordedReply,
  TestServers,
  VERSIONS,
  type RecordedReply,
  type Version,
} from './recorded-replies.js';

const servers = new TestServers();
const clients: FlinkClient[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await servers.closeAll();
});

type Asked = { call: string; body: string }[];

async function clientOf(version: Version, names: (string | RecordedReply)[], asked: Asked = []): Promise<FlinkClient> {
  const replies = names.map((name) => (typeof name === 'string' ? recordedReply(version, name) : name));
  const client = new FlinkClient(await servers.replay(version, replies, asked));
  clients.push(client);
  return client;
}

const runBody = {
  jobId: 'a'.repeat(32),
  entryClass: null,
  programArguments: [],
  parallelism: null,
  flinkConfiguration: {},
};
const triggerBody = { triggerId: 'b'.repeat(32), targetDirectory: 'file:/sp', format: 'CANONICAL' as const };

/** Replies of endpoints that Stateward does not ask, and one that is read together with another. */
const UNUSED =
  /^(?:plan-chained|resource|job-(?:config|plan)|jobs(?:-none|-after.*)?$|unknown-path|checkpoint-(?:accepted|poll|refused|subtasks))/;

/** The call of the client that a recorded request belongs to. */
function callFor(client: FlinkClient, { request, name }: RecordedReply, jar: string): Promise<unknown> {
  const [, jobs, id = '', what, trigger = '', vertex] = request.path.split('?')[0]?.split('/') ?? [];
  const call = `${request.method} ${jobs === 'jobs' && id !== 'overview' ? 'jobs' : request.path} ${what ?? ''}`.trim();
  if (name === 'config') return client.clusterFacts();
  if (name === 'jobmanager-config') return client.processMark();
  if (name.startsWith('overview')) return client.slots();
  if (name === 'taskmanagers') return client.taskManagerHosts();
  if (name.startsWith('jobs-overview')) return client.jobs();
  if (name.startsWith('jar-upload')) return client.uploadJar({ path: jar, name: 'job.jar' });
  if (name.startsWith('jars-')) return client.uploadedJars();
  if (name.startsWith('jar-delete')) return client.deleteJar(id);
  if (name.startsWith('run-')) return client.runJar(id, runBody);
  if (name.startsWith('plan-')) return client.planJar(id, runBody);
  if (call === 'PATCH jobs') return client.cancelJob(id);
  if (call === 'POST jobs savepoints') return client.triggerSavepoint(id, triggerBody);
  if (call === 'POST jobs stop') return client.stopWithSavepoint(id, { ...triggerBody, drain: false });
  if (call === 'GET jobs status') return client.jobStatus(id);
  if (call === 'GET jobs savepoints') return client.savepointOperation(id, trigger);
  if (jobs === 'savepoint-disposal') return id ? client.disposalOperation(id) : client.disposeSavepoint('file:/sp');
  if (call === 'GET jobs exceptions' || call === 'GET jobs execution-result') return client.jobFailure(id);
  if (call === 'GET jobs') return client.job(id);
  if (call === 'GET jobs checkpoints' && trigger === '') return client.checkpoints(id);
  if (call === 'GET jobs checkpoints' && trigger === 'config') return client.checkpointConfig(id);
  if (call === 'GET jobs checkpoints' && trigger === 'details') return client.acknowledgements(id, Number(vertex));
  throw new Error(`no call of the client is named for ${name}`);
}

/** What the client makes of the replies with an error status. */
function expectedOutcome(name: string): unknown {
  if (/^(?:run|plan|cancel|jar-upload|disposal-refused)/.test(name))
    return expect.objectContaining({ outcome: 'REFUSED' });
  if (name === 'jar-delete-unknown') return true;
  if (/^(?:savepoint-poll-(?:unknown-trigger|after)|disposal-poll-unknown)/.test(name)) return { status: 'UNKNOWN' };
  if (/malformed/.test(name)) return expect.objectContaining({ code: 'FLINK_ERROR' });
  return null;
}

function used(version: Version): [string, RecordedReply][] {
  return recordedReplies(version).flatMap((reply) => (UNUSED.test(reply.name) ? [] : [[reply.name, reply]]));
}

describe.each(VERSIONS)('the client on what Flink %s answered', (version) => {
  it.each(used(version))('reads %s', async (name, reply) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'stateward-jar-'));
    try {
      const jar = path.join(folder, 'job.jar');
      await writeFile(jar, 'jar');
      const client = await clientOf(version, [reply, 'config', 'jobmanager-config']);
      const result = await callFor(client, reply, jar).catch((error: unknown) => error);
      if (reply.status >= 400) expect(result).toEqual(expectedOutcome(name));
      else expect(result).not.toBeInstanceOf(Error);
      if (reply.status < 400 && !/^ex(?:ceptions|ecution)/.test(name)) expect(result).not.toBeNull();
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('reads the facts of the cluster', async () => {
    const client = await clientOf(version, ['config', 'jobmanager-config']);
    const folder = version === '2.3.0' ? 'a23' : 'a20';
    expect(await client.clusterFacts()).toEqual({
      flinkVersion: version,
      acceptsJars: true,
      processMark: expect.stringMatching(/^flink-web-[0-9a-f-]{36}$/),
      savepointRoot: `file:///data/fx/${folder}/savepoints`,
      checkpointRoot: `file:///data/fx/${folder}/checkpoints`,
      haClusterId: null,
      asyncStoreDurationMs: 300_000,
      heartbeatTimeoutMs: 5_000,
      checkpointHistorySize: 100,
      configuration: expect.objectContaining({
        'execution.checkpointing.savepoint-dir': `file:///data/fx/${folder}/savepoints`,
        'heartbeat.interval': '1000',
        'taskmanager.numberOfTaskSlots': '8',
      }),
    });
  });

  it('reads jobs with their task counts and without an end where there is none', async () => {
    const jobs = await (await clientOf(version, ['jobs-overview'])).jobs();
    expect(jobs.find((job) => job.name === 'waiting-for-slots')).toMatchObject({
      state: 'RUNNING',
      endTime: null,
      tasks: { SCHEDULED: 16, RUNNING: 0, TOTAL: 16 },
    });
    expect(jobs.find((job) => job.name === 'stopped')).toMatchObject({
      state: 'FINISHED',
      endTime: expect.any(Number),
    });
  });

  it('reads the details of a job with its vertices', async () => {
    const { request } = recordedReply(version, 'job-details-running');
    const job = await (await clientOf(version, ['job-details-running'])).job(request.path.split('/')[2] ?? '');
    expect(job).toMatchObject({
      name: 'orders',
      state: 'RUNNING',
      tasks: { RUNNING: 3, TOTAL: 3 },
      now: expect.any(Number),
    });
    expect(job?.vertices).toHaveLength(3);
    expect(job?.vertices[0]).toEqual({
      id: 'e5a72f353fc1e6bbf3bd96a41384998c',
      name: 'Source: numbers',
      parallelism: 1,
      maxParallelism: 128,
      status: 'RUNNING',
    });
  });

  it('reads checkpoints and savepoints of one history, with normalised locations', async () => {
    const { request } = recordedReply(version, 'checkpoints-mixed');
    const found = await (await clientOf(version, ['checkpoints-mixed'])).checkpoints(request.path.split('/')[2] ?? '');
    expect(found?.latest.savepoint).toMatchObject({
      isSavepoint: true,
      format: 'NATIVE',
      status: 'COMPLETED',
      type: 'SAVEPOINT',
    });
    expect(found?.latest.failed).toMatchObject({
      failureMessage: 'Checkpoint Coordinator is suspending.',
      location: null,
    });
    expect(found?.latest.restored).toMatchObject({
      isSavepoint: false,
      location: expect.stringMatching(/^file:\/data\/.*\/chk-\d+$/),
    });
    const ids = found?.history.map((entry) => entry.id) ?? [];
    expect(ids).toEqual([...ids].sort((a, b) => b - a));
    expect(found?.history.some((entry) => entry.discarded)).toBe(true);
  });

  it('says that a running savepoint has no location, and which subtasks it waits for', async () => {
    const details = recordedReply(version, 'checkpoint-details-in-progress-savepoint');
    const subtasks = recordedReply(version, 'checkpoint-subtasks-in-progress');
    // Recorded one after the other: the same job, not always the same checkpoint.
    const renamed = {
      ...subtasks,
      request: { ...subtasks.request, path: `${details.request.path}/subtasks/0da08f51eaa85fc298e176a139b3649a` },
    };
    const client = await clientOf(version, [details, renamed]);
    const [, , jobId = '', , , id] = details.request.path.split('/');
    const vertices = await client.acknowledgements(jobId, Number(id));
    const waiting = vertices?.find((vertex) => vertex.vertexId === '0da08f51eaa85fc298e176a139b3649a');
    expect(waiting).toMatchObject({ subtasks: 4, acknowledged: 0, pending: [0, 1, 2, 3] });
    expect(vertices?.find((vertex) => vertex.vertexId.startsWith('e5a7'))).toMatchObject({
      acknowledged: 4,
      pending: [],
    });
  });

  it('reads how much state each vertex has in a snapshot, and that nobody remembers it', async () => {
    const details = recordedReply(version, 'checkpoint-details-savepoint-canonical');
    const [, , jobId = '', , , id] = details.request.path.split('/');
    const found = await (await clientOf(version, [details])).stateBytesByVertex(jobId, Number(id));
    const told = details.body as { state_size: number; tasks: Record<string, { state_size: number }> };
    expect(Object.fromEntries(found ?? [])).toEqual(
      Object.fromEntries(Object.entries(told.tasks).map(([vertex, { state_size }]) => [vertex, state_size])),
    );
    expect([...(found?.values() ?? [])].reduce((sum, bytes) => sum + bytes, 0)).toBe(told.state_size);
    const gone = recordedReply(version, 'checkpoint-details-gone');
    const [, , job = '', , , checkpoint] = gone.request.path.split('/');
    expect(await (await clientOf(version, [gone])).stateBytesByVertex(job, Number(checkpoint))).toBeNull();
  });

  it('reads the checkpoint settings of a job', async () => {
    const { request } = recordedReply(version, 'checkpoints-config-all-set');
    const config = await (
      await clientOf(version, ['checkpoints-config-all-set'])
    ).checkpointConfig(request.path.split('/')[2] ?? '');
    expect(config).toEqual({
      intervalMs: 30_000,
      timeoutMs: 60_000,
      minPauseMs: 5_000,
      retainedOnCancellation: true,
      retainedOnFailure: true,
      inJobManagerMemory: false,
      unaligned: true,
      tolerableFailures: 3,
      stateBackend: 'ROCKSDB',
      stateBackendClass: 'EmbeddedRocksDBStateBackend',
      checkpointStorageClass: 'FileSystemCheckpointStorage',
    });
  });

  it('finds the cause of a restore that the adaptive scheduler refused, where the history is empty', async () => {
    const names = [
      'exceptions-restore-missing-operator-adaptive',
      'execution-result-restore-missing-operator-adaptive',
    ];
    const { request } = recordedReply(version, names[0] ?? '');
    const cause = await (await clientOf(version, names)).jobFailure(request.path.split('/')[2] ?? '');
    expect(cause?.summary).toMatch(
      /^IllegalStateException: Failed to rollback to .* Cannot map checkpoint\/savepoint state for operator/,
    );
  });

  it('sends a savepoint as the recorded cluster was asked for one', async () => {
    const reply = recordedReply(version, 'savepoint-accepted');
    const asked: Asked = [];
    const client = await clientOf(version, [reply], asked);
    const body = reply.request.body as { 'target-directory': string; triggerId: string };
    const answer = await client.triggerSavepoint(reply.request.path.split('/')[2] ?? '', {
      triggerId: body.triggerId,
      targetDirectory: body['target-directory'],
      format: 'CANONICAL',
    });
    expect(answer).toEqual({ outcome: 'ACCEPTED', requestId: body.triggerId });
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual(body);
  });

  it('sends a stop under the names that a stop has, as the recorded cluster was asked for one', async () => {
    const reply = recordedReply(version, 'stop-accepted');
    const asked: Asked = [];
    const client = await clientOf(version, [reply], asked);
    const { targetDirectory, triggerId } = reply.request.body as { targetDirectory: string; triggerId: string };
    const stop = { triggerId, targetDirectory, format: 'CANONICAL' as const, drain: false };
    const jobId = reply.request.path.split('/')[2] ?? '';
    expect(await client.stopWithSavepoint(jobId, stop)).toEqual({ outcome: 'ACCEPTED', requestId: triggerId });
    await client.stopWithSavepoint(jobId, { ...stop, drain: true });
    expect(asked.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      reply.request.body,
      { ...(reply.request.body as object), drain: true },
    ]);
  });

  it('sends a disposal as the recorded cluster was asked for one, and never one of nothing', async () => {
    const reply = recordedReply(version, 'disposal-accepted');
    const asked: Asked = [];
    const client = await clientOf(version, [reply], asked);
    const { 'savepoint-path': location } = reply.request.body as { 'savepoint-path': string };
    const { 'request-id': requestId } = reply.body as { 'request-id': string };
    expect(await client.disposeSavepoint(location)).toEqual({ outcome: 'ACCEPTED', requestId });
    await expect(client.disposeSavepoint(' ')).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(asked.map(({ body }) => JSON.parse(body) as unknown)).toEqual([reply.request.body]);
  });

  it.each([
    ['ok', 'COMPLETED', null],
    ['failed-already-gone', 'FAILED', true],
    ['failed-no-metadata', 'FAILED', true],
    ['failed-no-such-path', 'FAILED', true],
    ['failed-half', 'FAILED', false],
    ['failed-not-permitted', 'FAILED', false],
    ['failed-truncated-metadata', 'FAILED', false],
    ['failed-unknown-scheme', 'FAILED', false],
  ])('reads the end of a disposal, and whether Flink found no savepoint: %s', async (name, status, nothing) => {
    const reply = recordedReply(version, `disposal-poll-${name}`);
    const client = await clientOf(version, [reply]);
    const end = await client.disposalOperation(reply.request.path.split('/')[2] ?? '');
    expect(end.status).toBe(status);
    if (end.status === 'FAILED') expect(foundNoSavepoint(end.cause)).toBe(nothing);
  });

  it('knows a job by its status, and one that is unknown by the 500 that Flink says then', async () => {
    const known = recordedReply(version, 'job-status');
    const unknown = recordedReply(version, 'job-status-unknown');
    const client = await clientOf(version, [known, unknown]);
    expect(await client.jobStatus(known.request.path.split('/')[2] ?? '')).toBe('RUNNING');
    expect(await client.jobStatus(unknown.request.path.split('/')[2] ?? '')).toBeNull();
  });

  it.each([
    ['cancel-unknown-job', 404],
    ['cancel-of-finished-job', 409],
    ['cancel-of-failed-job', 409],
  ])('says with which status Flink refused a cancel: %s', async (name, status) => {
    const reply = recordedReply(version, name);
    const answer = await (await clientOf(version, [reply])).cancelJob(reply.request.path.split(/[/?]/)[2] ?? '');
    expect(answer).toMatchObject({ outcome: 'REFUSED', status });
  });

  it.each(['cancel-accepted', 'cancel-of-cancelled-job'])('reads a cancel as accepted: %s', async (name) => {
    const reply = recordedReply(version, name);
    const answer = await (await clientOf(version, [reply])).cancelJob(reply.request.path.split(/[/?]/)[2] ?? '');
    expect(answer).toEqual({ outcome: 'ACCEPTED' });
  });

  it('starts a job from a savepoint with NO_CLAIM, and without one with no restore field at all', async () => {
    const reply = recordedReply(version, 'run-restore-accepted');
    const asked: Asked = [];
    const client = await clientOf(version, [reply], asked);
    const jarId = reply.request.path.split('/')[2] ?? '';
    const { savepointPath, jobId } = reply.request.body as { savepointPath: string; jobId: string };
    const run = { ...runBody, jobId, programArguments: ['a=1'], parallelism: 2 };
    expect(await client.runJar(jarId, { ...run, savepointPath })).toEqual({ outcome: 'ACCEPTED', jobId });
    await client.runJar(jarId, run);
    const plain = { jobId, programArgsList: ['a=1'], parallelism: 2, flinkConfiguration: {} };
    expect(asked.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      { ...plain, savepointPath, claimMode: 'NO_CLAIM', allowNonRestoredState: false },
      plain,
    ]);
  });

  it('plans a jar without chaining: each operator by its id, those before it first', async () => {
    const asked: Asked = [];
    const client = await clientOf(version, ['plan-unchained'], asked);
    const [, , jarId = ''] = recordedReply(version, 'plan-unchained').request.path.split('/');
    const planned = await client.planJar(jarId, {
      ...runBody,
      flinkConfiguration: { 'state.backend.type': 'rocksdb' },
    });
    expect(planned.outcome).toBe('ACCEPTED');
    const operators = 'operators' in planned ? planned.operators : [];
    expect(operators.map(({ name, id }) => [name, id])).toEqual(
      [
        ['Source: rules', 'rules-source'],
        ['Source: numbers', 'source'],
        ['counter', 'counter'],
        ['second', 'second'],
        ['rules', 'rules'],
        ['mapper', 'mapper'],
        ['sink: Writer', 'sink'],
      ].map(([name, uid = '']) => [name, operatorIdOf(uid)]),
    );
    expect(operators.find(({ name }) => name === 'rules')).toEqual({
      id: operatorIdOf('rules'),
      name: 'rules',
      parallelism: 1,
      inputs: [operatorIdOf('second'), operatorIdOf('rules-source')],
    });
    expect(asked.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      {
        programArgsList: [],
        flinkConfiguration: { 'state.backend.type': 'rocksdb', 'pipeline.operator-chaining.enabled': 'false' },
      },
    ]);
  });

  it.each([
    ['NUL', 'a\0b', 'a\ufffdb'],
    ['half of a surrogate pair', 'a\ud83db', 'a\ufffdb'],
    ['a whole one', 'a\ud83d\ude00b', 'a\ud83d\ude00b'],
  ])('a name of a program comes as it can be stored: %s', async (_, name, told) => {
    const plan = { plan: { nodes: [{ id: 'a'.repeat(32), description: name, parallelism: 1 }] } };
    expect(plannedWire.parse(plan).operators).toMatchObject([{ name: told }]);
    const job = recordedReply(version, 'job-details-running').body as { vertices: object[] };
    const vertices = job.vertices.map((one) => ({ ...one, name }));
    const read = jobWire.parse({ ...job, name, vertices });
    expect([read, ...read.vertices].map((one) => one.name)).toEqual([told, ...vertices.map(() => told)]);
    const { jobs } = recordedReply(version, 'jobs-overview').body as { jobs: object[] };
    const named = jobsWire.parse({ jobs: jobs.map((one) => ({ ...one, name })) });
    expect(new Set(named.jobs.map((one) => one.name))).toEqual(new Set([told]));
  });

  it('says why main() made no plan', async () => {
    for (const [name, why] of [
      ['plan-main-throws', /main failed on purpose/],
      ['plan-no-job', /doesn't call `env\.execute\(\)`/],
      ['plan-no-main-class', /Neither a 'Main-Class'/],
    ] as const) {
      const [, , jarId = ''] = recordedReply(version, name).request.path.split('/');
      const refused = await (await clientOf(version, [name])).planJar(jarId, runBody);
      expect(refused).toMatchObject({ outcome: 'REFUSED', status: 500 });
      expect('cause' in refused ? refused.cause.messages.join(' ') : '').toMatch(why);
    }
  });

  it('takes what follows the last slash for the jar id', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'stateward-jar-'));
    const jar = path.join(folder, 'x');
    await writeFile(jar, 'content of the jar');
    const asked: Asked = [];
    const client = await clientOf(version, ['jar-upload'], asked);
    const answer = await client.uploadJar({ path: jar, name: '../evil"\r\nname ä.jar' });
    await rm(folder, { recursive: true });
    const { filename } = recordedReply(version, 'jar-upload').body as { filename: string };
    expect(answer).toEqual({ outcome: 'ACCEPTED', jarId: path.basename(filename) });
    const sent = asked[0]?.body ?? '';
    expect(sent.match(/^--(\S+)\r\n/)?.[1]).toBe(sent.match(/--(\S+)--\r\n$/)?.[1]);
    expect(sent).toContain('name="jarfile"; filename="evil_name_.jar"\r\n');
    expect(sent).toContain('\r\n\r\ncontent of the jar\r\n--');
  });
});

describe('the client on what one version alone answers', () => {
  it('finds the root exception that only 1.20 has, without asking for the execution result', async () => {
    const asked: Asked = [];
    const reply = recordedReply('1.20.5', 'exceptions-restore-missing-operator-adaptive');
    await (await clientOf('1.20.5', [reply], asked)).jobFailure(reply.request.path.split('/')[2] ?? '');
    expect(asked).toHaveLength(1);
  });

  it('counts a subtask that acknowledged an aborted checkpoint as pending, as Flink does', async () => {
    const details = recordedReply('2.3.0', 'checkpoint-details-failed');
    const subtasks = recordedReply('2.3.0', 'checkpoint-subtasks-failed');
    const [, , jobId = '', , , id] = details.request.path.split('/');
    const vertices = await (await clientOf('2.3.0', [details, subtasks])).acknowledgements(jobId, Number(id));
    const vertexId = subtasks.request.path.split('/').at(-1);
    expect(vertices?.find((vertex) => vertex.vertexId === vertexId)).toMatchObject({
      subtasks: 2,
      acknowledged: 1,
      pending: [1],
    });
  });

  it.each([
    [{ enabled: true, delete_on_cancellation: false }, true, true],
    [{ enabled: true, delete_on_cancellation: true }, false, true],
    [{ enabled: false, delete_on_cancellation: true }, false, false],
  ])('reads from %j what outlives a cancel (%s) and a failure (%s)', async (externalization, onCancel, onFailure) => {
    const reply = recordedReply('2.3.0', 'checkpoints-config');
    const changed = { ...reply, body: { ...(reply.body as object), externalization } };
    const config = await (await clientOf('2.3.0', [changed])).checkpointConfig(reply.request.path.split('/')[2] ?? '');
    expect([config?.retainedOnCancellation, config?.retainedOnFailure]).toEqual([onCancel, onFailure]);
  });

  it.each([
    ['JobManagerCheckpointStorage', true],
    ['MemoryStateBackend', true],
    ['FileSystemCheckpointStorage', false],
    [null, false],
  ])(
    'reads from the checkpoint storage %j whether it is the memory of the JobManager: %s',
    async (storage, inMemory) => {
      const reply = recordedReply('2.3.0', 'checkpoints-config');
      const changed = { ...reply, body: { ...(reply.body as object), checkpoint_storage: storage } };
      const config = await (
        await clientOf('2.3.0', [changed])
      ).checkpointConfig(reply.request.path.split('/')[2] ?? '');
      expect(config?.inJobManagerMemory).toBe(inMemory);
    },
  );

  it('reads the largest Java long as "periodic checkpoints are off"', async () => {
    const reply = recordedReply('2.3.0', 'checkpoints-config');
    const off = JSON.stringify(reply.body).replace('"interval":3000', '"interval":9223372036854775807');
    const url = await servers.listen((_request, response) => response.end(off));
    const client = new FlinkClient(url);
    clients.push(client);
    expect((await client.checkpointConfig('a'.repeat(32)))?.intervalMs).toBeNull();
  });
});
