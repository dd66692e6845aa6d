import type { S3Client } from '@aws-sdk/client-s3';
import type { AppError } from '../errors.js';
import { makeS3Client, type S3Limits, type S3Settings } from './s3-client.js';
import { inWords, type S3Root } from './s3-root.js';
import { s3Trouble } from './s3-trouble.js';
import { StorageSilent } from './storage-calls.js';

/** What a request is about, for whoever reads what came of it. */
export interface AboutS3 {
  root: S3Root;
  path: string;
}

/**
 * All requests of this process to S3, through one set of sockets. Each has an end. Once one has got no answer, the others are turned away for as
 * long as it has waited, so that many looks one after the other do not each wait anew; the next one then tries again.
 */
export class S3Requests {
  private readonly client: S3Client;
  /** On the clock of this process, as all times here. */
  private answeredAt = -Infinity;
  /** It has not answered since then, and is not asked until then. */
  private silent: { since: number; until: number } | null = null;

  constructor(
    private readonly settings: S3Settings,
    readonly limits: S3Limits,
  ) {
    this.client = makeS3Client(settings, limits);
  }

  /** @throws AppError STORAGE_UNREADABLE */
  async send<T>(
    about: AboutS3,
    request: (client: S3Client, options: { abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    const now = performance.now();
    if (this.silent && now < this.silent.until) throw this.trouble(silence(now - this.silent.since), about);
    const giveUp = new AbortController();
    const end = endOfPatience(this.limits.silentMs, giveUp);
    try {
      // Credentials are waited for no longer either: the SDK looks for them as long as it takes.
      const answer = await Promise.race([request(this.client, { abortSignal: giveUp.signal }), end.comes]);
      this.answered();
      return answer;
    } catch (error) {
      if (!isSilence(error)) this.answered();
      else if (this.answeredAt < now) this.silent = { since: now, until: performance.now() + this.limits.silentMs };
      throw this.trouble(error, about);
    } finally {
      clearTimeout(end.timer);
    }
  }

  trouble(error: unknown, { root, path }: AboutS3): AppError {
    return s3Trouble(error, { bucket: root.bucket, place: inWords(root, path), ...this.settings });
  }

  close(): void {
    this.client.destroy();
  }

  /** Also with a refusal. */
  private answered(): void {
    this.answeredAt = performance.now();
    this.silent = null;
  }
}

export const silence = (ms: number) => new StorageSilent(`it has not answered for ${Math.round(ms / 1_000)} s`, false);

function endOfPatience(
  ms: number,
  giveUp: AbortController,
): { comes: Promise<never>; timer: NodeJS.Timeout | undefined } {
  let timer: NodeJS.Timeout | undefined;
  const comes = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(silence(ms));
      giveUp.abort();
    }, ms);
  });
  return { comes, timer };
}

/** Of all tries together, or of the last one, to connect or to be answered. */
const isSilence = (error: unknown) =>
  error instanceof StorageSilent || (error instanceof Error && error.name === 'TimeoutError');
