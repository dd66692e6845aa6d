import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { AppError } from '../errors.js';
import type { Logger } from '../logger.js';

/**
 * The one place that decides what of an error a client sees, on HTTP and on WebSocket. Trouble keeps its code and message; the
 * request's own fault is said; anything else is a bug: masked, logged with its stack, found by the request id.
 */
export function maskError(error: unknown, requestId: string, log: Logger): GraphQLFormattedError {
  const shell = error instanceof GraphQLError ? error : undefined;
  const cause = rootOf(error);
  const where = shell && {
    ...(shell.locations && { locations: shell.locations }),
    ...(shell.path && { path: shell.path }),
  };
  if (cause instanceof AppError) {
    log[cause.logLevel]({ err: cause, requestId }, 'request ended with an error');
    return {
      message: cause.message,
      ...where,
      extensions: { code: cause.code, retryable: cause.retryable, requestId },
    };
  }
  if (cause instanceof GraphQLError) {
    // graphql-js gives its own errors no code; what it cannot parse it calls so, a text of too many tokens included.
    const ownCode = cause.message.startsWith('Syntax Error') ? 'GRAPHQL_PARSE_FAILED' : 'GRAPHQL_VALIDATION_FAILED';
    const { code = ownCode } = cause.extensions;
    return { message: cause.message, ...where, extensions: { code, requestId } };
  }
  log.error({ err: cause, requestId }, 'request ended with a bug');
  return {
    message: `Internal error. Quote ${requestId} when you report it: the log of the API process has the details under this id.`,
    ...where,
    extensions: { code: 'INTERNAL_SERVER_ERROR', requestId },
  };
}

function rootOf(error: unknown): unknown {
  let cause = error;
  while (cause instanceof GraphQLError && cause.originalError) cause = cause.originalError;
  return cause;
}
