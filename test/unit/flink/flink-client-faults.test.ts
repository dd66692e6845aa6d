import { afterEach, describe, expect, it } from '@jest/globals';
import type { RequestListener } from 'node:http';
import { createServer, type Server, type Socket, type AddressInfo } from 'node:net';
import { AppError } from '../../../src/errors.js';
import { FlinkClient } from '../../../src/flink/flink-client.js';
import type { FlinkLimits } from '../../../src/flink/flink-http.js';
import { TestServers } from './recorded-replies.js';

const servers = new TestServers();
const sockets: { server: Server; open: Set<Socket> }[] = [];
const clients: FlinkClient[] = [];
const JOB = 'a'.repeat(32);
const run = { jobId: JOB, entryClass: null, programArguments: [], parallelism: null, flinkConfiguration: {} };
const savepoint = { triggerId: 'b'.repeat(32), targetDirectory: 'file:/sp', format: 'NATIVE' as const };
const flinkError = (text: string) => JSON.stringify({ errors: [text] });

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await servers.closeAll();
  for (const { server, open: connections } of sockets.splice(0)) {
    for (const socket of connections) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
});

function connect(url: string, limits: Partial<FlinkLimits> = {}): FlinkClient {
  const client = new FlinkClient(url, {
    requestTimeoutMs: 1_500,
    longTimeoutMs: 2_000,
    connectTimeoutMs: 1_500,
    ...limits,
  });
  clients.push(client);
  return client;
}

async function clientOf(listener: RequestListener, limits: Partial<FlinkLimits> = {}): Promise<FlinkClient> {
  return connect(await servers.listen(listener), limits);
}

/** A server below HTTP. */
async function clientOfSocket(
  onConnection: (socket: Socket) => void,
  limits: Partial<FlinkLimits> = {},
): Promise<FlinkClient> {
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on('error', () => socket.destroy());
    onConnection(socket);
  });
  sockets.push({ server, open: connections });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, limits);
}

