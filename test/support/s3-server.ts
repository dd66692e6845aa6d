import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export const S3_KEY = { id: 'AKIAEXAMPLEKEY', secret: 'hush/hush+secret', region: 'eu-test-1', bucket: 'state' };

/** What the server does with each request, in place of what it should. */
export interface S3Misconduct {
  /** Refused with this error, so many times (default: always); of one operation, if it is named. */
  error?: {
    status: number;
    code: string;
    times?: number;
    of?: 'ListObjectsV2' | 'GetObject';
    headers?: object;
    more?: string;
  };
  /** An answer that is no answer of S3. */
  page?: string;
  delayMs?: number;
  /** Never answers. */
  hangs?: boolean;
  /** Sends so much of an object, and then nothing, or cuts the connection. */
  stopsAfter?: number;
  cutsAfter?: number;
  /** Sends one byte at a time, so far apart. */
  dripsEveryMs?: number;
  ignoresRange?: boolean;
  listsForEver?: boolean;
  /** How far its clock is ahead. */
  clockMs?: number;
}

export interface S3Server {
  port: number;
  objects: Map<string, { bytes: Buffer; modifiedAt: Date }>;
  put(key: string, bytes: Buffer | string, modifiedAt?: Date): void;
  misconduct: S3Misconduct;
  /** What happens before each answer, such as that something is put there. */
  beforeAnswer: () => void;
  pageSize: number;
  /** Operations and hosts that were asked, in their order. */
  asked: { operation: string; host: string; url: string }[];
  /** The most connections that were open at a time. */
  mostSockets: number;
  stop(): Promise<void>;
}

/**
 * As much of S3 as reading needs, on 127.0.0.1, with one bucket: ListObjectsV2 and GetObject, in path style and with the bucket in the host
 * (`state.localhost`). Requests must be signed (Signature Version 4) by {@link S3_KEY}, for its region, within 15 minutes.
 */
export async function startS3Server(): Promise<S3Server> {
  const sockets = new Set<Socket>();
  const http = createServer((request, response) => void answer(server, request, response));
  http.on('connection', (socket) => {
    sockets.add(socket);
    server.mostSockets = Math.max(server.mostSockets, sockets.size);
    socket.on('error', () => undefined); // the other side went away: what tests are about
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const server: S3Server = {
    port: (http.address() as AddressInfo).port,
    objects: new Map(),
    put: (key, bytes, modifiedAt = new Date()) =>
      void server.objects.set(key, { bytes: Buffer.from(bytes), modifiedAt }),
    misconduct: {},
    beforeAnswer: () => undefined,
    pageSize: 1_000,
    asked: [],
    mostSockets: 0,
    stop: () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        sockets.forEach((socket) => socket.destroy());
      }),
  };
  return server;
}

class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly more = '',
    readonly headers: object = {},
  ) {
    super(code);
  }
}

async function answer(server: S3Server, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const host = request.headers.host ?? '';
  const url = new URL(request.url ?? '/', `http://${host}`);
  const operation = url.searchParams.get('list-type') === '2' ? 'ListObjectsV2' : 'GetObject';
  server.asked.push({ operation, host, url: request.url ?? '' });
  const { misconduct } = server;
  if (misconduct.hangs) return;
  if (misconduct.delayMs) await new Promise((resolve) => setTimeout(resolve, misconduct.delayMs));
  if (misconduct.page !== undefined) return void response.writeHead(200).end(misconduct.page);
  server.beforeAnswer();
  try {
    checkSignature(request, Date.now() + (misconduct.clockMs ?? 0));
    const { bucket, key } = placeOf(url, host);
    if (bucket !== S3_KEY.bucket) throw new Refusal(404, 'NoSuchBucket');
    misbehave(misconduct, operation);
    if (operation === 'ListObjectsV2') list(server, url.searchParams, response);
    else get(server, key, request.headers.range, response);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const text = `<Error><Code>${error.code}</Code><Message>refused to ${S3_KEY.id}</Message>${error.more}<RequestId>R1</RequestId></Error>`;
    response.writeHead(error.status, { 'content-type': 'application/xml', ...error.headers }).end(text);
  }
}

function misbehave({ error }: S3Misconduct, operation: string): void {
  if (!error || error.times === 0 || (error.of && error.of !== operation)) return;
  if (error.times !== undefined) error.times -= 1;
  throw new Refusal(error.status, error.code, error.more, error.headers);
}

/** The bucket is in the host or comes first in the path. */
function placeOf({ pathname }: URL, host: string): { bucket: string; key: string } {
  const path = decodeURIComponent(pathname.slice(1));
  const inHost = /^(.+)\.localhost(:\d+)?$/.exec(host)?.[1];
  if (inHost !== undefined) return { bucket: inHost, key: path };
  const slash = path.indexOf('/');
  return slash < 0 ? { bucket: path, key: '' } : { bucket: path.slice(0, slash), key: path.slice(slash + 1) };
}

