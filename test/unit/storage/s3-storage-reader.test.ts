import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Socket } from 'node:net';
import { inspect } from 'node:util';
import { AppError } from '../../../src/errors.js';
import { S3_LIMITS, type S3Limits, type S3Settings } from '../../../src/storage/s3-client.js';
import { S3Storages } from '../../../src/storage/s3-storage-reader.js';
import { s3Trouble } from '../../../src/storage/s3-trouble.js';
import { StorageSilent } from '../../../src/storage/storage-calls.js';
import type { StorageReader } from '../../../src/storage/storage-reader.js';
import { startTcpServer } from '../../support/http-servers.js';
import { resolveNames, s3Settings, setS3Environment } from '../../support/s3-environment.js';
import { S3_KEY, type S3Misconduct, type S3Server, startS3Server } from '../../support/s3-server.js';
import { waitFor } from '../../support/wait-for.js';

const ROOT = `s3://${S3_KEY.bucket}/flink`;
let server: S3Server;
let opened: S3Storages[];
let undo: (() => void)[];
beforeEach(async () => {
  server = await startS3Server();
  server.put('flink/sp/_metadata', 'meta');
  opened = [];
  undo = [setS3Environment(), resolveNames()];
});
afterEach(async () => {
  opened.forEach((storages) => storages.close());
  undo.forEach((back) => back());
  await server.stop();
});

function readerOf(settings: Partial<S3Settings> = {}, limits: Partial<S3Limits> = {}, root = ROOT): StorageReader {
  const storages = new S3Storages({ ...s3Settings(server.port), ...settings }, { ...S3_LIMITS, ...limits });
  opened.push(storages);
  return storages.reader(root);
}

async function troubleOf(work: Promise<unknown>): Promise<AppError> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppError)) throw new Error(`no trouble of a storage, but ${inspect(error)}`);
  expect(error.code).toBe('STORAGE_UNREADABLE');
  return error;
}

async function textOf(pieces: AsyncIterable<Buffer> | null): Promise<string | null> {
  if (pieces === null) return null;
  let text = '';
  for await (const piece of pieces) text += String(piece);
  return text;
}

describe('a list of a bucket', () => {
  it('has all pages, and of each only one level', async () => {
    server.pageSize = 3;
    for (let index = 10; index < 18; index += 1) {
      server.put(`flink/dir/sub-${index}/a`, '1');
      server.put(`flink/dir/sub-${index}/b/c`, '1');
    }
    server.put('flink/dir/file', '12');
    const listed = await readerOf().list('dir');
    expect(listed.map(({ name }) => name)).toEqual([
      'file',
      ...[10, 11, 12, 13, 14, 15, 16, 17].map((n) => `sub-${n}`),
    ]);
    expect(server.asked).toHaveLength(3);
  });

  it('is ended between two pages', async () => {
    server.pageSize = 3;
    for (let index = 10; index < 18; index += 1) server.put(`flink/dir/file-${index}`, '1');
    const ended = readerOf().list('dir', AbortSignal.abort(new Error('enough')));
    await expect(ended).rejects.toThrow('enough');
    expect(server.asked.length).toBeLessThanOrEqual(1);
  });

  it('of the whole bucket is one of a root without a prefix', async () => {
    server.put('top', '');
    const reader = readerOf({}, {}, `s3://${S3_KEY.bucket}`);
    expect((await reader.list('')).map(({ name }) => name)).toEqual(['flink', 'top']);
    expect(await textOf(await reader.read('flink/sp/_metadata'))).toBe('meta');
    expect(await reader.size('')).toBeNull();
  });

  it('leaves out what no path leads to, and the key that a tool has made for the directory itself', async () => {
    for (const key of ['flink/dir/', 'flink/dir//x', 'flink/dir/../x', 'flink/dir/./x', 'flink/dir/a\\b'])
      server.put(key, '');
    expect(await readerOf().list('dir')).toEqual([]);
    expect(await readerOf().exists('dir')).toBe(true);
  });

  it('of a server that never comes to its end has one', async () => {
    server.misconduct = { listsForEver: true };
    expect((await troubleOf(readerOf().list('sp'))).message).toMatch(/its list has no end/);
  });
});