async function troubleOf(work: Promise<unknown>): Promise<AppError> {
  const error: unknown = await work.then(
    (value) => new Error(`expected trouble, got ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppError)) throw error;
  return error;
}

describe('an address that is not one of a JobManager', () => {
  it.each([301, 302, 307, 308])('does not follow a %d, and names its target', async (status) => {
    let asked = 0;
    const client = await clientOf((_request, response) => {
      asked += 1;
      response.writeHead(status, { location: 'http://evil.example/x' }).end('moved');
    });
    expect(await troubleOf(client.jobs())).toMatchObject({
      code: 'NOT_A_FLINK',
      message: expect.stringMatching(
        /^GET http:\/\/127\.0\.0\.1:\d+\/jobs\/overview answered \d+ .*http:\/\/evil\.example\/x/,
      ),
    });
    expect(await troubleOf(client.cancelJob(JOB))).toMatchObject({ code: 'NOT_A_FLINK' });
    expect(asked).toBe(2);
  });

  it.each([
    [
      'an HTML page',
      200,
      '<!DOCTYPE html><html><head><title>Welcome to nginx!</title></head></html>',
      /HTML page \("Welcome to nginx!"\)/,
    ],
    ['an HTML page with 404', 404, '<html><title>Not here</title></html>', /404 with an HTML page/],
    ['an HTML page with 500', 500, '<html>oops</html>', /500 with an HTML page/],
    ['a text', 200, 'hello\nworld', /a text \("hello world"\)/],
    ['nothing', 200, '', /an empty body/],
    ['half of a JSON text', 200, '{"jobs": [', /a text/],
    ['JSON of another shape', 200, '{"jobs": [{"jid": 1}]}', /another shape \(jobs\.0\.jid: /],
    ['a JSON null', 200, 'null', /another shape \(at its top: /],
    ["another Flink's 404", 404, flinkError('Not found: /v9/jobs'), /Not found: \/v9\/jobs/],
  ])('is told by %s', async (_what, status, body, message) => {
    const client = await clientOf((_request, response) => response.writeHead(status).end(body));
    expect(await troubleOf(client.jobs())).toMatchObject({
      code: 'NOT_A_FLINK',
      message: expect.stringMatching(message),
    });
  });

  it('does not take a proxy 404 for a job, a savepoint operation or statistics that Flink does not know', async () => {
    const client = await clientOf((_request, response) => response.writeHead(404).end('<html>no such route</html>'));
    const calls = [
      client.job(JOB),
      client.savepointOperation(JOB, JOB),
      client.checkpoints(JOB),
      client.acknowledgements(JOB, 1),
    ];
    for (const call of calls) expect(await troubleOf(call)).toMatchObject({ code: 'NOT_A_FLINK' });
  });

  it('is told by bytes that are not HTTP', async () => {
    const client = await clientOfSocket((socket) => socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9.6\r\n')));
    expect(await troubleOf(client.slots())).toMatchObject({
      code: 'NOT_A_FLINK',
      message: expect.stringMatching(/not HTTP/),
    });
  });

  it.each([
    ['with a declared length', { 'content-length': String(1024 ** 3) }],
    ['without one', {}],
  ])('is told by an answer without end, %s, after the limit and with bounded memory', async (_how, headers) => {
    let sentBytes = 0;
    const client = await clientOf(
      (_request, response) => {
        response.writeHead(200, headers);
        const block = Buffer.alloc(64 * 1024, ' ');
        const send = () => {
          while (!response.destroyed && response.write(block)) sentBytes += block.length;
        };
        response.on('drain', send).on('error', () => undefined);
        send();
      },
      { maxResponseBytes: 2 * 1024 * 1024, requestTimeoutMs: 10_000 },
    );
    expect(await troubleOf(client.jobs())).toMatchObject({
      code: 'NOT_A_FLINK',
      message: expect.stringMatching(/more than 2 MiB/),
    });
    expect(sentBytes).toBeLessThan(32 * 1024 * 1024);
  });

  it.each([
    'http://user:secret@jobmanager:8081',
    'ftp://jobmanager',
    'jobmanager:8081',
    '',
    'http://jobmanager:8081/?a=1',
    'http://jobmanager:8081/#/overview',
  ])('is refused at once: %s', (url) => {
    expect(() => new FlinkClient(url)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT' }));
    expect(() => new FlinkClient(url)).not.toThrow(/secret/);
  });
});

describe('a JobManager that does not answer', () => {
  it('is unreachable when it refuses the connection', async () => {
    const url = await servers.listen(() => undefined);
    await servers.closeAll();
    expect(await troubleOf(connect(url).jobs())).toMatchObject({
      code: 'FLINK_UNREACHABLE',
      retryable: true,
      message: expect.stringMatching(
        /^GET http:\S+\/jobs\/overview: the connection was refused\. Is the JobManager running/,
      ),
    });
  });

  it('is unreachable when its host name is not known', async () => {
    expect(
      await troubleOf(connect('http://no-such-host.invalid:8081', { requestTimeoutMs: 5_000 }).jobs()),
    ).toMatchObject({
      code: 'FLINK_UNREACHABLE',
      message: expect.stringMatching(/host name/),
    });
  });

  it.each([
    ['accepts and says nothing', () => undefined],
    ['drips its headers', (socket: Socket) => drip(socket, 'HTTP/1.1 200 OK\r\nx: ')],
    ['drips its body', (socket: Socket) => drip(socket, 'HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n')],
  ])('is given up after the request timeout when it %s', async (_how, onConnection) => {
    const client = await clientOfSocket(onConnection, { requestTimeoutMs: 300 });
    const startedAt = performance.now();
    const trouble = await troubleOf(client.jobs());
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    expect(trouble).toMatchObject({
      code: 'FLINK_UNREACHABLE',
      message: expect.stringMatching(/no complete answer within 300 ms/),
    });
  });

  it('is unreachable when it drops the connection, before or after it read the request, or midway in its answer', async () => {
    const before = await clientOfSocket((socket) => socket.destroy());
    const after = await clientOfSocket((socket) => socket.once('data', () => socket.destroy()));
    const midway = await clientOfSocket((socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"jobs":')),
    );
    for (const client of [before, after, midway]) {
      expect(await troubleOf(client.jobs())).toMatchObject({
        code: 'FLINK_UNREACHABLE',
        message: expect.stringMatching(/was cut/),
      });
      expect(await troubleOf(client.triggerSavepoint(JOB, savepoint))).toMatchObject({ code: 'FLINK_UNREACHABLE' });
    }
  });

  it.each([502, 503, 504])('is unreachable when a read is answered %d, whoever answers', async (status) => {
    const body =
      status === 503
        ? flinkError('Service temporarily unavailable due to an ongoing leader election.')
        : '<html></html>';
    const client = await clientOf((_request, response) => response.writeHead(status).end(body));
    expect(await troubleOf(client.job(JOB))).toMatchObject({
      code: 'FLINK_UNREACHABLE',
      message: expect.stringMatching(`answered ${status}`),
    });
  });

  it('ends calls that are under way when the client is closed', async () => {
    let arrived = () => undefined as void;
    const asked = new Promise<void>((resolve) => (arrived = resolve));
    const client = await clientOf(() => arrived(), { requestTimeoutMs: 10_000 });
    const call = troubleOf(client.jobs());
    await asked;
    await client.close();
    expect(await call).toMatchObject({
      code: 'FLINK_UNREACHABLE',
      message: expect.stringMatching(/closed its connections/),
    });
    expect(await troubleOf(client.jobs())).toMatchObject({ code: 'FLINK_UNREACHABLE' });
  });
});

describe('an error of Flink', () => {
  it('is thrown with its root cause and address, without query, when it answers a read', async () => {
    const trace =
      '<Exception on server side:\njava.lang.RuntimeException: outer\n\tat a.B.c(B.java:1)\nCaused by: java.io.IOException: disk full\nEnd of exception on server side>';
    const client = await clientOf((_request, response) =>
      response.writeHead(500).end(JSON.stringify({ errors: ['Internal server error.', trace] })),
    );
    expect(await troubleOf(client.job(JOB))).toMatchObject({
      code: 'FLINK_ERROR',
      message: expect.stringMatching(/^GET http:\S+\/jobs\/a{32} answered 500: IOException: disk full\. /),
    });
  });

  it.each([400, 404, 409, 500, 503])('is a refusal when it answers an effect with %d', async (status) => {
    const client = await clientOf((request, response) => {
      request
        .resume()
        .on('end', () => response.writeHead(status).end(flinkError('java.lang.IllegalStateException: not now')));
    });
    const refused = {
      outcome: 'REFUSED',
      status,
      cause: expect.objectContaining({ summary: 'IllegalStateException: not now' }),
    };
    expect(await client.cancelJob(JOB)).toEqual(refused);
    expect(await client.triggerSavepoint(JOB, savepoint)).toEqual(refused);
    expect(await client.runJar('x.jar', run)).toEqual(refused);
  });

  it('is a refusal too when a proxy refuses the effect', async () => {
    const client = await clientOf((_request, response) =>
      response.writeHead(403).end('<html><title>Forbidden</title></html>'),
    );
    expect(await client.cancelJob(JOB)).toMatchObject({
      status: 403,
      cause: { summary: 'The answer was an HTML page ("Forbidden").' },
    });
  });

  it.each([502, 504])('is not what a proxy says with %d, having lost the reply to an effect', async (status) => {
    const client = await clientOf((_request, response) => response.writeHead(status).end('<html></html>'));
    expect(await troubleOf(client.runJar('x.jar', run))).toMatchObject({ code: 'FLINK_UNREACHABLE' });
  });

  it('is not an accepted effect with a body of another shape', async () => {
    const client = await clientOf((_request, response) => response.writeHead(200).end('{}'));
    expect(await troubleOf(client.triggerSavepoint(JOB, savepoint))).toMatchObject({ code: 'NOT_A_FLINK' });
  });
});

describe('the requests of the client', () => {
  it('keep the path of the address, ask for JSON and send no cookies', async () => {
    const asked: (string | undefined)[] = [];
    const url = await servers.listen((request, response) => {
      asked.push(request.url, request.headers.accept, request.headers.cookie);
      response.writeHead(200, { 'set-cookie': 'a=b' }).end('{"jobs": []}');
    });
    const client = connect(`${url}/flink/a/`);
    expect(client.url).toBe(`${url}/flink/a`);
    await client.jobs();
    await client.jobs();
    expect(asked).toEqual(Array(2).fill(['/flink/a/jobs/overview', 'application/json', undefined]).flat());
  });

  it('escape ids, so that none can reach another path', async () => {
    const asked: (string | undefined)[] = [];
    const client = await clientOf((request, response) => {
      asked.push(request.url);
      response.end('{}');
    });
    await client.deleteJar('../jobs/x?mode=cancel');
    expect(asked).toEqual(['/jars/..%2Fjobs%2Fx%3Fmode%3Dcancel']);
  });

  it('refuse a start from an empty savepoint path, which Flink would take for a start without state', async () => {
    const client = connect('http://127.0.0.1:1');
    expect(await troubleOf(client.runJar('x.jar', { ...run, savepointPath: ' ' }))).toMatchObject({
      code: 'BAD_USER_INPUT',
    });
    expect(await troubleOf(client.triggerSavepoint(JOB, { ...savepoint, targetDirectory: '' }))).toMatchObject({
      code: 'BAD_USER_INPUT',
    });
    const stop = client.stopWithSavepoint(JOB, { ...savepoint, targetDirectory: '', drain: false });
    expect(await troubleOf(stop)).toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  it('are at most as many at once as there are connections, and long ones leave one free', async () => {
    let now = 0;
    let most = 0;
    const held: (() => void)[] = [];
    let twoHeld = () => undefined as void;
    const full = new Promise<void>((resolve) => (twoHeld = resolve));
    const client = await clientOf(
      (request, response) => {
        now += 1;
        most = Math.max(most, now);
        response.on('close', () => (now -= 1));
        request.resume();
        if (request.url?.endsWith('/run')) {
          if (held.push(() => response.end(JSON.stringify({ jobid: JOB }))) === 2) twoHeld();
        } else response.end('{"jobs": []}');
      },
      { connections: 3, requestTimeoutMs: 5_000, longTimeoutMs: 5_000 },
    );
    const runs = Array.from({ length: 6 }, () => client.runJar('x.jar', run));
    await full;
    await Promise.all(Array.from({ length: 20 }, () => client.jobs()));
    expect(held).toHaveLength(2);
    const all = Promise.all(runs).then((answers) => answers.length);
    let done = 0;
    for (const answered of runs) void answered.then(() => (done += 1));
    while (done < runs.length) {
      held.splice(0).forEach((release) => release());
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await all).toBe(6);
    expect(most).toBe(3);
  });

  it('end when the caller gives up, waiting for a connection or under way', async () => {
    const client = await clientOf(() => undefined, { connections: 1 });
    const giveUp = new AbortController();
    const calls = [1, 2].map(() => troubleOf(client.runJar('x.jar', run, giveUp.signal)));
    giveUp.abort(new Error('the worker stops'));
    for (const call of calls) {
      expect(await call).toMatchObject({
        code: 'FLINK_UNREACHABLE',
        cause: expect.objectContaining({ message: 'the worker stops' }),
      });
    }
    expect(await troubleOf(client.runJar('x.jar', run, AbortSignal.abort()))).toMatchObject({
      code: 'FLINK_UNREACHABLE',
    });
  });
});

function drip(socket: Socket, start: string): void {
  socket.write(start);
  const timer = setInterval(() => socket.write(' '), 50);
  socket.on('close', () => clearInterval(timer));
}
