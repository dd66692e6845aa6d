import { AppError } from '../errors.js';

const MOST_MS = 60_000;

/** Throws BAD_USER_INPUT when `waitMs` is not between 0 and 60,000. */
export function checkWait(waitMs: number | null | undefined): number {
  const wait = waitMs ?? 0;
  if (wait < 0 || wait > MOST_MS)
    throw new AppError('BAD_USER_INPUT', `waitMs: ${wait} is not between 0 and ${MOST_MS}. Ask again to wait longer.`);
  return wait;
}
