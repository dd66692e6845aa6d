import {
  type ExecutionArgs,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import type { Server } from 'node:http';
import { WebSocketServer } from 'ws';
import type { Services } from '../services.js';
import { authenticate, isForeign } from './authenticate.js';
import { type Context, createContext } from './context.js';
import { checkLimits, limits } from './limits.js';
import { maskError } from './mask-error.js';

const PING_EVERY_MS = 12_000;
const INIT_WITHIN_MS = 5_000;

interface SocketExtra {
  request: { headers: { authorization?: string; host?: string; origin?: string } };
}

/** GraphQL over WebSocket (graphql-ws). It does not pass through Apollo: token, origin, limits and masking are applied here once more, by the same functions. */
export function openSubscriptions(
  server: Server,
  services: Services,
  schema: GraphQLSchema,
  stopping: AbortSignal,
): { close(): Promise<void> } {
  const { config, log } = services;
  const sockets = new WebSocketServer({
    server,
    path: '/graphql',
    maxPayload: config.requestMaxBytes,
    verifyClient: ({ req }: { req: { headers: { host?: string; origin?: string } } }) =>
      !isForeign(config.apiToken, req.headers.host, req.headers.origin),
  });

  const actorOf = (extra: unknown, params: Record<string, unknown> | undefined): string | null => {
    const header = (extra as SocketExtra).request.headers.authorization;
    const param = typeof params?.authorization === 'string' ? params.authorization : undefined;
    return authenticate(config.apiToken, param ?? header);
  };

  const handler = useServer(
    {
      connectionInitWaitTimeout: INIT_WITHIN_MS,
      onConnect: (socket) => actorOf(socket.extra, socket.connectionParams) !== null,
      onSubscribe: (socket, _id, { query, variables, operationName }) => {
        const actor = actorOf(socket.extra, socket.connectionParams);
        const context = createContext(services, actor ?? 'nobody', stopping);
        const { requestId } = context.caller;
        try {
          if (actor === null)
            throw new GraphQLError('The API token is missing or wrong.', { extensions: { code: 'UNAUTHENTICATED' } });
          const document = parse(query, { maxTokens: limits.tokens });
          const faults = validate(schema, document, specifiedRules, { maxErrors: 10, hideSuggestions: true });
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
    },
    sockets,
    PING_EVERY_MS,
  );
  return {
    close: async () => {
      await handler.dispose();
    },
  };
}

const toError = ({ message, locations, path, extensions }: GraphQLFormattedError) =>
  Object.assign(new GraphQLError(message, { extensions }), {
    toJSON: () => ({ message, locations, path, extensions }),
  });
