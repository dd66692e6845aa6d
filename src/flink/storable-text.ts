/**
 * A text of somebody's program, such as the name of an operator, as it is kept: PostgreSQL takes no NUL and no half of a surrogate pair,
 * and a Java program may have both in its names. Each becomes the sign for what cannot be shown.
 */
export const storableText = (text: string): string => text.replace(/[\0\p{Surrogate}]/gu, '\uFFFD');
