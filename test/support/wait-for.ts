import { setTimeout as sleep } from 'node:timers/promises';

type Found<T> = Exclude<T, undefined | null | false | 0 | ''>;

/**
 * Asks every 20 ms until the condition holds, and returns what it gave. Errors of the condition count as "not yet";
 * the last one is the cause when time is up.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 10_000, what }: { timeoutMs?: number; what: string },
): Promise<Found<T>> {
  const deadline = Date.now() + timeoutMs;
  let last: string;
  let cause: unknown;
  do {
    try {
      const value = await condition();
      if (value) return value as Found<T>;
      last = `The last value was ${JSON.stringify(value) ?? 'undefined'}.`;
      cause = undefined;
    } catch (error) {
      last = `It last failed with: ${error instanceof Error ? error.message : String(error)}`;
      cause = error;
    }
    await sleep(20);
  } while (Date.now() < deadline);
  throw new Error(`Waited ${timeoutMs} ms for ${what}. ${last}`, { cause });
}
