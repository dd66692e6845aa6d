import { GraphQLError, Lexer, Source, TokenKind } from 'graphql';
import { limits } from './limits.js';
import { refuse } from './refuse-operation.js';

const opening = new Set<TokenKind>([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const closing = new Set<TokenKind>([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

/**
 * Called before parsing. GraphQL's parser calls itself for each bracket: 2,000 of them, which its limit of tokens lets
 * pass, end in a stack overflow, which looks like a bug of ours.
 */
export function refuseNesting(query: unknown): void {
  if (typeof query !== 'string') return; // for whoever reads the request to refuse
  const lexer = new Lexer(new Source(query));
  let open = 0;
  try {
    for (let tokens = 0; tokens <= limits.tokens; tokens += 1) {
      const { kind } = lexer.advance();
      if (kind === TokenKind.EOF) return;
      if (opening.has(kind)) open += 1;
      else if (closing.has(kind)) open -= 1;
      if (open > limits.brackets) break;
    }
  } catch (error) {
    if (error instanceof GraphQLError) return; // the parser stops here as well, and says so
    throw error;
  }
  if (open > limits.brackets) {
    const message = `Syntax Error: more than ${limits.brackets} brackets are open at once. Nest less.`;
    refuse('GRAPHQL_PARSE_FAILED', message);
  }
}
