/** The body of an answer that no GraphQL operation gave, in the shape of one that did. */
export const problem = (code: string, message: string) => ({ errors: [{ message, extensions: { code } }] });

export const foreignOrigin = problem(
  'FORBIDDEN_ORIGIN',
  'This API answers no pages of other sites. Call it by the address that it listens on.',
);
