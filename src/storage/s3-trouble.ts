import { AppError } from '../errors.js';
import type { S3Settings } from './s3-client.js';
import { StorageSilent } from './storage-calls.js';

/** What was asked for, and how. */
export interface AskedOfS3 extends S3Settings {
  bucket: string;
  /** As a location. */
  place: string;
}

/** It answers what no S3 answers. The message is ours. */
export class NotAsS3 extends Error {
  override readonly name = 'NotAsS3';
}

/** What is read of an error of the SDK, of Node or of a server. Its text is not: a server may repeat in it what it was sent. */
interface S3Fault {
  /** Of S3, of the SDK or of the operating system. */
  code: string;
  status: number | null;
  requestId: string | null;
  /** Where the bucket lies, if the server has said so. */
  region: string | null;
}

/** Why, and what to do about it: a sentence each, the first one in its middle. */
type Words = [why: string, remedy: string];
type Explain = (asked: AskedOfS3, fault: S3Fault) => Words;

const OF_BOTH = "in the environment of Stateward's API and worker";
const address = ({ endpoint, region }: AskedOfS3) => endpoint ?? `S3 in ${region ?? 'the region of the environment'}`;

const denied: Explain = ({ bucket }) => [
  `access to bucket ${bucket} is denied`,
  `Allow the credentials ${OF_BOTH} s3:ListBucket on bucket ${bucket} and s3:GetObject on what is below the storage's root, and kms:Decrypt where it is encrypted by a key.`,
];
const wrongRegion: Explain = ({ bucket, region }, fault) => [
  `bucket ${bucket} does not lie in ${region ?? 'the region of the environment'}${fault.region === null ? '' : `, but in ${fault.region}`}`,
  `Set STATEWARD_S3_REGION${fault.region === null ? ' to where the bucket lies' : `=${fault.region}`} ${OF_BOTH}.`,
];
const expired: Explain = ({ bucket }) => [
  `the credentials for bucket ${bucket} have expired, or their session token is not valid`,
  `Renew them ${OF_BOTH}; with a role they renew themselves.`,
];
const unknownName: Explain = (asked) => [
  `${address(asked)} has no address by which bucket ${asked.bucket} is reached`,
  asked.endpoint !== undefined && !asked.pathStyle
    ? `Correct STATEWARD_S3_ENDPOINT; where buckets are no part of the host's name, set STATEWARD_S3_PATH_STYLE=true ${OF_BOTH}.`
    : `Correct STATEWARD_S3_ENDPOINT and STATEWARD_S3_REGION ${OF_BOTH}, and look whether names are resolved there.`,
];
const notReached: Explain = (asked, { code }) => [
  `${address(asked)} cannot be reached for bucket ${asked.bucket} (${code})`,
  `Look whether it runs and whether a firewall lies between; correct STATEWARD_S3_ENDPOINT ${OF_BOTH}.`,
];
const cut: Explain = (asked, { code }) => [
  `the connection to ${address(asked)} for bucket ${asked.bucket} was cut (${code})`,
  'It is tried again; where it stays so, look at the network and at proxies on the way.',
];
const notTrusted: Explain = (asked, { code }) => [
  `the certificate of ${address(asked)} for bucket ${asked.bucket} is not trusted (${code})`,
  `Name its authority by NODE_EXTRA_CA_CERTS ${OF_BOTH}; where the bucket's name holds dots, set STATEWARD_S3_PATH_STYLE=true.`,
];
const tooMuch: Explain = (asked, { code }) => [
  `${address(asked)} has trouble of its own with bucket ${asked.bucket} (${code})`,
  'It is tried again; where it stays so, ask whoever runs it.',
];

