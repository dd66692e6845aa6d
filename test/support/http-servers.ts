import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Proxy {
  url: string;
  /** While true every connection is closed without an answer. */
  down: boolean;
  /** What stands behind it. */
  target: string;
  /** Paths that it was asked for, in their order. */
  readonly asked: string[];
  stop(): Promise<void>;
}

/** A reverse proxy on 127.0.0.1: passes on what is asked below `prefix`, without it, and answers 404 and a page to everything else. */
export async function startProxy({
  target,
  prefix = '',
  port = 0,
}: {
  target: string;
  prefix?: string;
  port?: number;
}): Promise<Proxy> {
  const asked: string[] = [];
  const pass = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const path = incoming.url ?? '/';
    asked.push(path);
    if (proxy.down) return void incoming.socket.destroy();
    if (!path.startsWith(`${prefix}/`)) {
      outgoing.writeHead(404, { 'content-type': 'text/html' }).end('<html>No such page</html>');
      return;
    }
    const { method, headers } = incoming;
    const onward = request(proxy.target + path.slice(prefix.length), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  };
  const server = createServer(pass);
  const stop = await listen(server, port);
  const proxy: Proxy = { url: addressOf(server), down: false, target, asked, stop };
  return proxy;
}

/** A TCP server that does with each connection what it is told, and nothing else. */
export async function startTcpServer(
  onConnection: (socket: Socket) => void,
): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createTcpServer(onConnection);
  const stop = await listen(server, 0);
  return { url: addressOf(server), stop };
}

/** A port of 127.0.0.1 at which nobody listens now. */
export async function freePort(): Promise<number> {
  const server = createTcpServer();
  const stop = await listen(server, 0);
  const { port } = server.address() as AddressInfo;
  await stop();
  return port;
}

const addressOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** Answers how to stop it, with every connection that is still open. */
async function listen(server: Server, port: number): Promise<() => Promise<void>> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined); // the other side went away: what tests are about
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      sockets.forEach((socket) => socket.destroy());
    });
}
