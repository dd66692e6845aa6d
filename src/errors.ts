/** How loudly an error is logged where it is swallowed. */
type LogLevel = 'warn' | 'error';

/**
 * Every code that an {@link AppError} may carry. `retryable`: the same request may succeed later without being changed.
 * docs/errors.md lists the same codes with their remedies; a test compares the two, both ways.
 */
export const errorCodes = {
  BAD_USER_INPUT: { retryable: false, logLevel: 'warn' },
  UNAUTHENTICATED: { retryable: false, logLevel: 'warn' },
  FLINK_UNREACHABLE: { retryable: true, logLevel: 'warn' },
  FLINK_ERROR: { retryable: true, logLevel: 'warn' },
  NOT_A_FLINK: { retryable: true, logLevel: 'warn' },
  STORAGE_UNREADABLE: { retryable: true, logLevel: 'warn' },
  OUTSIDE_STORAGE_ROOT: { retryable: false, logLevel: 'error' },
  DATABASE_UNAVAILABLE: { retryable: true, logLevel: 'error' },
  TASK_CRASHED: { retryable: false, logLevel: 'error' },
  ALREADY_RUNNING: { retryable: false, logLevel: 'error' },
  BAD_CONFIGURATION: { retryable: false, logLevel: 'error' },
} as const satisfies Record<string, { retryable: boolean; logLevel: LogLevel }>;

export type ErrorCode = keyof typeof errorCodes;

/** Trouble, as opposed to a refusal: thrown, never returned. The message says what happened, to what, and what to do next. */
export class AppError extends Error {
  override readonly name = 'AppError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  get retryable(): boolean {
    return errorCodes[this.code].retryable;
  }

  get logLevel(): LogLevel {
    return errorCodes[this.code].logLevel;
  }
}
