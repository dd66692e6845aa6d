import { setTimeout as sleep } from 'node:timers/promises';

/** What a client asked for, and everything that it was told. */
export interface Asked {
  kind: 'SAVEPOINT' | 'START' | 'STOP';
  deploymentId: string;
  /** What else the input says. */
  input: object;
  key: string;
  /** Ids of the savepoint, run or stop in each answer: more than one when it was asked again. */
  ids: string[];
  /** Codes of refusals, in words. */
  refusals: string[];
  /** Errors that a client cannot act on: neither a refusal nor one that says "again". */
  bugs: string[];
  /** Tries, answered or not. */
  tries: number;
  askedAt: number;
  answeredAt: number | null;
}

const ANSWER_WITHIN_MS = 5_000;
const AGAIN_AFTER_MS = 200;
/** Refusals that pass: the job is being recovered by Flink, the one before has just ended, or its end is being read. */
const PASSING = ['DEPLOYMENT_NOT_RUNNING', 'SAVEPOINT_IN_PROGRESS', 'CLUSTER_CHANGED', 'LATEST_STATE_UNCERTAIN'];

const mutationOf = (field: string, type: string, input: string) =>
  `mutation($input: ${input}!) { answer: ${field}(input: $input) { ... on ${type} { id } ... on UserError { code message } } }`;
const mutations = {
  SAVEPOINT: mutationOf('createSavepoint', 'Savepoint', 'CreateSavepointInput'),
  START: mutationOf('startDeployment', 'Job', 'StartDeploymentInput'),
  STOP: mutationOf('stopDeployment', 'Stop', 'StopDeploymentInput'),
};

interface Reply {
  data?: { answer: { id?: string; code?: string; message?: string } } | null;
  errors?: { message: string; extensions: { code: string; retryable?: boolean } }[];
}

export const newRequest = (kind: Asked['kind'], deploymentId: string, key: string, input: object): Asked => ({
  kind,
  deploymentId,
  input,
  key,
  ids: [],
  refusals: [],
  bugs: [],
  tries: 0,
  askedAt: Date.now(),
  answeredAt: null,
});

/** Sends the request with its key again and again until it is accepted, or declined for good. A refusal that passes is waited out. */
export async function askUntilAnswered(url: string, asked: Asked, signal: AbortSignal): Promise<void> {
  const { deploymentId, key, input } = asked;
  const variables = { input: { ...input, deploymentId, idempotencyKey: key } };
  for (; !signal.aborted; await sleep(AGAIN_AFTER_MS)) {
    asked.tries += 1;
    const reply = await post(url, mutations[asked.kind], variables);
    if (!reply) continue; // nobody answered: whether it was accepted is not known
    const [error] = reply.errors ?? [];
    if (error) {
      if (!error.extensions.retryable) asked.bugs.push(`${error.extensions.code}: ${error.message}`);
      continue;
    }
    const { id, code, message } = reply.data?.answer ?? {};
    if (id) asked.ids.push(id);
    else asked.refusals.push(`${code}: ${message}`);
    if (!id && PASSING.includes(code ?? '')) continue;
    asked.answeredAt = Date.now();
    return;
  }
}

/** null: no whole answer came. */
async function post(url: string, query: string, variables: object): Promise<Reply | null> {
  try {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    return (await response.json()) as Reply;
  } catch {
    return null; // refused, reset, cut off in the middle, or too late: all the same to a client
  }
}

/** For the set-up, where nothing is broken: the data, or an error. */
export async function ask<T>(url: string, query: string, variables: object): Promise<T> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data?: T; errors?: object };
  if (!data || errors) throw new Error(`The API answered ${JSON.stringify(errors)} to ${query}`);
  return data;
}
