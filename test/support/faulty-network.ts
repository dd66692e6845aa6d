import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What may be wrong with a network. Each is done to the connections that are open, and to new ones. */
export type NetworkFault =
  /** Every piece arrives so much later, give or take the jitter; in its order. */
  | { kind: 'LATENCY'; ms: number; jitterMs: number }
  /** In each direction of each connection. */
  | { kind: 'BANDWIDTH'; bytesPerSecond: number }
  /** Each connection is reset after so many bytes of reply: in the middle of one. */
  | { kind: 'CUT_AFTER'; bytes: number }
  /** Every connection is reset, and each new one. */
  | { kind: 'RESET' }
  /** Half-open: bytes vanish in both directions, and nobody is ever told, not even when the network is mended. */
  | { kind: 'BLACK_HOLE' };

export interface FaultyNetwork {
  /** The target's URL with the address of this. */
  readonly url: string;
  /** Bytes that have come through, both ways. */
  readonly bytes: number;
  break(fault: NetworkFault): void;
  /** For new connections; of the open ones those go on whose bytes have not vanished. */
  mend(): void;
  stop(): Promise<void>;
}

/** Between any client and any TCP server: it knows nothing of what is said. The dice throw the jitter. */
export async function startFaultyNetwork(
  target: string,
  dice: { between(least: number, most: number): number },
): Promise<FaultyNetwork> {
  const { hostname, port } = new URL(target);
  const lines = new Set<Line>();
  let fault: NetworkFault | null = null;
  let bytes = 0;
  const server = createServer((client) => {
    if (fault?.kind === 'RESET') return void client.resetAndDestroy();
    const line = new Line(
      client,
      () => connect(Number(port), hostname),
      () => fault,
      dice,
      (count) => (bytes += count),
      () => lines.delete(line),
    );
    lines.add(line);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(target);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href.replace(/\/$/, ''),
    get bytes() {
      return bytes;
    },
    break: (next) => {
      fault = next;
      for (const line of lines) line.meet(next);
    },
    mend: () => (fault = null),
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const line of lines) line.reset();
      await closed;
    },
  };
}

/** One connection of a client, and the one to the server that belongs to it. */
class Line {
  private upstream: Socket | null = null;
  private lost = false;
  private replied = 0;
  private ended = false;

  constructor(
    private readonly client: Socket,
    dial: () => Socket,
    private readonly fault: () => NetworkFault | null,
    private readonly dice: { between(least: number, most: number): number },
    private readonly count: (bytes: number) => void,
    private readonly onEnd: () => void,
  ) {
    client.setNoDelay(true);
    client.on('error', () => client.destroy()).on('close', () => this.end());
    this.lost = fault()?.kind === 'BLACK_HOLE'; // the handshake is the kernel's; nothing else is answered
    if (this.lost) {
      client.resume();
      return;
    }
    this.upstream = dial().setNoDelay(true);
    this.upstream.on('error', () => this.upstream?.destroy()).on('close', () => this.end());
    this.carry(client, this.upstream, false);
    this.carry(this.upstream, client, true);
  }

  meet(fault: NetworkFault): void {
    this.replied = 0;
    if (fault.kind === 'RESET') this.reset();
    if (fault.kind === 'BLACK_HOLE') this.lost = true;
  }

  reset(): void {
    this.client.resetAndDestroy();
    this.upstream?.resetAndDestroy();
    this.end();
  }

  /** In a black hole neither side hears that the other has gone. */
  private end(): void {
    if (this.ended || this.lost) return;
    this.ended = true;
    this.client.destroy();
    this.upstream?.destroy();
    this.onEnd();
  }

  private carry(from: Socket, to: Socket, isReply: boolean): void {
    let freeAt = 0; // when the piece before has arrived
    from.on('data', (piece: Buffer) => {
      if (this.lost) return;
      const fault = this.fault();
      if (fault?.kind === 'CUT_AFTER' && isReply) {
        const rest = fault.bytes - this.replied;
        this.replied += piece.length;
        if (piece.length > rest) {
          to.write(piece.subarray(0, Math.max(0, rest)), () => this.reset());
          return;
        }
      }
      const now = Date.now();
      freeAt = Math.max(freeAt, now + this.delayMs(fault, piece.length));
      this.count(piece.length);
      if (freeAt <= now) to.write(piece);
      else this.later(from, to, piece, freeAt - now);
    });
    from.on('end', () => {
      if (!this.lost) setTimeout(() => to.end(), Math.max(0, freeAt - Date.now()));
    });
  }

  private delayMs(fault: NetworkFault | null, bytes: number): number {
    if (fault?.kind === 'LATENCY') return fault.ms + this.dice.between(-fault.jitterMs, fault.jitterMs);
    return fault?.kind === 'BANDWIDTH' ? (bytes / fault.bytesPerSecond) * 1_000 : 0;
  }

  /** The sender is held back meanwhile, as by a window that is full. */
  private later(from: Socket, to: Socket, piece: Buffer, ms: number): void {
    from.pause();
    setTimeout(() => {
      if (!this.lost && to.writable) to.write(piece);
      from.resume();
    }, ms);
  }
}
