import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { loadConfig, settings } from '../../src/config.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (name: string) => readFileSync(join(root, name), 'utf8');

interface Service {
  build?: string;
  image?: string;
  command?: string;
  restart?: string;
  ports?: string[];
  volumes?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test?: string[]; disable?: boolean };
}

const composeText = read('docker-compose.yml');
const compose = parse(composeText, { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
const { services } = compose;
const packageJson = JSON.parse(read('package.json')) as { scripts: Record<string, string>; engines: { node: string } };

const service = (name: string): Service => {
  const found = services[name];
  if (!found) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
};

/** `volume:/path` or `volume:/path:ro` */
const mountsOf = (name: string) =>
  (service(name).volumes ?? []).map((mount) => {
    const [volume = '', path = '', mode = 'rw'] = mount.split(':');
    return { volume, path, mode };
  });

/** Instructions of the Dockerfile with their arguments, continued lines joined, by stage. */
const instructions = read('Dockerfile')
  .replace(/^#.*\n/gm, '')
  .replace(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => {
    const [, name = '', text = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    return { name, text };
  });
const stages = instructions.reduce<(typeof instructions)[]>((found, instruction) => {
  if (instruction.name === 'FROM') found.push([]);
  found.at(-1)?.push(instruction);
  return found;
}, []);
const [buildStage = [], finalStage = []] = stages;
const argumentsOf = (stage: typeof instructions, name: string) =>
  stage.filter((instruction) => instruction.name === name).map(({ text }) => text);

const ignoring = read('.dockerignore')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

/** For plain names and a lone star, which is all that .dockerignore has: the last line that matches decides. */
function isSentToTheBuild(path: string): boolean {
  const top = path.replace(/^\.\//, '').split('/')[0] ?? '';
  const matching = ignoring.filter((line) => line === '*' || line.replace(/^!/, '') === top);
  return matching.at(-1)?.startsWith('!') ?? true;
}

describe('docker-compose.yml', () => {
  it('runs PostgreSQL, Redis, the API, a worker and a Flink of two processes', () => {
    expect(Object.keys(services).sort()).toEqual(
      ['api', 'flink-state-owner', 'jobmanager', 'postgres', 'redis', 'taskmanager', 'worker'].sort(),
    );
  });

  it.each(Object.keys(services))('names the version of what %s runs', (name) => {
    const { image, build } = service(name);
    if (build !== undefined) return expect({ build, image }).toEqual({ build: '.', image: undefined });
    expect(image).toMatch(/^[a-z]+:\d[\w.-]*$/);
  });

  it.each([
    ['api', 'src/main'],
    ['worker', 'worker/main'],
  ])('starts the program of %s that is built from %s.ts', (name, source) => {
    expect(service(name).command).toBe(`node dist/${source}.js`);
    expect(existsSync(join(root, `${source}.ts`))).toBe(true);
  });

  it('lets Redis keep what it was given, and be on time', () => {
    expect(service('redis').command).toBe('redis-server --appendonly yes --maxmemory-policy noeviction --hz 100');
    expect(mountsOf('redis')).toEqual([{ volume: 'redis-data', path: '/data', mode: 'rw' }]);
  });

  it.each(
    Object.entries(services).flatMap(([name, { depends_on = {} }]) => Object.keys(depends_on).map((on) => [name, on])),
  )('lets %s wait for %s in a way that can come true', (name, on) => {
    const { condition } = service(name).depends_on?.[on] ?? {};
    const awaited = service(on);
    if (condition === 'service_healthy') return expect(awaited.healthcheck?.test?.[0]).toMatch(/^CMD(-SHELL)?$/);
    expect(condition).toBe('service_completed_successfully');
    expect(awaited.restart).toBeUndefined(); // else it is never over
  });

  it('lets the API and the worker wait for their database and their queue', () => {
    for (const name of ['api', 'worker'])
      expect(service(name).depends_on).toMatchObject({
        postgres: { condition: 'service_healthy' },
        redis: { condition: 'service_healthy' },
      });
  });

  it('asks PostgreSQL, Redis and the API whether they are well, and not the worker, which has no port', () => {
    expect(service('postgres').healthcheck?.test?.[1]).toBe('pg_isready');
    expect(service('redis').healthcheck?.test?.[1]).toContain('redis-cli ping');
    expect(service('api').healthcheck).toBeUndefined(); // the image's
    expect(service('worker').healthcheck).toEqual({ disable: true });
  });

  it('sets nothing that is no setting of Stateward', () => {
    const known = new Set(Object.keys(settings.shape));
    const texts = [composeText, read('Dockerfile')].join('\n').replace(/^\s*#.*$/gm, '');
    const used = new Set(texts.match(/\b(?:STATEWARD|DATABASE|REDIS)_[A-Z_]+\b/g));
    expect([...used].filter((name) => !known.has(name))).toEqual([]);
    expect([...used]).toEqual(
      expect.arrayContaining(['DATABASE_URL', 'REDIS_URL', 'STATEWARD_ARTIFACT_FOLDER', 'STATEWARD_API_TOKEN']),
    );
  });

  it('gives the API and the worker a configuration that they accept, about the same database, queue and jars', () => {
    const api = loadConfig(environmentOf('api', { STATEWARD_API_TOKEN: 'x'.repeat(32) }));
    const worker = loadConfig(environmentOf('worker'));
    for (const key of ['databaseUrl', 'redisUrl', 'redisPrefix', 'artifactFolder'] as const) {
      expect(api[key]).toBeDefined();
      expect(worker[key]).toBe(api[key]);
    }
    const { hostname, username, password, pathname } = new URL(api.databaseUrl ?? '');
    expect(Object.keys(services)).toContain(hostname);
    expect(service(hostname).environment).toEqual({
      POSTGRES_USER: username,
      POSTGRES_PASSWORD: password,
      POSTGRES_DB: pathname.slice(1),
    });
    expect(api.redisUrl).toBe('redis://redis:6379');
    expect(service('api').ports).toEqual([`127.0.0.1:${api.port}:${api.port}`]);
  });

  it('does not start without a token, since the API listens on every address of its container', () => {
    expect(environmentOf('api').STATEWARD_HOST).toBe('0.0.0.0');
    expect(service('api').environment?.STATEWARD_API_TOKEN).toMatch(/^\$\{STATEWARD_API_TOKEN:\?.+\}$/);
  });

  it('publishes ports to this machine alone', () => {
    const ports = Object.values(services).flatMap(({ ports: published = [] }) => published);
    expect(ports.filter((port) => !/^127\.0\.0\.1:\d+:\d+$/.test(port))).toEqual([]);
    expect(ports).toHaveLength(2);
  });

  it('shows Stateward what Flink writes: the same volume at the same path, read-only', () => {
    const properties = parse(service('jobmanager').environment?.FLINK_PROPERTIES ?? '') as Record<string, string>;
    expect(service('taskmanager').environment).toEqual(service('jobmanager').environment);
    const { path } = mountsOf('jobmanager')[0] ?? { path: '' };
    for (const key of ['execution.checkpointing.dir', 'execution.checkpointing.savepoint-dir'])
      expect(properties[key]).toMatch(new RegExp(`^file://${path}/`));
    expect(mountsOf('jobmanager')).toEqual([{ volume: 'flink-state', path, mode: 'rw' }]);
    expect(mountsOf('taskmanager')).toEqual(mountsOf('jobmanager'));
    for (const name of ['api', 'worker'])
      expect(mountsOf(name)).toContainEqual({ volume: 'flink-state', path, mode: 'ro' });
  });

  it('shares the folder of uploaded jars, and declares every volume that it mounts', () => {
    for (const name of ['api', 'worker'])
      expect(mountsOf(name)).toContainEqual({
        volume: 'artifacts',
        path: service(name).environment?.STATEWARD_ARTIFACT_FOLDER,
        mode: 'rw',
      });
    const mounted = new Set(Object.keys(services).flatMap((name) => mountsOf(name).map(({ volume }) => volume)));
    expect([...mounted].sort()).toEqual(Object.keys(compose.volumes).sort());
  });
});

describe('the Dockerfile', () => {
  const copied = argumentsOf(buildStage, 'COPY').flatMap((text) => text.split(/\s+/).slice(0, -1));

  it('copies only what exists and is not kept out by .dockerignore', () => {
    expect(copied.length).toBeGreaterThan(0);
    expect(copied.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    expect(ignoring.filter((line) => !/^(\*|!?[\w.-]+)$/.test(line))).toEqual([]);
    expect(copied.filter((path) => !isSentToTheBuild(path))).toEqual([]);
  });

  it.each(['.git', '.env', '.stateward', '.stateward-demo', 'node_modules', 'dist', '.cache', 'test'])(
    'does not send %s to the build',
    (path) => expect(isSentToTheBuild(path)).toBe(false),
  );

  it('runs scripts that package.json has', () => {
    const scripts = argumentsOf(buildStage, 'RUN').flatMap((text) => /^npm run (\S+)/.exec(text)?.[1] ?? []);
    expect(scripts).toEqual(['build']);
    expect(scripts.filter((name) => !(name in packageJson.scripts))).toEqual([]);
  });

  it('uses one version of Node that package.json allows', () => {
    const images = argumentsOf(instructions, 'FROM').map((text) => text.split(' ')[0]);
    expect(new Set(images)).toEqual(new Set(['node:20-bookworm-slim']));
    expect(packageJson.engines.node).toBe('>=20.19');
  });

  it('runs as a user that is not root, and starts the API unless told otherwise', () => {
    const after = finalStage.slice(finalStage.findIndex(({ name }) => name === 'USER'));
    expect(argumentsOf(finalStage, 'USER')).toEqual(['node']);
    expect(after.some(({ name }) => name === 'RUN' || name === 'COPY')).toBe(false);
    expect(JSON.parse(argumentsOf(finalStage, 'CMD')[0] ?? '')).toEqual(service('api').command?.split(' '));
  });

  describe('its health check', () => {
    const text = /CMD (\[.*\])$/.exec(argumentsOf(finalStage, 'HEALTHCHECK')[0] ?? '')?.[1] ?? '[]';
    const [program, ...options] = JSON.parse(text) as string[];
    let server: Server | undefined;
    let check: ChildProcess | undefined;

    afterEach(() => {
      check?.kill('SIGKILL');
      server?.close();
    });

    it.each([
      [200, 0],
      [503, 1],
    ])('takes an answer %i of /readyz as exit code %i', async (status, expected) => {
      const asked: (string | undefined)[] = [];
      server = createServer((request, response) => {
        asked.push(request.url);
        response.writeHead(status).end();
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      expect(await runCheck((server.address() as AddressInfo).port)).toBe(expected);
      expect(asked).toEqual(['/readyz']);
    });

    it('takes no answer as exit code 1', async () => {
      server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      server.close();
      await once(server, 'close');
      expect(await runCheck(port)).toBe(1);
    });

    async function runCheck(port: number): Promise<unknown> {
      expect(program).toBe('node');
      check = spawn(process.execPath, options, { env: { STATEWARD_PORT: String(port) }, stdio: 'ignore' });
      const [code] = (await once(check, 'exit')) as unknown[];
      return code;
    }
  });
});

/** As compose gives it: with what it takes from the outside put in. */
function environmentOf(name: string, outside: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(service(name).environment ?? {}).map(([key, value]) => [
      key,
      value.replace(/\$\{(\w+):\?[^}]*\}/g, (_, variable: string) => outside[variable] ?? ''),
    ]),
  );
}
