const MiB = 1024 * 1024;

/** What a connection may cost, whatever it asks. How much one client may have is configured (config.ts). */
export interface TransportLimits {
  http: {
    /** The whole head of a request must be here: a client that sends a byte a second holds no connection for long. */
    headWithinMs: number;
    /** The whole body of a GraphQL request must be here; it is small. Uploads are large and may take their time. */
    bodyWithinMs: number;
    /** A connection on which nothing moves is cut. Longer than the longest wait that a request may ask for (60 s). */
    silentMs: number;
    /** Longer than the 60 s for which proxies keep a connection, so that none sends a request into a closed one. */
    keepAliveMs: number;
  };
  sockets: {
    /** Of one API process, over all clients. */
    total: number;
    /** Queries that are under way count as well. */
    operationsPerSocket: number;
    /** For connection_init, which carries the token. */
    initWithinMs: number;
    /** A ping that is not answered until the next one ends the socket. */
    pingEveryMs: number;
    /** Without an operation; looked at with each ping. */
    idleMs: number;
    /** Sent but not read by the client, and so held in our memory. */
    unreadBytes: number;
    /** For the client's answer to a close; then the connection is cut. */
    closeWithinMs: number;
  };
}

export const transportLimits: TransportLimits = {
  http: { headWithinMs: 15_000, bodyWithinMs: 30_000, silentMs: 120_000, keepAliveMs: 75_000 },
  sockets: {
    total: 1_000,
    operationsPerSocket: 50,
    initWithinMs: 5_000,
    pingEveryMs: 12_000,
    idleMs: 60_000,
    unreadBytes: 4 * MiB,
    closeWithinMs: 2_000,
  },
};
