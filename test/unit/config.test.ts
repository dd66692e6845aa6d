import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadConfig, requireDatabaseUrl, settings } from '../../src/config.js';
import { AppError } from '../../src/errors.js';

const problemsOf = (env: Record<string, string>): AppError => {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('The configuration was accepted');
};

describe('the configuration', () => {
  it('has a default for every setting', () => {
    expect(loadConfig({})).toEqual({
      databaseUrl: undefined,
      redisUrl: undefined,
      redisPrefix: 'stateward',
      host: '127.0.0.1',
      port: 4000,
      apiToken: undefined,
      dataFolder: resolve('.stateward'),
      artifactFolder: resolve('.stateward/artifacts'),
      artifactMaxBytes: 512 * 1024 * 1024,
      requestMaxBytes: 256 * 1024,
      socketsPerClient: 50,
      subscriptionsPerClient: 200,
      databaseConnections: 10,
      checkpointDays: 30,
      leastSlotIntervalMs: 600_000,
      leftBehindAfterMs: 86_400_000,
      planJars: true,
      s3: { endpoint: undefined, region: undefined, pathStyle: false },
      secrets: new Map(),
      logLevel: 'info',
    });
  });

  it('counts an empty variable as absent and ignores what it does not know', () => {
    expect(loadConfig({ STATEWARD_PORT: '', DATABASE_URL: '', STATEWARD_API_TOKEN: '', PATH: '/bin' })).toEqual(
      loadConfig({}),
    );
  });

  it('keeps uploaded jars below the data folder unless told otherwise', () => {
    expect(loadConfig({ STATEWARD_DATA_FOLDER: '/data' }).artifactFolder).toBe('/data/artifacts');
    const apart = loadConfig({ STATEWARD_DATA_FOLDER: '/data', STATEWARD_ARTIFACT_FOLDER: '/shared/jars' });
    expect(apart).toMatchObject({ dataFolder: '/data', artifactFolder: '/shared/jars' });
  });

  it('names every problem at once', () => {
    const { code, message } = problemsOf({
      STATEWARD_PORT: '70000',
      DATABASE_URL: 'mysql://db/stateward',
      STATEWARD_API_TOKEN: 'short',
      STATEWARD_LOG_LEVEL: 'loud',
      STATEWARD_ARTIFACT_MAX_BYTES: 'plenty',
    });
    expect(code).toBe('BAD_CONFIGURATION');
    for (const name of [
      'STATEWARD_PORT',
      'DATABASE_URL',
      'STATEWARD_API_TOKEN',
      'STATEWARD_LOG_LEVEL',
      'STATEWARD_ARTIFACT_MAX_BYTES',
    ]) {
      expect(message).toContain(`${name}:`);
    }
  });

  it('does not repeat secrets in what it says of them', () => {
    const { message } = problemsOf({ STATEWARD_API_TOKEN: 'hush-hush', DATABASE_URL: 'mysql://u:hush-hush@db/x' });
    expect(message).not.toContain('hush-hush');
  });

  it.each(['0.0.0.0', '::', '192.168.1.5', 'stateward.example.org'])(
    'refuses to listen on %s without a token, and does with one',
    (STATEWARD_HOST) => {
      expect(problemsOf({ STATEWARD_HOST }).message).toMatch(/STATEWARD_API_TOKEN/);
      const token = 'x'.repeat(32);
      expect(loadConfig({ STATEWARD_HOST, STATEWARD_API_TOKEN: token })).toMatchObject({
        host: STATEWARD_HOST,
        apiToken: token,
      });
    },
  );

  it('takes where S3 is reached, and says of each part what it may be', () => {
    const given = {
      STATEWARD_S3_ENDPOINT: 'http://10.0.0.1:9000',
      STATEWARD_S3_REGION: 'eu-central-1',
      STATEWARD_S3_PATH_STYLE: 'true',
    };
    expect(loadConfig(given).s3).toEqual({ endpoint: 'http://10.0.0.1:9000', region: 'eu-central-1', pathStyle: true });
    const bad = { STATEWARD_S3_ENDPOINT: 's3', STATEWARD_S3_REGION: 'Frankfurt!', STATEWARD_S3_PATH_STYLE: 'yes' };
    for (const name of Object.keys(bad)) expect(problemsOf(bad).message).toContain(`${name}:`);
    for (const STATEWARD_S3_ENDPOINT of ['https://s3.example.org/bucket', 'https://key:hush-hush@s3.example.org']) {
      const { message } = problemsOf({ STATEWARD_S3_ENDPOINT });
      expect(message).toMatch(/STATEWARD_S3_ENDPOINT: must be http/);
      expect(message).not.toContain('hush-hush');
    }
  });

  it.each(['127.0.0.1', '::1', 'localhost'])('needs no token on %s', (STATEWARD_HOST) => {
    expect(loadConfig({ STATEWARD_HOST })).toMatchObject({ host: STATEWARD_HOST, apiToken: undefined });
  });

  it('asks for DATABASE_URL where a process cannot do without one', () => {
    expect(() => requireDatabaseUrl(loadConfig({}))).toThrow(/DATABASE_URL is not set/);
    const url = 'postgresql://db/stateward';
    expect(requireDatabaseUrl(loadConfig({ DATABASE_URL: url }))).toBe(url);
  });
});

describe('.env.example', () => {
  const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8');
  const lines = [...text.matchAll(/^(#?)([A-Z][A-Z0-9_]*)=(.*)$/gm)];
  const shown = new Map(lines.map(([, off, name = '', value = '']) => [name, { off: off === '#', value }]));
  const known = Object.keys(settings.shape);

  it('lists every setting once, and no other', () => {
    expect(lines.map(([, , name]) => name).sort()).toEqual([...known].sort());
  });

  it('shows each default, and as a comment what has none', () => {
    const defaults = settings.parse({}) as Record<string, unknown>;
    for (const [name, { off, value }] of shown) {
      if (defaults[name] === undefined) expect({ name, off }).toEqual({ name, off: true });
      else expect({ name, off, value }).toEqual({ name, off: false, value: String(defaults[name]) });
    }
  });
});
