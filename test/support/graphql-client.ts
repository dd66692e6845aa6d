import { createClient } from 'graphql-ws';
import { request } from 'undici';
import { WebSocket } from 'ws';

export interface GraphqlError {
  message: string;
  extensions: { code: string; requestId?: string; retryable?: boolean };
}

/** Answers are looked into by tests, which know what they asked for. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the shape is the query's
export type Data = any;

export interface GraphqlClient {
  /** Data of an operation; throws when there are errors. Where the text has several, the name says which. */
  ask(query: string, variables?: object, operationName?: string): Promise<Data>;
  /** The errors of an operation, which must have some. */
  askWrongly(query: string, variables?: object): Promise<GraphqlError[]>;
  /** Collects what a subscription delivers, until `until` says so, it ends, or it fails (then throws what it said). */
  subscribe(query: string, variables: object, until?: (data: Data) => boolean, operationName?: string): Promise<Data[]>;
}

export function graphqlClient(url: string, token?: string): GraphqlClient {
  const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) };
  const send = async (
    query: string,
    variables?: object,
    operationName?: string,
  ): Promise<{ data?: Data; errors?: GraphqlError[] }> => {
    const { body } = await request(`${url}/graphql`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ query, variables, operationName }),
    });
    return (await body.json()) as { data?: Data; errors?: GraphqlError[] };
  };
  return {
    ask: async (query, variables, operationName) => {
      const { data, errors } = await send(query, variables, operationName);
      if (errors) throw new Error(`Unexpected errors: ${JSON.stringify(errors)}`);
      return data;
    },
    askWrongly: async (query, variables) => {
      const answer = await send(query, variables);
      if (!answer.errors) throw new Error(`Expected errors, got ${JSON.stringify(answer.data)}`);
      return answer.errors;
    },
    subscribe: (query, variables, until, operationName) =>
      new Promise((resolve, reject) => {
        const seen: Data[] = [];
        const client = createClient({
          url: `${url.replace('http', 'ws')}/graphql`,
          webSocketImpl: WebSocket,
          retryAttempts: 0,
          connectionParams: token ? { authorization: `Bearer ${token}` } : undefined,
        });
        const end = (finish: () => void) => {
          finish();
          void client.dispose();
        };
        const unsubscribe = client.subscribe<Data>(
          { query, variables: variables as Record<string, unknown>, operationName },
          {
            next: ({ data, errors }) => {
              if (errors) return end(() => reject(errors));
              seen.push(data);
              if (until?.(data)) {
                unsubscribe();
                end(() => resolve(seen));
              }
            },
            error: (error) => end(() => reject(error)),
            complete: () => end(() => resolve(seen)),
          },
        );
      }),
  };
}
