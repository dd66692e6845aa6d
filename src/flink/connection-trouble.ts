import { errors } from 'undici';
import { AppError } from '../errors.js';

const START_ADVICE = 'Is the JobManager running, and is this its REST address?';
const ADDRESS_ADVICE = "Check that the address is a JobManager's REST address.";

const UNREACHABLE: Record<string, string> = {
  ECONNREFUSED: `the connection was refused. ${START_ADVICE}`,
  ECONNRESET: `the connection was cut before the answer was complete. ${START_ADVICE}`,
  EPIPE: `the connection was cut before the answer was complete. ${START_ADVICE}`,
  UND_ERR_SOCKET: `the connection was cut before the answer was complete. ${START_ADVICE}`,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: `the connection was cut before the answer was complete. ${START_ADVICE}`,
  UND_ERR_CONNECT_TIMEOUT: `no connection came about in time. Look at the network and firewalls on the way, and whether the host is up.`,
  ETIMEDOUT: `no connection came about in time. Look at the network and firewalls on the way, and whether the host is up.`,
  UND_ERR_HEADERS_TIMEOUT: 'no answer came in time. Look whether the JobManager is overloaded, paused or cut off.',
  UND_ERR_BODY_TIMEOUT: 'the answer stopped midway. Look whether the JobManager is overloaded, paused or cut off.',
  ENOTFOUND: 'its host name is not known here. Check the spelling and the DNS of the machine that Stateward runs on.',
  EAI_AGAIN: 'its host name could not be looked up. Check the DNS of the machine that Stateward runs on.',
  EHOSTUNREACH: 'there is no route to its host. Look at the network between Stateward and Flink.',
  ENETUNREACH: 'there is no route to its network. Look at the network between Stateward and Flink.',
  UND_ERR_DESTROYED:
    'Stateward closed its connections while the call was under way. Look at the cluster for what it did of it.',
  UND_ERR_CLOSED: 'Stateward had closed its connections already. Ask again.',
};

/** What came instead of an answer, as an AppError: FLINK_UNREACHABLE, or NOT_A_FLINK when it was not HTTP. An AppError stays as it is. */
export function connectionTrouble(name: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = codeOf(error);
  if (error instanceof errors.HTTPParserError || code === 'UND_ERR_HEADERS_OVERFLOW') {
    return new AppError(
      'NOT_A_FLINK',
      `${name} answered something that is not HTTP: ${error instanceof Error ? error.message : code}. ${ADDRESS_ADVICE}`,
      { cause: error },
    );
  }
  const known = UNREACHABLE[code];
  const text = known ?? `${error instanceof Error ? error.message : String(error)} (${code}). ${START_ADVICE}`;
  return new AppError('FLINK_UNREACHABLE', `${name}: ${text}`, { cause: error });
}

/** A host name with several addresses fails with an AggregateError that holds one error each. */
function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'no code';
  if ('code' in error && typeof error.code === 'string') return error.code;
  if ('errors' in error && Array.isArray(error.errors) && error.errors.length > 0) return codeOf(error.errors[0]);
  return 'cause' in error && error.cause !== undefined ? codeOf(error.cause) : 'no code';
}