function list(server: S3Server, asked: URLSearchParams, response: ServerResponse): void {
  const prefix = asked.get('prefix') ?? '';
  const delimiter = asked.get('delimiter');
  const items = new Map<string, boolean>(); // true: a common prefix
  for (const key of [...server.objects.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
    if (!key.startsWith(prefix)) continue;
    const end = delimiter ? key.indexOf(delimiter, prefix.length) : -1;
    if (end < 0) items.set(key, false);
    else items.set(key.slice(0, end + 1), true);
  }
  const from = Number(asked.get('continuation-token') ?? 0);
  const to = from + Math.min(server.pageSize, Number(asked.get('max-keys') ?? 1_000));
  const more = to < items.size || server.misconduct.listsForEver === true;
  const parts = [...items].slice(from, to).map(([name, folded]) => {
    if (folded) return `<CommonPrefixes><Prefix>${escaped(name)}</Prefix></CommonPrefixes>`;
    const found = server.objects.get(name);
    return `<Contents><Key>${escaped(name)}</Key><LastModified>${found?.modifiedAt.toISOString()}</LastModified><Size>${found?.bytes.length}</Size></Contents>`;
  });
  const next = server.misconduct.listsForEver ? 0 : to;
  const end = `<IsTruncated>${more}</IsTruncated>${more ? `<NextContinuationToken>${next}</NextContinuationToken>` : ''}`;
  response
    .writeHead(200, { 'content-type': 'application/xml' })
    .end(`<?xml version="1.0" encoding="UTF-8"?><ListBucketResult>${parts.join('')}${end}</ListBucketResult>`);
}

const escaped = (text: string) => text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);

function get(server: S3Server, key: string, range: string | undefined, response: ServerResponse): void {
  const found = server.objects.get(key);
  if (!found) throw new Refusal(404, 'NoSuchKey');
  const { misconduct } = server;
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec((!misconduct.ignoresRange && range) || '') ?? [];
  const from = Number(first ?? 0);
  if (first !== undefined && from >= found.bytes.length) throw new Refusal(416, 'InvalidRange');
  const part = found.bytes.subarray(from, last ? Number(last) + 1 : undefined);
  response.writeHead(first === undefined ? 200 : 206, {
    'content-length': part.length,
    ...(first === undefined
      ? {}
      : { 'content-range': `bytes ${from}-${from + part.length - 1}/${found.bytes.length}` }),
  });
  if (misconduct.dripsEveryMs) return drip(part, misconduct.dripsEveryMs, response);
  const { stopsAfter, cutsAfter } = misconduct;
  if (stopsAfter !== undefined) response.write(part.subarray(0, stopsAfter));
  else if (cutsAfter === undefined) response.end(part);
  else response.write(part.subarray(0, cutsAfter), () => response.destroy());
}

function drip(part: Buffer, everyMs: number, response: ServerResponse): void {
  let at = 0;
  const timer = setInterval(() => response.write(part.subarray(at, (at += 1))), everyMs);
  response.once('close', () => clearInterval(timer));
}

/** As AWS describes it: "Create a signed AWS API request". */
function checkSignature({ method = '', url = '', headers }: IncomingMessage, now: number): void {
  const form =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d+)\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=(\w+)$/;
  const [, id, day = '', region = '', names = '', signature] = form.exec(headers.authorization ?? '') ?? [];
  if (id === undefined) throw new Refusal(403, 'AccessDenied');
  const at = String(headers['x-amz-date']);
  const sentAt = Date.parse(at.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
  if (!(Math.abs(sentAt - now) < 15 * 60_000))
    throw new Refusal(403, 'RequestTimeTooSkewed', '', { date: new Date(now).toUTCString() });
  if (id !== S3_KEY.id) throw new Refusal(403, 'InvalidAccessKeyId');
  if (region !== S3_KEY.region)
    throw new Refusal(400, 'AuthorizationHeaderMalformed', `<Region>${S3_KEY.region}</Region>`);
  const [path = '', query = ''] = url.split('?');
  const signed = names.split(';').map((name) => `${name}:${String(headers[name]).trim()}\n`);
  const parameters = query.split('&').map((part) => (part === '' || part.includes('=') ? part : `${part}=`));
  const body = String(headers['x-amz-content-sha256']);
  const canonical = [method, path, parameters.sort().join('&'), signed.join(''), names, body].join('\n');
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', at, scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
  const key = [day, region, 's3', 'aws4_request'].reduce(sign, Buffer.from(`AWS4${S3_KEY.secret}`));
  if (sign(key, text).toString('hex') !== signature)
    throw new Refusal(403, 'SignatureDoesNotMatch', `<StringToSign>${text}</StringToSign>`);
}

const sign = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest();
