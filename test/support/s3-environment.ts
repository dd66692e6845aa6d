import dns from 'node:dns';
import type { S3Settings } from '../../src/storage/s3-client.js';
import { S3_KEY } from './s3-server.js';

const OF_SDK = {
  AWS_ACCESS_KEY_ID: S3_KEY.id,
  AWS_SECRET_ACCESS_KEY: S3_KEY.secret,
  AWS_SESSION_TOKEN: undefined,
  AWS_PROFILE: undefined,
  AWS_REGION: undefined,
  AWS_DEFAULT_REGION: undefined,
  AWS_CONTAINER_CREDENTIALS_FULL_URI: undefined,
  AWS_CONFIG_FILE: '/nowhere',
  AWS_SHARED_CREDENTIALS_FILE: '/nowhere',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
};

/** What the SDK finds in the environment is what the S3 of the tests takes, unless told otherwise. Answers how to undo it. */
export function setS3Environment(other: Record<string, string | undefined> = {}): () => void {
  const wanted: Record<string, string | undefined> = { ...OF_SDK, ...other };
  const before = Object.fromEntries(Object.keys(wanted).map((name) => [name, process.env[name]]));
  const set = (values: Record<string, string | undefined>) => {
    for (const [name, value] of Object.entries(values))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  };
  set(wanted);
  return () => set(before);
}

/** Lets `state.localhost` be this machine, which not every resolver knows, and no `.invalid` be known. Answers how to undo it. */
export function resolveNames(): () => void {
  const { lookup } = dns;
  const known = (
    name: string,
    options: dns.LookupAllOptions,
    done: (error: Error | null, found: dns.LookupAddress[]) => void,
  ) => {
    if (!name.endsWith('.invalid')) return lookup(name.endsWith('.localhost') ? '127.0.0.1' : name, options, done);
    const hostname = { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: name };
    process.nextTick(done, Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), hostname), []);
  };
  dns.lookup = known as unknown as typeof lookup;
  return () => void (dns.lookup = lookup);
}

export const s3Settings = (port: number, pathStyle = true): S3Settings => ({
  endpoint: `http://${pathStyle ? '127.0.0.1' : 'localhost'}:${port}`,
  region: S3_KEY.region,
  pathStyle,
});
