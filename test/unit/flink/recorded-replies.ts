import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

const FOLDER = path.resolve('demo/fake-flink/replies');

export const VERSIONS = ['1.20.5', '2.3.0'] as const;
export type Version = (typeof VERSIONS)[number];

export interface RecordedReply {
  name: string;
  request: { method: string; path: string; body?: unknown };
  status: number;
  body: unknown;
}

export function recordedReply(version: Version, name: string): RecordedReply {
  const content = JSON.parse(readFileSync(path.join(FOLDER, version, `${name}.json`), 'utf8')) as RecordedReply;
  return { ...content, name };
}

export function recordedReplies(version: Version): RecordedReply[] {
  return readdirSync(path.join(FOLDER, version))
    .sort()
    .map((file) => recordedReply(version, path.basename(file, '.json')));
}

/** Servers of one test file; `closeAll` belongs into its afterEach. */
export class TestServers {
  private readonly servers: Server[] = [];

  async listen(listener: RequestListener): Promise<string> {
    const server = createServer(listener);
    this.servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Answers the requests of these replies as recorded, and anything else as a JobManager that does not know the job. */
  async replay(
    version: Version,
    replies: RecordedReply[],
    asked: { call: string; body: string }[] = [],
  ): Promise<string> {
    return this.listen((request, response) => {
      void readBody(request).then((body) => {
        const call = `${request.method} ${request.url}`;
        asked.push({ call, body });
        const reply =
          replies.find(({ request: { method, path: wanted } }) => `${method} ${wanted}` === call) ??
          recordedReply(version, 'job-unknown');
        response.writeHead(reply.status, { 'content-type': 'application/json; charset=UTF-8' });
        response.end(JSON.stringify(reply.body));
      });
    });
  }

  async closeAll(): Promise<void> {
    await Promise.all(
      this.servers.splice(0).map((server) => {
        const closed = new Promise((resolve) => server.close(resolve));
        server.closeAllConnections();
        return closed;
      }),
    );
  }
}

export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('latin1');
}
