import { S3Client } from '@aws-sdk/client-s3';

/** How S3 is reached. Credentials are not among it: the SDK finds them, in the environment, a profile or the role of the machine. */
export interface S3Settings {
  /** undefined: that of AWS. */
  endpoint?: string | undefined;
  /** undefined: what AWS_REGION or a profile says. */
  region?: string | undefined;
  /** The bucket is named in the path and not in the host. */
  pathStyle: boolean;
}

export interface S3Limits {
  connectMs: number;
  /** Of one request, until the answer begins. */
  answerMs: number;
  /** From then on the storage does not answer: with all tries of a request, and for each {@link PIECE_BYTES} of what is read. */
  silentMs: number;
  /** Of one request. */
  tries: number;
  /** Of this process, to each host. */
  sockets: number;
}

export const S3_LIMITS: S3Limits = { connectMs: 3_000, answerMs: 6_000, silentMs: 15_000, tries: 3, sockets: 16 };

/** The SDK writes warnings to the console unless it is given this. What matters is thrown, too. */
const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

export function makeS3Client(settings: S3Settings, limits: S3Limits): S3Client {
  const agent = { keepAlive: true, maxSockets: limits.sockets };
  return new S3Client({
    ...(settings.endpoint === undefined ? {} : { endpoint: settings.endpoint }),
    ...(settings.region === undefined ? {} : { region: settings.region }),
    forcePathStyle: settings.pathStyle,
    maxAttempts: limits.tries,
    retryMode: 'standard',
    // Other object stores do not know the checksums that AWS has added.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    logger: silent,
    requestHandler: {
      connectionTimeout: limits.connectMs,
      requestTimeout: limits.answerMs,
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: agent,
      logger: silent,
    },
  });
}
