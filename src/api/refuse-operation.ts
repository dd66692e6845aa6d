import { GraphQLError } from 'graphql';

/** Long enough for every message of ours; GraphQL's own ones quote the client's values, which may be as long as the body. */
const LONGEST_MESSAGE = 500;

/** The request's own fault, said before anything of it has run. */
export function refuse(code: string, message: string): never {
  const short = message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE)}…` : message;
  throw new GraphQLError(short, { extensions: { code, http: { status: 400 } } });
}
