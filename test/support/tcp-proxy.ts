import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Held {
  /** Lets the bytes go on; does nothing when whoever asked has gone away. */
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

/** Stands between a client and an HTTP server of this machine. Requests are told apart by their heads, so it needs clients that do not pipeline. */
export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(target);
  const holds: Hold[] = [];
  const sockets = new Set<Socket>();
  let down = false;
  const takeHold = (bytes: Buffer): Hold | undefined => {
    const at = holds.findIndex(({ head }) => head.test(bytes.toString('latin1')));
    return at < 0 ? undefined : holds.splice(at, 1)[0];
  };

  const server = createServer((client) => {
    if (down) return void client.resetAndDestroy();
    const line = new Line(client, () => track(connect(Number(port), hostname)));
    track(client).on('data', (bytes) => line.ask(bytes, takeHold(bytes)));
  });
  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy()); // a reset ends it like a close
  };
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

/** One connection of a client, and the one to the server that belongs to it. */
class Line {
  private upstream: Socket;
  private keptRequest: Buffer[] | null = null;
  private keptReply: Buffer[] | null = null;
  private readonly gone: Promise<void>;

  constructor(
    private readonly client: Socket,
    private readonly dial: () => Socket,
  ) {
    this.upstream = this.open();
    this.gone = new Promise((resolve) => {
      client.once('close', () => {
        this.upstream.destroy();
        resolve();
      });
    });
  }

  ask(bytes: Buffer, hold: Hold | undefined): void {
    if (hold?.what === 'REQUEST') {
      this.keptRequest = [];
    }
    if (hold?.what === 'REPLY') this.keptReply = [];
    if (this.keptRequest) this.keptRequest.push(bytes);
    else this.upstream.write(bytes);
    hold?.caught({ release: () => this.release(), gone: this.gone });
  }

  private release(): void {
    if (this.client.destroyed) return;
    if (this.keptRequest && this.upstream.destroyed) this.upstream = this.open();
    const [request, reply] = [this.keptRequest ?? [], this.keptReply ?? []];
    this.keptRequest = null;
    this.keptReply = null;
    for (const bytes of request) this.upstream.write(bytes);
    for (const bytes of reply) this.client.write(bytes);
  }

  private open(): Socket {
    const socket = this.dial();
    socket.on('data', (bytes) => (this.keptReply ? this.keptReply.push(bytes) : this.client.write(bytes)));
    socket.on('close', () => {
      // A server closes a connection on which nothing comes for some seconds; it must not take with it a client whose request is held.
      if (!this.keptRequest) this.client.destroy();
    });
    return socket;
  }
}