const byCode: Record<string, Explain> = {
  AccessDenied: denied,
  AllAccessDisabled: denied,
  AccountProblem: denied,
  NoSuchBucket: (asked) => [
    `there is no bucket ${asked.bucket} at ${address(asked)}`,
    "Correct the storage's readRoot with updateStorage, or STATEWARD_S3_ENDPOINT.",
  ],
  InvalidBucketName: ({ bucket }) => [
    `${bucket} cannot be the name of a bucket there`,
    "Correct the storage's readRoot with updateStorage.",
  ],
  PermanentRedirect: wrongRegion,
  AuthorizationHeaderMalformed: wrongRegion,
  IllegalLocationConstraintException: wrongRegion,
  RequestTimeTooSkewed: ({ bucket }) => [
    `the clock of this machine differs from that of S3 by too much to sign requests for bucket ${bucket}`,
    "Set the clock of the machine of Stateward's API and worker, by NTP.",
  ],
  SignatureDoesNotMatch: ({ bucket }) => [
    `the signature of a request for bucket ${bucket} is not accepted`,
    `Look whether AWS_SECRET_ACCESS_KEY ${OF_BOTH} is complete and belongs to AWS_ACCESS_KEY_ID, whether the clock there is right, and whether a proxy changes requests.`,
  ],
  InvalidAccessKeyId: (asked) => [
    `the access key for bucket ${asked.bucket} is not known to ${address(asked)}`,
    `Correct AWS_ACCESS_KEY_ID ${OF_BOTH}; temporary credentials need AWS_SESSION_TOKEN too.`,
  ],
  ExpiredToken: expired,
  ExpiredTokenException: expired,
  InvalidToken: expired,
  TokenRefreshRequired: expired,
  CredentialsProviderError: ({ bucket }) => [
    `there are no credentials for bucket ${bucket}`,
    `Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY ${OF_BOTH}, or give both a profile or a role.`,
  ],
  RegionIsMissing: ({ bucket }) => [
    `it is not known in which region bucket ${bucket} lies`,
    `Set STATEWARD_S3_REGION ${OF_BOTH}; us-east-1 where the endpoint is not of AWS and has no regions.`,
  ],
  InvalidObjectState: () => [
    'it is archived',
    "Restore it from the archive of S3 first, and keep the bucket's rules from archiving state.",
  ],
  TimeoutError: notReached,
  SlowDown: tooMuch,
  InternalError: tooMuch,
  ServiceUnavailable: tooMuch,
  ENOTFOUND: unknownName,
  EAI_AGAIN: unknownName,
  ECONNREFUSED: notReached,
  EHOSTUNREACH: notReached,
  ENETUNREACH: notReached,
  ETIMEDOUT: notReached,
  ECONNRESET: cut,
  EPIPE: cut,
  ERR_STREAM_PREMATURE_CLOSE: cut,
};

/** Trouble with S3, in words: which bucket, why, and the remedy. Nothing of what was sent is in it, nor in its cause. */
export function s3Trouble(error: unknown, asked: AskedOfS3): AppError {
  const [why, remedy, cause] = explain(error, asked);
  return new AppError('STORAGE_UNREADABLE', `${asked.place} cannot be read: ${why}. ${remedy}`, { cause });
}

function explain(error: unknown, asked: AskedOfS3): [...Words, Error] {
  if (error instanceof StorageSilent) {
    const look = `Look at ${address(asked)}, which has bucket ${asked.bucket}, at the network on the way, and at where the credentials come from.`;
    return [error.message, look, error];
  }
  if (error instanceof NotAsS3)
    return [error.message, `Look whether ${address(asked)}, which has bucket ${asked.bucket}, is an S3.`, error];
  const fault = faultOf(error);
  const { code, status, requestId } = fault;
  const cause = new Error(
    [`S3: ${code}`, status !== null && `HTTP ${status}`, requestId !== null && `request ${requestId}`]
      .filter((word) => word !== false)
      .join(', '),
  );
  return [...(byCode[code] ?? byStatus(fault))(asked, fault), cause];
}

function byStatus({ code, status }: S3Fault): Explain {
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|^ERR_(SSL|TLS)/.test(code)) return notTrusted;
  if (status === 301 || status === 307) return wrongRegion;
  if (status === 401 || status === 403) return denied;
  if (status === 429 || (status !== null && status >= 500)) return tooMuch;
  return (asked) => [
    `${address(asked)} answered what is not understood for bucket ${asked.bucket} (${code}${status === null ? '' : `, HTTP ${status}`})`,
    'Look whether STATEWARD_S3_ENDPOINT is the address of an S3, and of nothing before it.',
  ];
}

interface OfSdk {
  name?: unknown;
  code?: unknown;
  message?: unknown;
  Region?: unknown;
  $metadata?: { httpStatusCode?: unknown; requestId?: unknown };
  $response?: { headers?: Record<string, unknown>; statusCode?: unknown };
}

function faultOf(error: unknown): S3Fault {
  const { name, code, message, Region, $metadata, $response } = (error ?? {}) as OfSdk;
  const status = $metadata?.httpStatusCode ?? $response?.statusCode;
  return {
    code: message === 'Region is missing' ? 'RegionIsMissing' : (wordOf(code) ?? wordOf(name) ?? 'unknown'),
    status: typeof status === 'number' ? status : null,
    requestId: wordOf($metadata?.requestId),
    region: wordOf(Region) ?? wordOf($response?.headers?.['x-amz-bucket-region']),
  };
}

/** Short and plain, or nothing. */
const wordOf = (value: unknown) => (typeof value === 'string' && /^[\w.-]{1,64}$/.test(value) ? value : null);