describe('a path in a bucket', () => {
  it.each(['%2e%2e/x', 'sp/%2E%2e', 'sp/..%2f..%2fx', '%2fetc', 'sp%00', 'sp/%5c', 'sp//x', 'sp/./x'])(
    'that somebody who decodes it would take for a way out is refused: %j',
    async (bad) => {
      for (const ask of [() => readerOf().list(bad), () => readerOf().exists(bad), () => readerOf().read(bad)])
        await expect(ask()).rejects.toMatchObject({ code: 'OUTSIDE_STORAGE_ROOT' });
      expect(server.asked).toEqual([]);
    },
  );

  it('is taken as it is written, whatever signs it holds', async () => {
    for (const name of ['a b', 'a+b', 'a%20b', 'a%2Fb', "é'()*!~=&?#", '漢字', '007', ' a ', 'x&#65;&amp;']) {
      server.put(`flink/odd/${name}`, name);
      expect(await textOf(await readerOf().read(`odd/${name}`))).toBe(name);
      expect(await readerOf().exists(`odd/${name}`)).toBe(true);
      expect((await readerOf().list('odd')).map((entry) => entry.name)).toContain(name);
    }
  });
});

describe('an object', () => {
  it('of which another part comes than was asked for is not read', async () => {
    server.misconduct = { ignoresRange: true };
    expect((await troubleOf(readerOf().read('sp/_metadata', { from: 1 }))).message).toMatch(/another part came/);
    expect(await textOf(await readerOf().read('sp/_metadata'))).toBe('meta');
  });

  it('that comes in drops is given up', async () => {
    server.put('flink/sp/large', Buffer.alloc(1_000_000));
    server.misconduct = { dripsEveryMs: 20 };
    const pieces = await readerOf({}, { silentMs: 300 }).read('sp/large');
    const error = await troubleOf(textOf(pieces));
    expect(error.cause).toBeInstanceOf(StorageSilent);
  });

  it('that nobody goes on to read does not keep its socket', async () => {
    server.put('flink/sp/large', Buffer.alloc(8_000_000));
    const reader = readerOf({}, { sockets: 1, silentMs: 400 });
    expect(await reader.read('sp/large')).not.toBeNull();
    const again = () => reader.exists('sp').catch(() => false);
    await waitFor(again, { what: 'the only socket to be free again' });
  });
});

describe('requests to S3', () => {
  it('are tried again where it has trouble of its own, and only so often', async () => {
    server.misconduct = { error: { status: 503, code: 'SlowDown', times: 2 } };
    expect(await readerOf().exists('sp/_metadata')).toBe(true);
    expect(server.asked).toHaveLength(3);
    server.misconduct = { error: { status: 503, code: 'SlowDown' } };
    expect((await troubleOf(readerOf().exists('sp/_metadata'))).message).toMatch(/trouble of its own/);
    expect(server.asked).toHaveLength(6);
  });

  it('that are refused are not', async () => {
    server.misconduct = { error: { status: 403, code: 'AccessDenied' } };
    await troubleOf(readerOf().exists('sp/_metadata'));
    expect(server.asked).toHaveLength(1);
  });

  it('use so many sockets and no more', async () => {
    server.misconduct = { delayMs: 5 };
    const reader = readerOf({}, { sockets: 4 });
    const answers = await Promise.all(Array.from({ length: 40 }, () => reader.exists('sp/_metadata')));
    expect(answers).toEqual(Array(40).fill(true));
    expect(server.mostSockets).toBeLessThanOrEqual(4);
  });

  it('that hang are given up one by one, and all together', async () => {
    server.misconduct = { hangs: true };
    const reader = readerOf({}, { answerMs: 100 });
    expect((await troubleOf(reader.exists('sp'))).message).toMatch(/cannot be reached.*ETIMEDOUT/);
    expect((await troubleOf(reader.exists('sp'))).message).toMatch(/has not answered/);
    expect(server.asked).toHaveLength(S3_LIMITS.tries);
    const all = await troubleOf(readerOf({}, { silentMs: 200 }).exists('sp'));
    expect(all.cause).toEqual(expect.objectContaining({ name: 'StorageSilent', soon: false }));
  });

  it('that got no answer keep others from waiting as long, until S3 is asked anew', async () => {
    const reader = readerOf({}, { silentMs: 300 });
    server.misconduct = { hangs: true };
    await troubleOf(reader.exists('sp'));
    server.misconduct = {};
    const asked = server.asked.length;
    const turnedAway = await troubleOf(reader.exists('sp'));
    expect(turnedAway.cause).toBeInstanceOf(StorageSilent);
    expect(server.asked).toHaveLength(asked);
    expect(await waitFor(() => reader.exists('sp'), { what: 'S3 to be asked anew' })).toBe(true);
    expect(await reader.exists('nope')).toBe(false);
  });

  it.each([
    [true, /^127\.0\.0\.1:/, /^\/state\/?\?/],
    [false, /^state\.localhost:/, /^\/\?/],
  ])('name the bucket in their path: %s', async (pathStyle, host, url) => {
    await readerOf(s3Settings(server.port, pathStyle)).exists('sp');
    expect(server.asked).toMatchObject([{ host: expect.stringMatching(host), url: expect.stringMatching(url) }]);
  });
});

