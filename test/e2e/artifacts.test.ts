import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { request } from 'undici';
import type { Data } from '../support/graphql-client.js';
import { jarOf, zipOf } from '../support/jars.js';
import { startStateward, type Stateward, type UploadReply } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

const MOST_BYTES = 200_000;

let stateward: Stateward;
let folder: string;
beforeAll(async () => {
  stateward = await startStateward({ worker: false, env: { STATEWARD_ARTIFACT_MAX_BYTES: String(MOST_BYTES) } });
  folder = stateward.services.config.artifactFolder;
});
afterAll(() => stateward.stop());
beforeEach(() => rm(folder, { recursive: true, force: true }));

const sha256Of = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const files = () =>
  readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });

/** A jar that no other test has uploaded. */
const newJar = (mainClass: string | null = 'org.example.Job', sizeBytes = 10) =>
  jarOf(mainClass, { 'unique.txt': randomBytes(Math.ceil(sizeBytes / 2)).toString('hex') });

async function artifacts(more = ''): Promise<Data> {
  const answer = await stateward.ask(
    `{ artifacts(first: 100${more}) { edges { cursor node { id name sha256 sizeBytes mainClass createdAt } } pageInfo { hasNextPage endCursor } } }`,
  );
  return answer.artifacts;
}

describe('uploading a jar', () => {
  it('answers with its id, hash, size and main class, and keeps its bytes', async () => {
    const jar = newJar('org.example.Main');
    const { status, body } = await stateward.upload('my-job_1.0+a.jar', jar);
    expect(status).toBe(201);
    expect(body).toEqual({
      artifact: {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        name: 'my-job_1.0+a.jar',
        sha256: sha256Of(jar),
        sizeBytes: jar.length,
        mainClass: 'org.example.Main',
      },
    });
    expect(await files()).toEqual([`${sha256Of(jar)}.jar`]);
    expect(await readFile(join(folder, `${sha256Of(jar)}.jar`))).toEqual(jar);
  });

  it('takes a jar without a main class and says so', async () => {
    const { status, body } = await stateward.upload('job.jar', newJar(null));
    expect({ status, mainClass: body.artifact?.mainClass }).toEqual({ status: 201, mainClass: null });
  });

  it('takes it whatever the client says of its type', async () => {
    for (const type of ['application/json', 'text/plain', 'application/java-archive']) {
      const { status } = await stateward.upload('job.jar', newJar(), { 'content-type': type });
      expect({ type, status }).toEqual({ type, status: 201 });
    }
  });

  it('takes a body of unknown length', async () => {
    const jar = newJar();
    const { statusCode, body } = await request(`${stateward.url}/artifacts/job.jar`, {
      method: 'PUT',
      body: Readable.from([jar.subarray(0, 50), jar.subarray(50)]),
    });
    expect(statusCode).toBe(201);
    expect(await body.json()).toMatchObject({ artifact: { sha256: sha256Of(jar) } });
  });

  it('answers with the same artifact for the same bytes, under its first name', async () => {
    const jar = newJar();
    const first = await stateward.upload('first.jar', jar);
    const second = await stateward.upload('second.jar', jar);
    expect(second).toEqual(first);
    expect(first.body.artifact?.name).toBe('first.jar');
    expect(await files()).toHaveLength(1);
  });

  it('makes one artifact when the same bytes come ten times at once', async () => {
    const jar = newJar('org.example.Job', 50_000);
    const replies = await Promise.all(Array.from({ length: 10 }, (_, n) => stateward.upload(`job-${n}.jar`, jar)));
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 201));
    expect(new Set(replies.map(({ body }) => body.artifact?.id)).size).toBe(1);
    expect(await files()).toEqual([`${sha256Of(jar)}.jar`]);
  });

  it('puts back a file that was lost or torn', async () => {
    const jar = newJar();
    const { body } = await stateward.upload('job.jar', jar);
    const path = join(folder, `${sha256Of(jar)}.jar`);
    for (const damage of [() => rm(path), () => writeFile(path, jar.subarray(0, 20))]) {
      await damage();
      expect((await stateward.upload('job.jar', jar)).body).toEqual(body);
      expect((await stat(path)).size).toBe(jar.length);
    }
  });
});

