import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (text: string) => createHash('sha256').update(text).digest();

/**
 * Who calls, or null when the token is missing or wrong. Without a configured token the API listens on loopback only
 * (config.ts sees to it) and everybody there is "local".
 */
export function authenticate(apiToken: string | undefined, authorization: string | undefined): string | null {
  if (apiToken === undefined) return 'local';
  const [, given] = /^Bearer ([\x21-\x7e]+)$/i.exec(authorization ?? '') ?? [];
  return given !== undefined && timingSafeEqual(digest(given), digest(apiToken)) ? 'api-token' : null;
}

/**
 * Whether a request may have been sent by a page of another site in somebody's browser. Without a token the address
 * that the browser used must be a loopback one too (DNS rebinding); an Origin, where there is one, must be our own.
 */
export function isForeign(apiToken: string | undefined, host: string | undefined, origin: string | undefined): boolean {
  const name = (host ?? '').replace(/:\d+$/, '').toLowerCase();
  const local = name === 'localhost' || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name);
  if (apiToken === undefined && !local) return true;
  if (!origin) return false;
  try {
    return new URL(origin).host !== host;
  } catch {
    return true; // "null" and whatever else is no origin of ours
  }
}
