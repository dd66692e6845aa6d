import { request as httpRequest } from 'node:http';
import { WebSocket } from 'ws';
import type { Data, GraphqlError } from './graphql-client.js';

export interface Reply {
  status: number;
  body: { data?: Data; errors?: GraphqlError[]; [other: string]: unknown };
}

/** One HTTP request with exactly these headers: a browser sets Host and Origin by itself, fetch would not let us. */
export function sendRaw(
  url: string,
  path: string,
  headers: Record<string, string> = {},
  body: string | Buffer = JSON.stringify({ query: '{ __typename }' }),
  method = 'POST',
): Promise<Reply> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const all = { 'content-type': 'application/json', ...headers };
    const sent = httpRequest({ hostname, port, path, method, headers: all }, async (answer) => {
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString();
      resolve({ status: answer.statusCode ?? 0, body: text.startsWith('{') ? JSON.parse(text) : { text } });
    });
    sent.on('error', reject).end(body);
  });
}

export interface RawSocket {
  socket: WebSocket;
  send(text: string): void;
  /** The next message that is of this type, which may have come already. */
  next(type: string): Promise<Data>;
  /** Code and reason, when it has closed. */
  closed: Promise<{ code: number; reason: string }>;
}

export const INIT = JSON.stringify({ type: 'connection_init' });

/** A WebSocket that says what it is told to, word by word. */
export async function openSocket(
  url: string,
  { protocol = 'graphql-transport-ws', headers = {} }: { protocol?: string; headers?: Record<string, string> } = {},
): Promise<RawSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, protocol, { headers });
  const unread: Data[] = [];
  const waiting: { type: string; resolve: (message: Data) => void }[] = [];
  socket.on('message', (bytes: Buffer) => {
    const message = JSON.parse(bytes.toString());
    const index = waiting.findIndex(({ type }) => type === message.type);
    if (index < 0) unread.push(message);
    else waiting.splice(index, 1)[0]?.resolve(message);
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  );
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('error', reject);
  });
  return {
    socket,
    send: (text) => socket.send(text),
    next: (type) => {
      const index = unread.findIndex((message) => message.type === type);
      if (index >= 0) return Promise.resolve(unread.splice(index, 1)[0]);
      return new Promise((resolve) => waiting.push({ type, resolve }));
    },
    closed,
  };
}
