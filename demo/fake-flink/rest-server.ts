import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Cluster } from './cluster.js';
import { isObject } from './captured-replies.js';
import type { JsonObject, Reply } from './captured-replies.js';
import { FaultPlan, replyOf, sendHuge } from './faults.js';
import { LONG_MAX_MARK } from './job-replies.js';
import type { Routes } from './routes.js';
import { refuseText } from './refused-body.js';

export interface RecordedRequest {
  /** Epoch milliseconds. */
  at: number;
  method: string;
  /** As asked, with query and `/v1`. */
  path: string;
  /** The JSON body; the text where it was none; `{ files, fileName, sizeBytes }` of an upload; null without a body. */
  body: unknown;
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** JSON of an object, undefined for what is none. An empty body counts as `{}`. */
function parseBody(text: string): JsonObject | undefined {
  if (text === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The HTTP side: records, delays and spoils requests, and answers the others through {@link Routes}. */
export class RestServer {
  readonly requests: RecordedRequest[] = [];
  readonly faults = new FaultPlan();
  maxConcurrentRequests = 0;
  /** While down every connection is reset, as between two JobManager processes. */
  down = false;
  url = '';
  private concurrent = 0;
  private readonly server: Server;

  constructor(
    private readonly cluster: Cluster,
    private readonly routes: () => Routes,
    private readonly refusedRestore: (fixture: string, jobId: string) => void,
  ) {
    this.server = createServer((request, response) => {
      // Only a client that goes away in the middle ends up here; there is no one left to tell.
      this.serve(request, response).catch(() => response.destroy());
    });
    this.server.on('connection', (socket) => {
      if (this.down) socket.resetAndDestroy();
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${String((this.server.address() as AddressInfo).port)}`;
  }

  dropConnections(): void {
    this.server.closeAllConnections();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.dropConnections();
    await closed;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.concurrent += 1;
    this.maxConcurrentRequests = Math.max(this.maxConcurrentRequests, this.concurrent);
    response.once('close', () => (this.concurrent -= 1));
    const method = request.method ?? 'GET';
    const asPath = request.url ?? '/';
    const target = asPath.replace(/^\/v1(?=\/)/, '');
    const recorded: RecordedRequest = { at: this.cluster.timeline.now(), method, path: asPath, body: null };
    this.requests.push(recorded);
    const { generation } = this.cluster;
    const fault = this.faults.take(method, target);
    const isUpload = method === 'POST' && target === '/jars/upload';
    const text = isUpload ? '' : await readText(request);
    const body = parseBody(text);
    if (text !== '') recorded.body = body ?? text;
    if (this.cluster.knobs.latencyMs > 0) await this.cluster.pause(this.cluster.knobs.latencyMs);
    if (generation !== this.cluster.generation || fault === 'DROP_BEFORE') return void response.destroy();
    if (fault === 'HANG') return void (isUpload && request.resume());
    if (fault === 'HUGE') return sendHuge(response);
    this.cluster.timeline.settle();
    const spoiled = fault === null ? null : replyOf(fault, this.cluster.version, target, body ?? {}, this.url);
    if (fault !== null && typeof fault === 'object' && 'fixture' in fault) this.noteRefusedRestore(fault.fixture, body);
    if (spoiled !== null) {
      if (isUpload) request.resume();
      return this.send(response, spoiled);
    }
    const { pathname, searchParams } = new URL(target, 'http://fake');
    const reply =
      body === undefined
        ? refuseText(this.cluster, pathname, text)
        : await this.routes().answer({
            method,
            path: pathname,
            query: searchParams,
            body,
            raw: request,
            noteUpload: (upload) => (recorded.body = upload),
          });
    const processDied = generation !== this.cluster.generation;
    if (fault === 'LOSE_REPLY' || processDied) return void response.destroy();
    this.send(response, reply);
  }

  private send(response: ServerResponse, { status, body, contentType, headers }: Reply): void {
    const text =
      typeof body === 'string' ? body : JSON.stringify(body).replaceAll(`"${LONG_MAX_MARK}"`, '9223372036854775807');
    response.writeHead(status, {
      'content-type': contentType ?? 'application/json; charset=UTF-8',
      'access-control-allow-origin': '*',
      'content-length': Buffer.byteLength(text),
      ...headers,
    });
    response.end(text);
  }

  private noteRefusedRestore(fixture: string, body: JsonObject | undefined): void {
    const jobId = body?.['jobId'];
    const isRefusal = /^run-restore-(?!accepted)/.test(fixture);
    if (isRefusal && typeof jobId === 'string' && !this.cluster.takenJobIds.has(jobId))
      this.refusedRestore(fixture, jobId);
  }
}
