/** One open socket, as far as the limits are concerned. */
export interface OpenSocket {
  readonly address: string;
  /** Null until the client has shown who it is. */
  actor: string | null;
  /** How many operations are under way on it. */
  running: () => number;
}

export interface OpenSockets {
  /** Why one more socket of this client cannot be had, or null. Takes it in when it can. */
  admit(socket: OpenSocket): string | null;
  /** The same once it is known who the client is, who then has sockets of its own. */
  identify(socket: OpenSocket, actor: string): string | null;
  /** Why one more operation, which is counted already, cannot be had; or null. */
  refusalOfOperation(socket: OpenSocket): string | null;
  remove(socket: OpenSocket): void;
}

/**
 * Who has how many sockets and operations open. A client is who it says it is at one address: strangers behind the same
 * proxy cannot use up what is meant for those who have the token. Reasons are for a close frame: at most 123 bytes.
 */
export function countOpenSockets(most: {
  total: number;
  perClient: number;
  operationsPerSocket: number;
  operationsPerClient: number;
}): OpenSockets {
  const sockets = new Set<OpenSocket>();
  const ofClient = ({ address, actor }: OpenSocket) =>
    [...sockets].filter((one) => one.address === address && one.actor === actor);
  const tooMany = (socket: OpenSocket) =>
    ofClient(socket).length > most.perClient
      ? `This client has its most sockets open (${most.perClient}). Close one, or raise STATEWARD_SOCKETS_PER_CLIENT.`
      : null;

  return {
    admit: (socket) => {
      if (sockets.size >= most.total) return `This API has its most sockets open (${most.total}). Try again later.`;
      sockets.add(socket);
      const refusal = tooMany(socket);
      if (refusal) sockets.delete(socket);
      return refusal;
    },
    identify: (socket, actor) => {
      socket.actor = actor;
      return tooMany(socket);
    },
    refusalOfOperation: (socket) => {
      if (socket.running() > most.operationsPerSocket)
        return `This socket has its most operations under way (${most.operationsPerSocket}). End one of them.`;
      const ofAll = ofClient(socket).reduce((sum, one) => sum + one.running(), 0);
      return ofAll > most.operationsPerClient
        ? `This client has its most operations under way (${most.operationsPerClient}) over all of its sockets. End one of them, or raise STATEWARD_SUBSCRIPTIONS_PER_CLIENT.`
        : null;
    },
    remove: (socket) => void sockets.delete(socket),
  };
}
