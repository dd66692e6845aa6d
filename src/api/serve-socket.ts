import type { Server } from 'graphql-ws';
import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import type { Logger } from '../logger.js';
import type { OpenSocket } from './open-sockets.js';
import type { TransportLimits } from './transport-limits.js';

/** What the hooks of graphql-ws get to know of a socket. */
export interface SocketExtra {
  socket: WebSocket;
  request: IncomingMessage;
  open: OpenSocket;
  /** Aborted when the socket has closed, or the API stops. */
  signal: AbortSignal;
}

/**
 * Close codes beside those of graphql-ws. Its client tries again with growing pauses after 1013, and when it needs to
 * after 1000; after 4500 it gives up with the reason.
 */
export const closeCodes = { idle: 1000, full: 1013, unread: 4413, bug: 4500 };

/** Joins one socket to graphql-ws, with bounds: it must answer pings, be used, and read what it is sent. */
export function serveSocket(
  server: Server<SocketExtra>,
  extra: Omit<SocketExtra, 'signal'>,
  stopping: AbortSignal,
  limits: TransportLimits['sockets'],
  log: Logger,
): void {
  const { socket, open } = extra;
  const gone = new AbortController();
  const { address } = open;
  let answered = true;
  let lastUsed = Date.now();

  const isOpen = () => socket.readyState === socket.OPEN;
  /** A client that asks and never reads makes us keep the answers. Checked after whatever puts some there. */
  const closeIfUnread = () => {
    if (!isOpen() || socket.bufferedAmount <= limits.unreadBytes) return;
    log.warn({ address, bytes: socket.bufferedAmount }, 'socket closed: its client does not read');
    socket.close(closeCodes.unread, `${limits.unreadBytes} bytes are sent and not read. Read faster, or ask for less.`);
  };
  const look = setInterval(() => {
    if (!isOpen()) return;
    if (!answered) return socket.terminate();
    if (open.running() > 0) lastUsed = Date.now();
    else if (Date.now() - lastUsed >= limits.idleMs)
      return socket.close(
        closeCodes.idle,
        `Nothing was asked for ${limits.idleMs / 1000} s. Connect again when needed.`,
      );
    answered = false;
    socket.ping();
  }, limits.pingEveryMs);

  const closed = server.opened(
    {
      protocol: socket.protocol,
      send: (text) =>
        new Promise((resolve, reject) => {
          if (!isOpen()) return resolve();
          socket.send(text, (error) => (error && isOpen() ? reject(error) : resolve()));
          closeIfUnread();
        }),
      close: (code, reason) => socket.close(code, reason),
      onMessage: (handle) =>
        socket.on('message', (bytes: Buffer) => {
          if (!isOpen()) return;
          lastUsed = Date.now();
          handle(bytes.toString()).catch((error: unknown) => {
            log.error({ err: error, address }, 'socket closed: a bug while handling its message');
            socket.close(closeCodes.bug, 'Internal error. The log of the API process has the details.');
          });
        }),
    },
    { ...extra, signal: AbortSignal.any([stopping, gone.signal]) },
  );
  socket.on('pong', () => (answered = true));
  socket.on('ping', closeIfUnread); // ws has answered it
  socket.once('close', (code, reason) => {
    clearInterval(look);
    gone.abort();
    closed(code, reason.toString()).catch((error: unknown) =>
      log.error({ err: error, address }, 'a bug while ending the operations of a socket'),
    );
  });
}
