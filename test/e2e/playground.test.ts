import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { getIntrospectionQuery, Kind, type OperationDefinitionNode, parse } from 'graphql';
import { request as httpRequest } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { startFakeFlink, type FakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { examples } from '../../src/api/playground-examples.js';
import type { Data } from '../support/graphql-client.js';
import { uploadJob } from '../support/scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';

const token = 'a-token-of-at-least-32-characters';
let stateward: Stateward;
let guarded: Stateward;
let flink: FakeFlink;
beforeAll(async () => {
  stateward = await startStateward();
  guarded = await startStateward({ worker: false, env: { STATEWARD_API_TOKEN: token } });
  flink = await startFakeFlink();
});
afterAll(async () => {
  await stateward.stop();
  await guarded.stop();
  await flink.stop();
});

interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  bytes: Buffer;
  text: string;
}

const asBrowser = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };

/** One GET with exactly these headers, Host included, and the answer's bytes as they came. */
function get(path: string, headers: Record<string, string> = {}, from: Stateward = stateward): Promise<Reply> {
  const { hostname, port } = new URL(from.url);
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ hostname, port, path, headers }, async (answer) => {
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      const bytes = Buffer.concat(chunks);
      const text = (answer.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString();
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, bytes, text });
    });
    sent.on('error', reject).end();
  });
}

/** Addresses of what the page loads: its scripts, styles and icon. */
const resourcesOf = (html: string) =>
  [...html.matchAll(/\b(?:src|href)="([^"]+)"/g)].map(([, address = '']) => address);

const operationsOf = (query: string) =>
  parse(query).definitions.filter((one): one is OperationDefinitionNode => one.kind === Kind.OPERATION_DEFINITION);

