import {
  type ExecutionArgs,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { type Context as SocketContext, handleProtocols, makeServer } from 'graphql-ws';
import type { IncomingMessage, Server } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Services } from '../services.js';
import { authenticate, isForeign } from './authenticate.js';
import { type Context, createContext } from './context.js';
import { checkLimits, limits, validationOptions } from './limits.js';
import { maskError } from './mask-error.js';
import { countOpenSockets, type OpenSocket } from './open-sockets.js';
import { foreignOrigin, problem } from './problem.js';
import { refuseNesting } from './refuse-nesting.js';
import { refuse } from './refuse-operation.js';
import { closeCodes, serveSocket, type SocketExtra } from './serve-socket.js';
import type { TransportLimits } from './transport-limits.js';

type Socket = SocketContext<Record<string, unknown> | undefined, SocketExtra>;

/** GraphQL over WebSocket (graphql-ws). It does not pass through Apollo: token, origin, limits and masking are applied here once more, by the same functions. */
export function openSubscriptions(
  server: Server,
  services: Services,
  schema: GraphQLSchema,
  stopping: AbortSignal,
  most: TransportLimits['sockets'],
): { close(): Promise<void> } {
  const { config, log } = services;
  const sockets = new WebSocketServer({
    server,
    path: '/graphql',
    handleProtocols,
    maxPayload: config.requestMaxBytes,
    ...({ closeTimeout: most.closeWithinMs } as object), // known to ws 8.23, not yet to its types
    verifyClient: ({ req }: { req: IncomingMessage }, answer: Verdict) => {
      if (isForeign(config.apiToken, req.headers.host, req.headers.origin))
        return answer(false, 403, JSON.stringify(foreignOrigin), asJson);
      // Those that are being closed hold their place for a moment: a flood of them is turned away before the handshake.
      if (sockets.clients.size >= 2 * most.total)
        return answer(false, 503, JSON.stringify(overrun), { ...asJson, 'retry-after': '10' });
      answer(true);
    },
  });
  const open = countOpenSockets({
    total: most.total,
    perClient: config.socketsPerClient,
    operationsPerSocket: most.operationsPerSocket,
    operationsPerClient: config.subscriptionsPerClient,
  });

  // Node's server tells its own errors to whoever started it; unheard, they would end the process here.
  sockets.on('error', (error) => log.error({ err: error }, 'the server under the sockets failed'));

  const actorOf = ({ extra, connectionParams }: Pick<Socket, 'extra' | 'connectionParams'>): string | null => {
    const param = connectionParams?.authorization;
    return authenticate(config.apiToken, typeof param === 'string' ? param : extra.request.headers.authorization);
  };

  const graphql = makeServer<Record<string, unknown> | undefined, SocketExtra>({
    connectionInitWaitTimeout: most.initWithinMs,
    onConnect: (socket) => {
      socket.extra.open.running = () => Object.keys(socket.subscriptions).length;
      const actor = actorOf(socket);
      if (actor === null) return false;
      const full = open.identify(socket.extra.open, actor);
      if (full === null) return true;
      socket.extra.socket.close(closeCodes.full, full);
      return false;
    },
    onSubscribe: (socket, _id, { query, variables, operationName }) => {
      const actor = actorOf(socket);
      const context = createContext(services, actor ?? 'nobody', socket.extra.signal);
      const { requestId } = context.caller;
      try {
        if (actor === null) refuse('UNAUTHENTICATED', 'The API token is missing or wrong.');
        const full = open.refusalOfOperation(socket.extra.open);
        if (full !== null) refuse('TOO_MANY_SUBSCRIPTIONS', full);
        refuseNesting(query);
        const document = parse(query, { maxTokens: limits.tokens });
        const faults = validate(schema, document, specifiedRules, validationOptions);
        if (faults.length > 0) return faults.map((fault) => toError(maskError(fault, requestId, log)));
        checkLimits(schema, document, variables, operationName);
        return { schema, document, variableValues: variables, operationName, contextValue: context } as ExecutionArgs;
      } catch (error) {
        return [toError(maskError(error, requestId, log))];
      }
    },
    onNext: (_socket, _id, _payload, args, result) =>
      result.errors && result.errors.length > 0
        ? {
            ...result,
            errors: result.errors.map((error) =>
              toError(maskError(error, (args.contextValue as Context).caller.requestId, log)),
            ),
          }
        : undefined,
    onError: (_socket, id, _payload, errors) =>
      errors.map((error) => (error.extensions?.requestId ? error : toError(maskError(error, id, log)))),
  });

  sockets.on('connection', (socket: WebSocket, request) => {
    const one: OpenSocket = {
      address: request.socket.remoteAddress ?? 'unknown',
      actor: authenticate(config.apiToken, request.headers.authorization),
      running: () => 0, // until it is connected
    };
    // ws has closed it with the fitting code: 1009 for a message that is too large, 1002 and 1007 for what is none.
    socket.on('error', (error) => log.warn({ err: error, address: one.address }, 'socket ended with an error'));
    const full = open.admit(one);
    if (full !== null) return socket.close(closeCodes.full, full);
    socket.once('close', () => open.remove(one));
    serveSocket(graphql, { socket, request, open: one }, stopping, most, log);
  });
  return { close: () => closeAll(sockets) };
}

type Verdict = (accepted: boolean, status?: number, body?: string, headers?: Record<string, string>) => void;
const asJson = { 'content-type': 'application/json' };
const overrun = problem('TOO_MANY_SOCKETS', 'This API has more sockets open than it takes. Try again later.');

/** Resolves when the last one is gone; whoever does not answer in time is cut off. */
function closeAll(sockets: WebSocketServer): Promise<void> {
  for (const socket of sockets.clients) socket.close(1001, 'The API is stopping. Connect again in a moment.');
  return new Promise((resolve, reject) => sockets.close((error) => (error ? reject(error) : resolve())));
}

const toError = ({ message, locations, path, extensions }: GraphQLFormattedError) =>
  Object.assign(new GraphQLError(message, { extensions }), {
    toJSON: () => ({ message, locations, path, extensions }),
  });
