import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import { receiveArtifact, type UploadRefusal } from '../artifact/receive-artifact.js';
import type { Services } from '../services.js';

const statusOf: Record<UploadRefusal['refusal'], number> = { BAD_NAME: 400, TOO_LARGE: 413, NOT_A_JAR: 422 };

/** `PUT /artifacts/<name>.jar`: plain HTTP, because jars are large and GraphQL is not for files. The body is streamed. */
export async function artifactUpload(app: FastifyInstance, { services }: { services: Services }): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    '*',
    (_request: FastifyRequest, payload: Readable, done: (error: null, body: Readable) => void) => done(null, payload),
  );
  app.put<{ Params: { name: string }; Body: Readable | undefined }>(
    '/artifacts/:name',
    { bodyLimit: services.config.artifactMaxBytes + 1 },
    async (request, reply) => {
      const length = Number(request.headers['content-length'] ?? 0);
      const tooLarge = length > services.config.artifactMaxBytes;
      const result = tooLarge
        ? ({
            refusal: 'TOO_LARGE',
            message: `The jar has ${length} bytes; at most ${services.config.artifactMaxBytes} are taken. Leave Flink's own classes out of it, or raise STATEWARD_ARTIFACT_MAX_BYTES.`,
          } satisfies UploadRefusal)
        : await receiveArtifact(services, request.params.name, request.body ?? request.raw);
      if ('refusal' in result) {
        void reply.header('connection', 'close'); // the rest of a body that nobody reads
        return reply.code(statusOf[result.refusal]).send({ error: { code: result.refusal, message: result.message } });
      }
      const { id, name, sha256, sizeBytes, mainClass } = result;
      return reply.code(201).send({ artifact: { id, name, sha256, sizeBytes, mainClass } });
    },
  );
}
