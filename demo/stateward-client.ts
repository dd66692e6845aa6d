import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { createClient } from 'graphql-ws';
import { request } from 'undici';
import { WebSocket } from 'ws';

/** Drives the API as any client would: HTTP for questions, a WebSocket to follow. */
export class StatewardClient {
  constructor(private readonly url: string) {}

  async ask<T>(query: string, variables: object = {}): Promise<T> {
    const { body } = await request(`${this.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const answer = (await body.json()) as { data?: T; errors?: { message: string }[] };
    if (answer.errors || !answer.data)
      throw new Error(answer.errors?.map((error) => error.message).join('; ') ?? 'an answer without data');
    return answer.data;
  }

  /** A mutation: the object, or an error that holds the refusal. */
  async change<T extends object>(name: string, input: object, fields: string): Promise<T> {
    const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input!`;
    const text = `mutation($input: ${type}) { ${name}(input: $input) { ${fields} ... on UserError { code message } } }`;
    const { [name]: result } = await this.ask<Record<string, T & { code?: string; message?: string }>>(text, { input });
    if (!result || result.code) throw new Error(`${name} was refused (${result?.code}): ${result?.message}`);
    return result;
  }

  async upload(path: string): Promise<{ id: string; sha256: string; sizeBytes: number }> {
    const { size } = await stat(path);
    const { body, statusCode } = await request(`${this.url}/artifacts/${basename(path)}`, {
      method: 'PUT',
      headers: { 'content-length': String(size), 'content-type': 'application/java-archive' },
      body: createReadStream(path),
    });
    const answer = (await body.json()) as {
      artifact?: { id: string; sha256: string; sizeBytes: number };
      error?: { message: string };
    };
    if (!answer.artifact) throw new Error(`The jar was not taken (HTTP ${statusCode}): ${answer.error?.message}`);
    return answer.artifact;
  }

  /** Delivers what a subscription says until it ends. */
  follow<T>(query: string, variables: Record<string, unknown>, next: (data: T) => void): Promise<void> {
    const client = createClient({
      url: `${this.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 10,
    });
    return new Promise<void>((resolve, reject) =>
      client.subscribe<T>(
        { query, variables },
        { next: ({ data }) => data && next(data), error: reject, complete: resolve },
      ),
    ).finally(() => void client.dispose());
  }
}
