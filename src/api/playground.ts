import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzipSync } from 'node:zlib';
import { loadGraphiql } from './playground-graphiql.js';
import { playgroundPage, playgroundScript } from './playground-page.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered without the API token: what it says is the same for everybody. */
    public?: boolean;
  }
}

/** What the page may load and call: its own address, and nothing else. GraphiQL's editor needs styles of its own making. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self' data:",
  "img-src 'self' data:",
  "connect-src 'self'", // the WebSocket of the same host and port included (CSP level 3)
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const types = { js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8' };

/**
 * GraphiQL for browsers at /graphql, complete without any other host. Page and files hold no data and ask for no token,
 * which a browser could not send with them; what the page then asks for does need it.
 */
export async function playground(app: FastifyInstance): Promise<void> {
  const page = gzipSync(playgroundPage);
  const script = gzipSync(playgroundScript);

  app.get('/graphql', { config: { public: true } }, async (request, reply) => {
    void reply.header('vary', 'accept, accept-encoding');
    if (!request.headers.accept?.includes('text/html')) {
      const message =
        'GraphQL is asked with POST and content-type: application/json, subscriptions with a WebSocket (graphql-ws) at this address. A browser gets the playground here.';
      return reply
        .code(405)
        .header('allow', 'POST')
        .send({ errors: [{ message, extensions: { code: 'BAD_USER_INPUT' } }] });
    }
    void reply.headers({
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
    });
    return sendZipped(request, reply, 'text/html; charset=utf-8', page);
  });

  app.get<{ Params: { file: string } }>('/playground/:file', { config: { public: true } }, async (request, reply) => {
    const { file } = request.params;
    const zipped = file === 'start.js' ? script : (await loadGraphiql()).get(file);
    if (!zipped) return reply.callNotFound();
    void reply.header('vary', 'accept-encoding');
    return sendZipped(request, reply, types[file.endsWith('.css') ? 'css' : 'js'], zipped);
  });
}

/** Kept by the browser, which asks each time whether it is still the same: another version is seen at once. */
async function sendZipped(request: FastifyRequest, reply: FastifyReply, type: string, zipped: Buffer) {
  const asZip = /\bgzip\b/.test(request.headers['accept-encoding']?.toString() ?? '');
  const digest = createHash('sha256').update(zipped).digest('base64url');
  const etag = `"${digest}${asZip ? '-gzip' : ''}"`;
  void reply.headers({
    etag,
    'cache-control': 'no-cache',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
  });
  if (request.headers['if-none-match'] === etag) return reply.code(304).send();
  void reply.type(type);
  return asZip ? reply.header('content-encoding', 'gzip').send(zipped) : reply.send(await promisify(gunzip)(zipped));
}
