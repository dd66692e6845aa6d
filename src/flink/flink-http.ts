import { Readable } from 'node:stream';
import { Pool, type Dispatcher } from 'undici';
import { AppError } from '../errors.js';
import { connectionTrouble } from './connection-trouble.js';
import { Gate } from './gate.js';

export interface FlinkLimits {
  /** From the call to the last byte of the answer, waiting for a free connection included. */
  requestTimeoutMs: number;
  /** The same for an upload and a run, which executes the program's main(). */
  longTimeoutMs: number;
  connectTimeoutMs: number;
  maxResponseBytes: number;
  /** Sockets, hence requests at once, to one JobManager. */
  connections: number;
}

const DEFAULT_LIMITS: FlinkLimits = {
  requestTimeoutMs: 5_000,
  longTimeoutMs: 600_000,
  connectTimeoutMs: 2_000,
  maxResponseBytes: 16 * 1024 * 1024,
  connections: 4,
};

export interface FlinkCall {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below the URL's own path; begins with a slash, its parts are encoded. */
  path: string;
  body?: { contentType: string; lengthBytes: number; content: string | AsyncIterable<Uint8Array> };
  long?: boolean;
  signal?: AbortSignal;
}

export interface FlinkAnswer {
  /** Method and address without query, for messages. */
  call: string;
  status: number;
  contentType: string;
  text: string;
}

/** Sends requests to one JobManager and returns whatever it answers below 300 or from 400 on; knows nothing of what they mean. */
export class FlinkHttp {
  /** Without a slash at its end. */
  readonly url: string;
  private readonly prefix: string;
  private readonly limits: FlinkLimits;
  private readonly pool: Pool;
  /** One connection stays free of long calls, so that polls do not wait for an upload. */
  private readonly longCalls: Gate;

  /** @throws AppError BAD_USER_INPUT when it is no http(s) address, or holds credentials, a query or a fragment. */
  constructor(url: string, limits: Partial<FlinkLimits> = {}) {
    const parsed = parseAddress(url);
    this.prefix = parsed.pathname.replace(/\/+$/, '');
    this.url = parsed.origin + this.prefix;
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    this.longCalls = new Gate(Math.max(1, this.limits.connections - 1));
    this.pool = new Pool(parsed.origin, {
      connections: this.limits.connections,
      connect: { timeout: this.limits.connectTimeoutMs },
    });
  }

  /**
   * @throws AppError FLINK_UNREACHABLE when no answer came, in time or at all; NOT_A_FLINK for a redirect, an answer that is
   * too large, or bytes that are not HTTP.
   */
  async send(call: FlinkCall): Promise<FlinkAnswer> {
    const timeoutMs = call.long ? this.limits.longTimeoutMs : this.limits.requestTimeoutMs;
    const name = `${call.method} ${this.url}${call.path.replace(/\?.*/, '')}`;
    const ending = new AbortController();
    const timer = setTimeout(() => ending.abort(tooSlow(name, timeoutMs)), timeoutMs);
    const withdraw = () => ending.abort(withdrawn(name, call.signal?.reason));
    if (call.signal?.aborted) withdraw();
    else call.signal?.addEventListener('abort', withdraw, { once: true });
    try {
      const exchange = () => this.exchange(call, name, ending.signal, timeoutMs);
      return await (call.long ? this.longCalls.pass(ending.signal, exchange) : exchange());
    } catch (error) {
      // What undici throws after an abort differs from case to case; the reason is ours.
      throw ending.signal.aborted && ending.signal.reason instanceof AppError
        ? ending.signal.reason
        : connectionTrouble(name, error);
    } finally {
      clearTimeout(timer);
      call.signal?.removeEventListener('abort', withdraw);
    }
  }

  /** Ends what is still under way: those calls throw FLINK_UNREACHABLE. */
  async close(): Promise<void> {
    await this.pool.destroy();
  }

  private async exchange(call: FlinkCall, name: string, signal: AbortSignal, timeoutMs: number): Promise<FlinkAnswer> {
    const response = await this.pool.request({
      method: call.method,
      path: this.prefix + call.path,
      headers: {
        accept: 'application/json',
        ...(call.body && { 'content-type': call.body.contentType, 'content-length': String(call.body.lengthBytes) }),
      },
      body: toUndiciBody(call.body?.content),
      signal,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
    if (response.statusCode >= 300 && response.statusCode < 400) {
      response.body.on('error', () => undefined).destroy();
      throw redirected(name, response.statusCode, response.headers.location);
    }
    const text = await this.readBounded(response, name);
    return {
      call: name,
      status: response.statusCode,
      contentType: String(response.headers['content-type'] ?? ''),
      text,
    };
  }

  private async readBounded(response: Dispatcher.ResponseData, name: string): Promise<string> {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    // Leaving the loop by the throw destroys the body, and with it the connection.
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length;
      if (sizeBytes > this.limits.maxResponseBytes) throw tooLarge(name, this.limits.maxResponseBytes);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  }
}

function toUndiciBody(content: string | AsyncIterable<Uint8Array> | undefined): Dispatcher.RequestOptions['body'] {
  return content === undefined || typeof content === 'string'
    ? (content ?? null)
    : Readable.from(content, { objectMode: false });
}

function parseAddress(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (!parsed || !['http:', 'https:'].includes(parsed.protocol)) {
    throw new AppError(
      'BAD_USER_INPUT',
      `"${url}" is no address of a Flink cluster. Give one like http://jobmanager:8081.`,
    );
  }
  if (parsed.username || parsed.password) {
    throw new AppError(
      'BAD_USER_INPUT',
      `The address of the Flink cluster at ${parsed.host} holds a user name or a password. Leave them out: they would be stored and shown.`,
    );
  }
  if (parsed.search || parsed.hash) {
    throw new AppError(
      'BAD_USER_INPUT',
      `"${url}" has a query or a fragment. Give the address of the JobManager alone.`,
    );
  }
  return parsed;
}

function tooSlow(name: string, timeoutMs: number): AppError {
  return new AppError(
    'FLINK_UNREACHABLE',
    `${name}: no complete answer within ${timeoutMs} ms. Look whether the JobManager is overloaded, paused or cut off.`,
  );
}

function withdrawn(name: string, reason: unknown): AppError {
  return new AppError(
    'FLINK_UNREACHABLE',
    `${name}: given up by Stateward before the answer came. Look at the cluster for what it did of it.`,
    { cause: reason },
  );
}

function redirected(name: string, status: number, target: unknown): AppError {
  return new AppError(
    'NOT_A_FLINK',
    `${name} answered ${status} with a redirect to ${typeof target === 'string' ? target.slice(0, 200) : 'nowhere'}, which is not followed. ` +
      "Register the JobManager's own address, not that of a proxy in front of it.",
  );
}

function tooLarge(name: string, maxResponseBytes: number): AppError {
  return new AppError(
    'NOT_A_FLINK',
    `${name} answered more than ${formatSize(maxResponseBytes)}, which no Flink does. Check that the address is a JobManager's REST address.`,
  );
}

function formatSize(bytes: number): string {
  return bytes >= 1024 * 1024 ? `${Math.round(bytes / 1024 / 1024)} MiB` : `${bytes} bytes`;
}
