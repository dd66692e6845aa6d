import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { unwrapResolverError } from '@apollo/server/errors';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import { fastifyApolloDrainPlugin } from '@as-integrations/fastify';
import type { FastifyInstance } from 'fastify';
import { GraphQLError, type GraphQLSchema, OperationTypeNode } from 'graphql';
import { AppError } from '../errors.js';
import type { Services } from '../services.js';
import type { Context } from './context.js';
import { checkLimits, limits, validationOptions } from './limits.js';
import { maskError } from './mask-error.js';
import { refuse } from './refuse-operation.js';

/** GraphQL over HTTP. What is served over WebSocket does not pass here: subscriptions.ts. */
export function createApollo({ log }: Services, schema: GraphQLSchema, app: FastifyInstance): ApolloServer<Context> {
  const limitsPlugin: ApolloServerPlugin<Context> = {
    async requestDidStart() {
      return {
        async didResolveOperation({ schema: served, document, request }) {
          const { operation } = checkLimits(served, document, request.variables, request.operationName);
          if (operation === OperationTypeNode.SUBSCRIPTION) {
            const remedy = 'Ask for it over WebSocket (graphql-ws) at this address.';
            refuse('BAD_USER_INPUT', `A subscription is not answered over HTTP. ${remedy}`);
          }
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
    validationOptions,
    persistedQueries: false,
    allowBatchedHttpRequests: false,
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: true,
    formatError: (formatted, error) => {
      // What never reaches a resolver (a body that is not GraphQL) is formatted here alone.
      const cause = unwrapResolverError(error);
      if (!(cause instanceof AppError || cause instanceof GraphQLError))
        return { message: 'Internal error.', extensions: { code: 'INTERNAL_SERVER_ERROR' } };
      return formatted.extensions?.code === 'BAD_REQUEST'
        ? { ...formatted, extensions: { code: 'BAD_USER_INPUT' } }
        : formatted;
    },
    plugins: [
      fastifyApolloDrainPlugin(app),
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginCacheControlDisabled(),
      limitsPlugin,
    ],
  });
}