describe('an upload', () => {
  const refused = ({ status, body }: { status: number; body: UploadReply }) => ({ status, code: body.error?.code });

  it.each([
    ['nothing', Buffer.alloc(0), /not a zip/],
    ['text', Buffer.from('no jar at all'), /not a zip/],
    ['an archive without classes', zipOf({ 'README.md': 'x' }), /no class/],
    ['an empty archive', zipOf({}), /no class/],
    ['a jar that was cut off', jarOf().subarray(0, -10), /not a zip|damaged/],
  ])('of %s is refused as no jar, and leaves nothing', async (_what, bytes, message) => {
    const reply = await stateward.upload('job.jar', bytes);
    expect(refused(reply)).toEqual({ status: 422, code: 'NOT_A_JAR' });
    expect(reply.body.error?.message).toMatch(message);
    expect(await files()).toEqual([]);
  });

  it.each([
    ['a%20b.jar'],
    ['..%2f..%2fx.jar'],
    ['..%5cx.jar'],
    ['%2e%2e%2fx.jar'],
    ['x%00.jar'],
    ['x.txt'],
    ['.jar'],
    ['-x.jar'],
    ['j%C3%B6b.jar'],
    [`${'x'.repeat(197)}.jar`],
    [`${'x'.repeat(296)}.jar`],
  ])('under the name %s is refused, and leaves nothing', async (name) => {
    expect(refused(await stateward.upload(name, newJar()))).toEqual({ status: 400, code: 'BAD_NAME' });
    expect(await files()).toEqual([]);
  });

  it('under a name of 200 characters is taken', async () => {
    expect((await stateward.upload(`${'x'.repeat(196)}.jar`, newJar())).status).toBe(201);
  });

  it('larger than the limit is refused by its announced length', async () => {
    const reply = await stateward.upload('job.jar', newJar('a.B', MOST_BYTES));
    expect(refused(reply)).toEqual({ status: 413, code: 'TOO_LARGE' });
    expect(reply.body.error?.message).toMatch(/STATEWARD_ARTIFACT_MAX_BYTES/);
    expect(await files()).toEqual([]);
  });

  it('larger than the limit without an announced length is refused when it has passed it', async () => {
    let sent = 0;
    const endless = async function* () {
      for (; sent < 1_000 * MOST_BYTES; sent += 10_000) yield Buffer.alloc(10_000, 'x');
    };
    const answer = request(`${stateward.url}/artifacts/job.jar`, { method: 'PUT', body: Readable.from(endless()) });
    const { statusCode, body } = await answer;
    expect(statusCode).toBe(413);
    expect(await body.json()).toMatchObject({ error: { code: 'TOO_LARGE' } });
    expect(sent).toBeLessThan(100 * MOST_BYTES);
    await waitFor(async () => (await files()).length === 0, { what: 'nothing to be left' });
  });

  it('as large as the limit is taken', async () => {
    const jar = newJar('a.B', 1_000);
    const filler = MOST_BYTES - jar.length;
    const whole = jarOf('a.B', { 'unique.txt': randomBytes(500).toString('hex') + 'x'.repeat(filler) });
    expect(whole.length).toBe(MOST_BYTES);
    expect((await stateward.upload('job.jar', whole)).status).toBe(201);
  });

  it('that is cut off in the middle leaves neither a file nor an artifact', async () => {
    const before = (await artifacts()).edges.length;
    const jar = newJar('a.B', 100_000);
    const upload = httpRequest(`${stateward.url}/artifacts/job.jar`, {
      method: 'PUT',
      headers: { 'content-length': jar.length },
    });
    upload.on('error', () => undefined); // cut by ourselves
    upload.write(jar.subarray(0, 60_000));
    const [draft] = await waitFor(
      async () => {
        const found = await files();
        return found.length > 0 && found;
      },
      { what: 'the upload to arrive' },
    );
    expect(draft).toMatch(/^incoming-/);
    upload.destroy();
    await waitFor(async () => (await files()).length === 0, { what: 'nothing to be left' });
    expect((await artifacts()).edges).toHaveLength(before);
  });
});

describe('the list of artifacts', () => {
  it('shows them newest first, in pages that hold each once while new ones arrive', async () => {
    const names = ['a.jar', 'b.jar', 'c.jar', 'd.jar', 'e.jar'];
    const ids: (string | undefined)[] = [];
    for (const name of names) ids.unshift((await stateward.upload(name, newJar())).body.artifact?.id);
    const seen: string[] = [];
    let after: string | null = null;
    for (let page = 0; page < 3; page++) {
      const { artifacts: found } = await stateward.ask(
        `query($after: String) { artifacts(first: 2, after: $after) { edges { cursor node { id } } pageInfo { hasNextPage endCursor } } }`,
        { after },
      );
      seen.push(...found.edges.map(({ node }: Data) => node.id));
      after = found.pageInfo.endCursor;
      await stateward.upload('new.jar', newJar());
    }
    expect(seen.slice(0, 5)).toEqual(ids);
    expect(new Set(seen).size).toBe(seen.length);
  });
});
