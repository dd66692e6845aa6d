import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Held {
  /** Lets the bytes go on. */
  release(): void;
  /** Whoever asked has closed the connection: nothing that is held will ever arrive. */
  readonly gone: Promise<void>;
}

export interface TcpProxy {
  readonly url: string;
  /** The next request whose head matches stops here before a byte of it is forwarded; dropped if the caller goes away. */
  holdRequest(head: RegExp): Promise<Held>;
  /** The next request whose head matches is forwarded, and its reply stops here. */
  holdReply(head: RegExp): Promise<Held>;
  /** Resets every connection, and each new one, until `mend`. */
  cut(): void;
  mend(): void;
  stop(): Promise<void>;
}

interface Hold {
  head: RegExp;
  what: 'REQUEST' | 'REPLY';
  caught(held: Held): void;
}

/** Stands between a client and a server of HTTP on 127.0.0.1. Requests are told apart by their heads, so it needs clients that do not pipeline. */
export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(target);
  const holds: Hold[] = [];
  const sockets = new Set<Socket>();
  let down = false;

  const server = createServer((client) => {
    if (down) return void client.resetAndDestroy();
    const upstream = connect(Number(port), hostname);
    const gone = new Promise<void>((resolve) => client.once('close', () => resolve()));
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy()); // a reset of one side is a reset of the other
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    const toServer = valve(upstream);
    const toClient = valve(client);
    client.on('data', (bytes) => {
      const at = holds.findIndex(({ head }) => head.test(bytes.toString('latin1')));
      const [hold] = at < 0 ? [] : holds.splice(at, 1);
      const way = hold?.what === 'REPLY' ? toClient : toServer;
      if (hold) way.shut();
      toServer.write(bytes);
      hold?.caught({ release: way.open, gone });
    });
    upstream.on('data', (bytes) => toClient.write(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const hold = (what: Hold['what'], head: RegExp) =>
    new Promise<Held>((caught) => void holds.push({ head, what, caught }));
  const reset = () => [...sockets].forEach((socket) => socket.resetAndDestroy());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    holdRequest: (head) => hold('REQUEST', head),
    holdReply: (head) => hold('REPLY', head),
    cut: () => {
      down = true;
      reset();
    },
    mend: () => (down = false),
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      reset();
      await closed;
    },
  };
}

/** Passes bytes on, or keeps them in their order while it is shut. */
function valve(to: Socket): { write(bytes: Buffer): void; shut(): void; open(): void } {
  let kept: Buffer[] | null = null;
  return {
    write: (bytes) => {
      if (kept) kept.push(bytes);
      else if (to.writable) to.write(bytes);
    },
    shut: () => (kept ??= []),
    open: () => {
      const waiting = kept ?? [];
      kept = null;
      for (const bytes of waiting) if (to.writable) to.write(bytes);
    },
  };
}
