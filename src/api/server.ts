import { fastifyApolloHandler } from '@as-integrations/fastify';
import { fastify, type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { AppError } from '../errors.js';
import type { Services } from '../services.js';
import { createApollo } from './apollo.js';
import { artifactUpload } from './artifact-upload.js';
import { authenticate, isForeign } from './authenticate.js';
import { createContext } from './context.js';
import { maskError } from './mask-error.js';
import { playground } from './playground.js';
import { foreignOrigin, problem } from './problem.js';
import { refuseNesting } from './refuse-nesting.js';
import { openSubscriptions } from './subscriptions.js';
import { type TransportLimits, transportLimits } from './transport-limits.js';

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
export async function createApi(
  services: Services,
  schema: GraphQLSchema,
  most: TransportLimits = transportLimits,
): Promise<Api> {
  const { config } = services;
  const closing = new AbortController();
  const app = fastify({
    bodyLimit: config.requestMaxBytes,
    forceCloseConnections: 'idle',
    requestTimeout: 0, // an upload may take its time; the body of a GraphQL request has its own, below
    connectionTimeout: most.http.silentMs,
    keepAliveTimeout: most.http.keepAliveMs,
    http: { headersTimeout: most.http.headWithinMs, connectionsCheckingInterval: most.http.headWithinMs / 3 },
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
    {
      preParsing: limitBodyTime(most.http.bodyWithinMs),
      preHandler: async ({ body }) => refuseNesting((body as { query?: unknown } | null | undefined)?.query),
    },
    fastifyApolloHandler(apollo, {
      context: async (request, reply) => {
        const gone = new AbortController();
        reply.raw.once('close', () => gone.abort()); // of the answer, not of its socket, which lives through many requests
        return createContext(services, request.actor, AbortSignal.any([closing.signal, gone.signal]));
      },
    }),
  );
  await app.register(artifactUpload, { services });
  await app.register(playground);
  const subscriptions = openSubscriptions(app.server, services, schema, closing.signal, most.sockets);

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
      return reply.code(403).send(foreignOrigin);
    }
    if (request.routeOptions.config.public) return;
    const actor = authenticate(config.apiToken, request.headers.authorization);
    if (actor === null) {
      return reply
        .code(401)
        .send(problem('UNAUTHENTICATED', 'Send the API token: authorization: Bearer <STATEWARD_API_TOKEN>.'));
    }
    request.actor = actor;
  });
}

/** Answers 408 and closes the connection when the body is not complete in time. */
function limitBodyTime(withinMs: number) {
  return (_request: FastifyRequest, reply: FastifyReply, body: NodeJS.ReadableStream, done: () => void) => {
    const tooSlow = setTimeout(() => {
      const message = `The request was not complete after ${withinMs / 1000} s. Send it at once, or less of it.`;
      void reply.code(408).header('connection', 'close').send(problem('REQUEST_TOO_SLOW', message));
    }, withinMs);
    body.once('end', () => clearTimeout(tooSlow));
    reply.raw.once('close', () => clearTimeout(tooSlow)); // answered without it, or cut off
    done();
  };
}

/** What no operation of GraphQL throws is told as there: a bug is masked, and found in the log by its request id. */
function maskFailures(app: FastifyInstance, { config, log }: Services): void {
  app.setErrorHandler((error: FastifyError | AppError | GraphQLError, _request, reply) => {
    if ('statusCode' in error && error.statusCode && error.statusCode < 500) {
      void reply.code(error.statusCode);
      return error.statusCode === 413
        ? reply.send(
            problem(
              'REQUEST_TOO_LARGE',
              `The request is larger than ${config.requestMaxBytes} bytes. Ask for less at once, or raise STATEWARD_REQUEST_MAX_BYTES.`,
            ),
          )
        : reply.send(problem('BAD_USER_INPUT', error.message));
    }
    const { message, extensions } = maskError(error, randomUUID(), log);
    const status = error instanceof GraphQLError ? 400 : error instanceof AppError && error.retryable ? 503 : 500;
    return reply.code(status).send({ errors: [{ message, extensions }] });
  });
}