describe('/graphql in a browser', () => {
  it('is a page that may not be framed, guessed about, or load and call anything but its own address', async () => {
    const { status, headers, text } = await get('/graphql', asBrowser);
    expect(status).toBe(200);
    expect(text).toContain('<title>Stateward playground</title>');
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
    });
    const policy = String(headers['content-security-policy']).split('; ');
    expect(policy).toEqual(
      expect.arrayContaining([
        `default-src 'none'`,
        `script-src 'self'`,
        `connect-src 'self'`,
        `frame-ancestors 'none'`,
      ]),
    );
    expect(policy.join()).not.toMatch(/https?:|\*|unsafe-eval/);
  });

  it('loads nothing from elsewhere, and everything that it loads is there', async () => {
    const { text } = await get('/graphql', asBrowser);
    const resources = resourcesOf(text);
    expect(resources.length).toBeGreaterThan(3);
    expect(text).not.toMatch(/@import|url\(/);
    for (const address of resources.filter((one) => !one.startsWith('data:'))) {
      expect(address).toMatch(/^playground\/[a-z]+\.(js|css)$/);
      const { status, headers } = await get(`/${address}`);
      expect({ address, status }).toEqual({ address, status: 200 });
      expect(headers['content-type']).toBe(
        address.endsWith('.css') ? 'text/css; charset=utf-8' : 'text/javascript; charset=utf-8',
      );
    }
    const css = (await get('/playground/graphiql.css')).text;
    expect([...css.matchAll(/@import|url\((?!["']?(?:data:|#))[^)]*\)/g)].map(([found]) => found)).toEqual([]);
    const workers = ['editorWorkerService', 'json', 'graphql'].map((label) => `/playground/${label}.worker.js`);
    for (const worker of workers) expect((await get(worker)).text.length).toBeGreaterThan(100_000);
  });

  it('comes zipped to whoever takes that, and is not sent again while it is the same', async () => {
    for (const path of ['/graphql', '/playground/graphiql.js', '/playground/start.js']) {
      const plain = await get(path, asBrowser);
      const zipped = await get(path, { ...asBrowser, 'accept-encoding': 'gzip, deflate, br' });
      expect(plain.headers['content-encoding']).toBeUndefined();
      expect(zipped.headers['content-encoding']).toBe('gzip');
      expect(zipped.text).toBe(plain.text);
      expect(zipped.bytes.length).toBeLessThan(plain.bytes.length);
      const again = await get(path, {
        ...asBrowser,
        'accept-encoding': 'gzip',
        'if-none-match': String(zipped.headers.etag),
      });
      expect({ status: again.status, bytes: again.bytes.length }).toEqual({ status: 304, bytes: 0 });
    }
  });

  it('starts with the examples, in a script that is whole', async () => {
    const { text } = await get('/playground/start.js');
    expect(() => new Function(text)).not.toThrow();
    for (const { query } of examples) expect(text).toContain(JSON.stringify(query));
  });

  it('needs no token where one is configured, and what it asks for does', async () => {
    expect(await get('/graphql', asBrowser, guarded)).toMatchObject({ status: 200 });
    for (const address of ['graphiql.js', 'graphiql.css', 'start.js'])
      expect(await get(`/playground/${address}`, {}, guarded)).toMatchObject({ status: 200 });
    expect(await get('/playground', asBrowser, guarded)).toMatchObject({ status: 401 });
    expect(await get('/artifacts/x.jar', asBrowser, guarded)).toMatchObject({ status: 401 });
    const asked = await fetch(`${guarded.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/html' },
      body: JSON.stringify({ query: '{ __typename }' }),
    });
    expect(asked.status).toBe(401);
  });

  it('is not there for pages and names of other sites', async () => {
    const foreign: Record<string, string>[] = [{ host: 'evil.example.org' }, { origin: 'http://evil.example.org' }];
    for (const headers of foreign)
      for (const path of ['/graphql', '/playground/graphiql.js'])
        expect(await get(path, { ...asBrowser, ...headers })).toMatchObject({ status: 403 });
  });

  it('has no other files', async () => {
    for (const file of ['index.html', '..%2f..%2fpackage.json', 'constructor'])
      expect(await get(`/playground/${file}`)).toMatchObject({ status: 404 });
  });
});

describe('GET /graphql by anything but a browser', () => {
  it('is refused with the way to ask, whatever it asks', async () => {
    const others: Record<string, string>[] = [{}, { accept: '*/*' }, { accept: 'application/json' }];
    for (const headers of others) {
      const { status, headers: answered, text } = await get('/graphql?query={__typename}', headers);
      expect({ status, allow: answered.allow }).toEqual({ status: 405, allow: 'POST' });
      expect(JSON.parse(text).errors[0]).toMatchObject({
        message: expect.stringContaining('POST'),
        extensions: { code: 'BAD_USER_INPUT' },
      });
    }
  });
});

describe('the schema', () => {
  it('is told to GraphiQL over HTTP and over WebSocket', async () => {
    const query = getIntrospectionQuery({ inputValueDeprecation: true, schemaDescription: true });
    for (const one of [query, getIntrospectionQuery()]) {
      const overHttp = await stateward.ask(one);
      expect(overHttp.__schema.queryType.name).toBe('Query');
      expect(await stateward.subscribe(one, {})).toEqual([overHttp]);
    }
  });
});

describe('the examples', () => {
  it('have names for their operations, and a value for each variable that has no default', () => {
    const names = examples.flatMap(({ query }) => operationsOf(query).map(({ name }) => name?.value));
    expect(names).not.toContain(undefined);
    expect(new Set(names).size).toBe(names.length);
    for (const { query, variables } of examples) {
      const used = operationsOf(query).flatMap((one) => one.variableDefinitions ?? []);
      expect(new Set(Object.keys(variables))).toEqual(new Set(used.map(({ variable }) => variable.name.value)));
    }
  });

  it('fit into the width of an editor', () => {
    for (const { query } of examples) for (const line of query.split('\n')) expect(line.length).toBeLessThanOrEqual(64);
  });

  it.each([['HTTP'], ['WebSocket']])(
    'work one after the other, with queries and mutations over %s',
    async (transport) => {
      /** Runs one of the operations as GraphiQL does: its whole tab, the operation's name, and all values of the tab. */
      const run = async (name: string, values: object): Promise<Data[]> => {
        const tab = examples.find(({ query }) => operationsOf(query).some((one) => one.name?.value === name));
        const operation = operationsOf(tab?.query ?? '').find((one) => one.name?.value === name);
        if (!tab || !operation) throw new Error(`No example has an operation ${name}`);
        left.delete(name);
        const all = { ...tab.variables, ...values };
        const until = name === 'FollowDeployment' ? isLastEvent : undefined;
        if (operation.operation === 'subscription' || transport === 'WebSocket')
          return stateward.subscribe(tab.query, all, until, name);
        return [await stateward.ask(tab.query, all, name)];
      };
      const isLastEvent = (data: Data) => data.deploymentEvents.event.type === 'SAVEPOINT_COMPLETED';
      const left = new Set(examples.flatMap(({ query }) => operationsOf(query).map(({ name }) => name?.value)));

      await stateward.services.database.changed(`update cluster set url = url || '/gone/' || id where url = $1`, [
        flink.url,
      ]);
      const [{ registerCluster: cluster }] = (await run('RegisterCluster', { name: transport, url: flink.url })) as [
        Data,
      ];
      expect(cluster).toMatchObject({ __typename: 'Cluster', state: 'REACHABLE' });
      const [{ clusters }] = (await run('Clusters', {})) as [Data];
      expect(clusters.edges.map(({ node }: Data) => node.id)).toContain(cluster.id);

      const artifactId = await uploadJob(stateward);
      const [{ artifacts }] = (await run('Artifacts', {})) as [Data];
      expect(artifacts.edges[0].node.id).toBe(artifactId);
      const values = { name: `job ${transport}`, clusterId: cluster.id, artifactId };
      const [{ createDeployment: deployment }] = (await run('CreateDeployment', values)) as [Data];
      expect(deployment).toMatchObject({ __typename: 'Deployment' });
      const [{ startDeployment: job }] = (await run('StartDeployment', { deploymentId: deployment.id })) as [Data];
      expect(job).toMatchObject({ __typename: 'Job', run: 1 });
      const [started] = (await run('WaitForStart', { jobId: job.id })) as [Data];
      expect(started.job).toMatchObject({ state: 'RUNNING' });

      flink.knobs.savepointDurationMs = 1_500;
      const [{ createSavepoint: savepoint }] = (await run('CreateSavepoint', { deploymentId: deployment.id })) as [
        Data,
      ];
      expect(savepoint).toMatchObject({ __typename: 'Savepoint' });
      const seen = (await run('FollowSavepoint', { savepointId: savepoint.id })).map(
        ({ savepointProgress }) => savepointProgress.savepoint,
      );
      expect(seen[0]).toMatchObject({ state: 'IN_PROGRESS' });
      expect(seen.at(-1)).toMatchObject({ state: 'COMPLETED', location: expect.stringContaining('/savepoint-') });

      const { id: deploymentId } = deployment;
      const [{ previewSchedule }] = (await run('PreviewSchedule', { deploymentId })) as [Data];
      expect(previewSchedule).toMatchObject({
        __typename: 'SchedulePreview',
        sentence: expect.stringContaining('Every 30 minutes'),
        warnings: [],
      });
      expect(previewSchedule.nextSlots).toHaveLength(5);
      const once = { expression: '0 3 29 2 *', zone: 'UTC' }; // not while this test runs
      const [{ setSavepointSchedule }] = (await run('SetSchedule', { deploymentId, ...once })) as [Data];
      expect(setSavepointSchedule).toMatchObject({ __typename: 'SavepointSchedule', nextSlotAt: expect.any(String) });
      const [{ previewRetention }] = (await run('PreviewRetention', { deploymentId })) as [Data];
      expect(previewRetention).toMatchObject({
        __typename: 'RetentionPreview',
        goes: [],
        stays: [{ savepoint: { id: savepoint.id }, why: 'ORIGIN' }],
        freedBytes: 0,
      });
      const [{ setRetentionPolicy }] = (await run('SetRetention', { deploymentId })) as [Data];
      expect(setRetentionPolicy).toMatchObject({ id: deploymentId, retention: { sweepAt: expect.any(String) } });

      const [{ deleteSavepoint: refused }] = (await run('DeleteSavepoint', { savepointId: savepoint.id })) as [Data];
      expect(refused).toMatchObject({ __typename: 'SavepointProtected', protections: [{ kind: 'NEWEST_GOOD' }] });
      const [{ createSavepoint: newer }] = (await run('CreateSavepoint', { deploymentId })) as [Data];
      await run('FollowSavepoint', { savepointId: newer.id });
      const [{ deleteSavepoint: going }] = (await run('DeleteSavepoint', { savepointId: savepoint.id })) as [Data];
      expect(going).toMatchObject({ __typename: 'Savepoint', id: savepoint.id, state: 'DELETING' });
      const [gone] = (await run('WaitForDeletion', { savepointId: savepoint.id })) as [Data];
      expect(gone.savepoint).toMatchObject({ state: 'DELETED', proof: 'EMPTY', deletion: { rule: 'BY_HAND' } });
      expect(flink.disposed).toContain(seen.at(-1).location);

      const [history] = (await run('History', {})) as [Data];
      expect(history.savepoints.edges.slice(0, 2).map(({ node }: Data) => [node.id, node.state])).toEqual([
        [newer.id, 'COMPLETED'],
        [savepoint.id, 'DELETED'],
      ]);
      expect(history.events.edges.length).toBeGreaterThan(3);
      const events = await run('FollowDeployment', { deploymentId });
      expect(events[0].deploymentEvents).toMatchObject({ cursor: '1', event: { type: 'DEPLOYMENT_CREATED' } });
      const [{ checkCompatibility: check }] = (await run('CheckCompatibility', {
        deploymentId,
        artifactId: await uploadJob(stateward),
      })) as [Data];
      expect(check).toMatchObject({ __typename: 'CompatibilityCheck', snapshot: { kind: 'SAVEPOINT' } });
      const [{ compatibilityCheck }] = (await run('WaitForCheck', { checkId: check.id })) as [Data];
      expect(compatibilityCheck).toMatchObject({ state: 'COMPLETED', verdict: { mapping: 'FULLY_COMPATIBLE' } });
      expect([...left]).toEqual([]);
    },
  );
});
