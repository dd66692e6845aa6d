import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { unwrapResolverError } from '@apollo/server/errors';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import { fastifyApolloDrainPlugin, fastifyApolloHandler } from '@as-integrations/fastify';
import { fastify, type FastifyError, type FastifyInstance } from 'fastify';
import { GraphQLError, type GraphQLSchema, OperationTypeNode } from 'graphql';
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { AppError } from '../errors.js';
import type { Services } from '../services.js';
import { artifactUpload } from './artifact-upload.js';
import { authenticate, isForeign } from './authenticate.js';
import { type Context, createContext } from './context.js';
import { checkLimits, limits } from './limits.js';
import { maskError } from './mask-error.js';
import { openSubscriptions } from './subscriptions.js';

export interface Api {
  app: FastifyInstance;
  /** `http://host:port`, once it listens. */
  listen(): Promise<string>;
  close(): Promise<void>;
}

declare module 'fastify' {
  interface FastifyRequest {
    actor: string;
  }
}

/** Builds the API apart from listening. Closing ends sockets, then requests, then the server. */
export async function createApi(services: Services, schema: GraphQLSchema): Promise<Api> {
  const { config } = services;
  const closing = new AbortController();
  const app = fastify({
    bodyLimit: config.requestMaxBytes,
    forceCloseConnections: 'idle',
    requestTimeout: 0,
    routerOptions: { maxParamLength: 1_000 }, // longer than any name that is taken, so that the upload itself can say so
  });
  const apollo = createApollo(services, schema, app);
  await apollo.start();

  guard(app, services);
  maskFailures(app, services);
  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    try {
      await services.database.row('select 1');
      return { status: 'ready' };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return reply.code(503).send({ status: 'not ready', reason: error.message });
    }
  });
  app.post(
    '/graphql',
    fastifyApolloHandler(apollo, {
      context: async (request, reply) => {
        const gone = new AbortController();
        reply.raw.once('close', () => gone.abort()); // of the answer, not of its socket, which lives through many requests
        return createContext(services, request.actor, AbortSignal.any([closing.signal, gone.signal]));
      },
    }),
  );
  await app.register(artifactUpload, { services });
  const subscriptions = openSubscriptions(app.server, services, schema, closing.signal);

  return {
    app,
    listen: async () => {
      await app.listen({ host: config.host, port: config.port });
      const { port } = app.server.address() as AddressInfo;
      return `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`;
    },
    close: async () => {
      closing.abort();
      await subscriptions.close();
      await apollo.stop();
      await app.close();
    },
  };
}

/** Who calls is settled before a route runs; a page of another site gets nothing done. */
function guard(app: FastifyInstance, { config }: Services): void {
  app.decorateRequest('actor', '');
  app.addHook('onRequest', async (request, reply) => {
    if (request.url === '/healthz' || request.url === '/readyz') return;
    if (isForeign(config.apiToken, request.headers.host, request.headers.origin)) {
      return reply
        .code(403)
        .send(
          problem(
            'FORBIDDEN_ORIGIN',
            'This API answers no pages of other sites. Call it by the address that it listens on.',
          ),
        );
    }
    const actor = authenticate(config.apiToken, request.headers.authorization);
    if (actor === null) {
      return reply
        .code(401)
        .send(problem('UNAUTHENTICATED', 'Send the API token: authorization: Bearer <STATEWARD_API_TOKEN>.'));
    }
    request.actor = actor;
  });
}

/** What a route beside GraphQL throws is told as there: a bug is masked, and found in the log by its request id. */
function maskFailures(app: FastifyInstance, { log }: Services): void {
  app.setErrorHandler((error: FastifyError | AppError, _request, reply) => {
    if ('statusCode' in error && error.statusCode && error.statusCode < 500) return reply.send(error);
    const { message, extensions } = maskError(error, randomUUID(), log);
    const status = error instanceof AppError && error.retryable ? 503 : 500;
    return reply.code(status).send({ errors: [{ message, extensions }] });
  });
}

const problem = (code: string, message: string) => ({ errors: [{ message, extensions: { code } }] });

function createApollo({ log }: Services, schema: GraphQLSchema, app: FastifyInstance): ApolloServer<Context> {
  const limitsPlugin: ApolloServerPlugin<Context> = {
    async requestDidStart() {
      return {
        async didResolveOperation({ schema: served, document, request, operation }) {
          if (operation?.operation === OperationTypeNode.SUBSCRIPTION) {
            const problem = 'A subscription is answered over WebSocket (graphql-ws) at this address, not over HTTP.';
            throw new GraphQLError(problem, { extensions: { code: 'BAD_USER_INPUT', http: { status: 400 } } });
          }
          checkLimits(served, document, request.variables, request.operationName);
        },
        // Here, and not in formatError, the request's own id is known.
        async willSendResponse({ response, errors, contextValue }) {
          if (!errors || response.body.kind !== 'single') return;
          response.body.singleResult.errors = errors.map((error) =>
            maskError(error, contextValue.caller.requestId, log),
          );
        },
      };
    },
  };
  return new ApolloServer<Context>({
    schema,
    introspection: true,
    stopOnTerminationSignals: false, // main.ts stops everything in its order
    parseOptions: { maxTokens: limits.tokens },
    allowBatchedHttpRequests: false,
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: true,
    formatError: (formatted, error) => {
      // What never reaches a resolver (a body that is not GraphQL) is formatted here alone.
      const cause = unwrapResolverError(error);
      return cause instanceof AppError || cause instanceof GraphQLError
        ? formatted
        : { message: 'Internal error.', extensions: { code: 'INTERNAL_SERVER_ERROR' } };
    },
    plugins: [
      fastifyApolloDrainPlugin(app),
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginCacheControlDisabled(),
      limitsPlugin,
    ],
  });
}
