import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FlinkClient } from '../../../src/flink/flink-client.js';
import type { FlinkLimits } from '../../../src/flink/flink-http.js';
import { cleanJarName } from '../../../src/flink/jar-upload.js';
import { TestServers } from './recorded-replies.js';

const servers = new TestServers();
const clients: FlinkClient[] = [];
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'stateward-jar-'));
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await servers.closeAll();
  await rm(folder, { recursive: true });
});

async function clientOf(listener: RequestListener, limits: Partial<FlinkLimits> = {}): Promise<FlinkClient> {
  const client = new FlinkClient(await servers.listen(listener), limits);
  clients.push(client);
  return client;
}

const upload = (client: FlinkClient, jar: string) => client.uploadJar({ path: jar, name: 'a.jar' });

describe('the upload of a jar', () => {
  it('streams a file that is larger than what it may keep in memory, with its length told beforehand', async () => {
    const jar = path.join(folder, 'big.jar');
    await writeFile(jar, '');
    await truncate(jar, 256 * 1024 * 1024);
    let received = 0;
    let declared: string | undefined;
    const client = await clientOf(
      (request, response) => {
        declared = request.headers['content-length'];
        request.on('data', (chunk: Buffer) => (received += chunk.length));
        request.on('end', () => response.end('{"filename": "/tmp/up/1_big.jar", "status": "success"}'));
      },
      { longTimeoutMs: 30_000 },
    );
    const before = process.memoryUsage().rss;
    expect(await client.uploadJar({ path: jar, name: 'big.jar' })).toEqual({ outcome: 'ACCEPTED', jarId: '1_big.jar' });
    expect(received).toBe(Number(declared));
    expect(received).toBeGreaterThan(256 * 1024 * 1024);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
  });

  it('says so when the file is missing, and when it shrinks while it is sent', async () => {
    const jar = path.join(folder, 'a.jar');
    const client = await clientOf((request) => {
      request.once('data', () => {
        request.pause();
        void truncate(jar, 0).then(() => request.resume());
      });
    });
    expect(await upload(client, jar).catch((error: unknown) => error)).toMatchObject({
      code: 'STORAGE_UNREADABLE',
    });
    await writeFile(jar, '');
    await truncate(jar, 64 * 1024 * 1024);
    expect(await upload(client, jar).catch((error: unknown) => error)).toMatchObject({
      code: 'STORAGE_UNREADABLE',
      message: expect.stringMatching(/its size changed/),
    });
  });
});

describe('the name of an uploaded jar', () => {
  it.each([
    ['job.jar', 'job.jar'],
    ['job', 'job.jar'],
    ['Job 1 (final).JAR', 'Job_1_final_.jar'],
    ['../../etc/x.jar', 'x.jar'],
    ['C:\\jobs\\x.jar', 'x.jar'],
    ['.hidden.jar', 'hidden.jar'],
    ['a"\r\nContent-Type: x.jar', 'a_Content-Type_x.jar'],
    ['', 'job.jar'],
    ['x'.repeat(300), `${'x'.repeat(96)}.jar`],
  ])('%j becomes %s', (name, clean) => {
    expect(cleanJarName(name)).toBe(clean);
  });
});