/** What was given to sign with, and what comes of it. */
const secrets = [S3_KEY.id, S3_KEY.secret, 'Signature=', 'hush-token', 'StringToSign'];
const OF_BOTH = /environment of Stateward's API and worker/;

interface Trouble {
  name: string;
  misconduct?: S3Misconduct;
  settings?: Partial<S3Settings>;
  environment?: Record<string, string | undefined>;
  root?: string;
  says: RegExp[];
}

const refused = (status: number, code: string, more: object = {}): S3Misconduct => ({
  error: { status, code, ...more },
});
const troubles: Trouble[] = [
  {
    name: 'access is denied',
    misconduct: refused(403, 'AccessDenied'),
    says: [/access to bucket state is denied/, /s3:ListBucket on bucket state and s3:GetObject/, OF_BOTH],
  },
  {
    name: 'there is no such bucket',
    root: 's3://elsewhere/flink',
    says: [/there is no bucket elsewhere at http/, /updateStorage/],
  },
  {
    name: 'it lies in another region',
    settings: { region: 'us-wrong-1' },
    says: [/bucket state does not lie in us-wrong-1, but in eu-test-1/, /STATEWARD_S3_REGION=eu-test-1/],
  },
  {
    name: 'the server sends us to another region',
    misconduct: refused(301, 'PermanentRedirect', { headers: { 'x-amz-bucket-region': 'ap-far-2' } }),
    says: [/bucket state .* but in ap-far-2/, /STATEWARD_S3_REGION=ap-far-2/],
  },
  {
    name: 'the secret key is wrong',
    environment: { AWS_SECRET_ACCESS_KEY: 'hush-wrong' },
    says: [/signature of a request for bucket state is not accepted/, /AWS_SECRET_ACCESS_KEY/, OF_BOTH],
  },
  {
    name: 'the access key is not known',
    environment: { AWS_ACCESS_KEY_ID: 'AKIAOTHER' },
    says: [/access key for bucket state is not known/, /AWS_ACCESS_KEY_ID/, OF_BOTH],
  },
  {
    name: 'the session has expired',
    environment: { AWS_SESSION_TOKEN: 'hush-token' },
    misconduct: refused(400, 'ExpiredToken'),
    says: [/credentials for bucket state have expired/, /Renew them/],
  },
  {
    name: 'there are no credentials',
    environment: { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
    says: [/no credentials for bucket state/, /AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/, OF_BOTH],
  },
  {
    name: 'no region is known',
    settings: { region: undefined },
    says: [/in which region bucket state lies/, /STATEWARD_S3_REGION/],
  },
  {
    name: 'it is overloaded',
    misconduct: refused(503, 'SlowDown'),
    says: [/trouble of its own with bucket state \(SlowDown\)/],
  },
  {
    name: 'it fails in a way that is not known',
    misconduct: refused(418, 'Teapot'),
    says: [/not understood for bucket state \(Teapot, HTTP 418\)/, /STATEWARD_S3_ENDPOINT/],
  },
  {
    name: 'it is no S3',
    misconduct: { page: '<html>hush/hush+secret & more' },
    says: [/not understood for bucket state/, /STATEWARD_S3_ENDPOINT/],
  },
  {
    name: 'its name is not known',
    settings: { endpoint: 'http://s3.invalid', pathStyle: true },
    says: [/http:\/\/s3\.invalid has no address by which bucket state is reached/, /STATEWARD_S3_ENDPOINT/],
  },
  {
    name: 'the name of the bucket is no part of its own',
    settings: { endpoint: 'http://s3.invalid', pathStyle: false },
    says: [/bucket state/, /STATEWARD_S3_PATH_STYLE=true/],
  },
];

describe('trouble with S3', () => {
  it.each(troubles)(
    'where $name says so, and what to do',
    async ({ misconduct, settings, environment, root, says }) => {
      const back = setS3Environment(environment);
      try {
        server.misconduct = misconduct ?? {};
        const reader = readerOf(settings, {}, root);
        for (const ask of [() => reader.exists('sp/_metadata'), () => reader.list('sp')]) {
          const error = await troubleOf(ask());
          expect(error.message).toMatch(/^s3:\/\/\w+\/flink\/sp.* cannot be read: /);
          for (const words of says) expect(error.message).toMatch(words);
          const everything = inspect(error, { depth: 10, showHidden: true });
          for (const secret of secrets) expect(everything).not.toContain(secret);
        }
      } finally {
        back();
      }
    },
  );

  it('where the clock is wrong says so after having tried to do without', async () => {
    const refusal = refused(403, 'RequestTimeTooSkewed');
    server.misconduct = refusal;
    expect((await troubleOf(readerOf().exists('sp'))).message).toMatch(/clock.*bucket state.*NTP/s);
    server.misconduct = { clockMs: 60 * 60_000 };
    expect(await readerOf().exists('sp')).toBe(true); // the SDK signs by the clock of the server then
  });

  it.each([
    ['ECONNREFUSED', /http:\/\/s3\.test cannot be reached for bucket state \(ECONNREFUSED\).*STATEWARD_S3_ENDPOINT/],
    ['EHOSTUNREACH', /cannot be reached for bucket state/],
    ['EAI_AGAIN', /no address by which bucket state is reached/],
    ['ECONNRESET', /connection to http:\/\/s3\.test for bucket state was cut/],
    [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      /certificate of http:\/\/s3\.test for bucket state is not trusted.*NODE_EXTRA_CA_CERTS/,
    ],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /is not trusted.*STATEWARD_S3_PATH_STYLE=true/],
  ])('on the way, %s, is told by what the system calls it', (code, says) => {
    const asked = { bucket: 'state', place: ROOT, endpoint: 'http://s3.test', pathStyle: true };
    expect(s3Trouble(Object.assign(new Error('hush'), { code }), asked).message).toMatch(says);
  });

  it('where credentials do not come does not wait for ever, and goes on when they do', async () => {
    const waiting: Socket[] = [];
    const credentials = await startTcpServer((socket) => void waiting.push(socket));
    const back = setS3Environment({
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${credentials.url}/credentials`,
    });
    try {
      const reader = readerOf({}, { silentMs: 300 });
      const error = await troubleOf(reader.exists('sp'));
      expect(error.cause).toBeInstanceOf(StorageSilent);
      const given = { AccessKeyId: S3_KEY.id, SecretAccessKey: S3_KEY.secret, Token: 'hush-token' };
      const body = JSON.stringify({ ...given, Expiration: new Date(Date.now() + 3_600_000).toISOString() });
      for (const socket of waiting)
        socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`);
      expect(await waitFor(() => reader.exists('sp'), { what: 'the credentials to be used' })).toBe(true);
    } finally {
      back();
      await credentials.stop();
    }
  });

  it('while an object is asked for says the same, and a right to list alone is not enough', async () => {
    server.misconduct = refused(403, 'AccessDenied', { of: 'GetObject' });
    expect(await readerOf().size('sp/_metadata')).toBe(4);
    expect((await troubleOf(readerOf().read('sp/_metadata'))).message).toMatch(/access to bucket state is denied/);
  });

  it.each(['s3://', 's3://a/../b', 's3://key:hush-hush@bucket/x', '/folder'])('is not for the root %j', (root) => {
    expect(() => readerOf({}, {}, root)).toThrow(
      expect.objectContaining({ code: 'BAD_CONFIGURATION', message: expect.not.stringContaining('hush') }),
    );
  });
});
