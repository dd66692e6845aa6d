/** True for an error of the operating system with this code. By its shape: under jest, `instanceof Error` fails for errors of Node's own modules. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && codes.includes(String(error.code));
}
