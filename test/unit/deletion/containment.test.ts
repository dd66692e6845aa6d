import { describe, expect, it } from '@jest/globals';
import { posix } from 'node:path';
import { locationBelow, problemOfPlace, type WhereItLies } from '../../../src/deletion/containment.js';
import { normaliseLocation } from '../../../src/flink/location.js';

const STORAGE = 'storage';
const DIRECTORY = '0b8f2c3e-1111-4222-8333-444455556666/5d2f0c1a-7777-4888-9999-aaaabbbbcccc/1';
const PATH = `${DIRECTORY}/savepoint-2d6f2c-5f9a1b3c4d5e`;

const place = (more: Partial<WhereItLies> = {}): WhereItLies => ({
  kind: 'SAVEPOINT',
  origin: 'MANUAL',
  verified: true,
  selfContained: null,
  injectsEntropy: false,
  storageId: STORAGE,
  path: PATH,
  attempts: [{ storageId: STORAGE, directory: DIRECTORY }],
  ...more,
});

describe('the place of a savepoint', () => {
  it.each<[string, Partial<WhereItLies>]>([
    ['that Flink wrote into the directory of its attempt', {}],
    [
      'of a later attempt',
      {
        path: PATH.replace('/1/', '/2/'),
        attempts: [1, 2].map((n) => ({ storageId: STORAGE, directory: DIRECTORY.replace(/1$/, String(n)) })),
      },
    ],
    ['of a stop', { origin: 'STOP' }],
    ['whose _metadata was read, in a storage that injects entropy', { selfContained: true, injectsEntropy: true }],
    [
      'that was imported, wherever it lies',
      { origin: 'IMPORTED', selfContained: true, attempts: [], path: 'old/place/savepoint-abc-def' },
    ],
    [
      'that was imported from the root itself',
      { origin: 'IMPORTED', selfContained: true, attempts: [], path: 'savepoint-abc-def' },
    ],
  ])('is one where Stateward deletes: %s', (_, more) => {
    expect(problemOfPlace(place(more))).toBeNull();
  });

  it.each<[string, Partial<WhereItLies>, RegExp]>([
    ['no storage', { storageId: null }, /no storage/],
    ['no path', { path: null }, /no storage/],
    ['the root itself', { path: '' }, /plain path/],
    ['the directory of the attempt', { path: DIRECTORY }, /not named/],
    ['a checkpoint', { path: `${DIRECTORY}/chk-7` }, /not named/],
    ['a reference to a checkpoint', { kind: 'CHECKPOINT' }, /checkpoint/],
    ['a file of it', { path: `${PATH}/_metadata` }, /not named/],
    ['another storage', { attempts: [{ storageId: 'other', directory: DIRECTORY }] }, /elsewhere/],
    ['another directory', { path: PATH.replace('/1/', '/2/') }, /elsewhere/],
    ['one folder deeper', { path: `${DIRECTORY}/more/savepoint-2d6f2c-5f9a1b3c4d5e` }, /elsewhere/],
    ['no directory that was named', { attempts: [] }, /elsewhere/],
    [
      'the root, for an attempt without a directory',
      { path: 'savepoint-a-b', attempts: [{ storageId: STORAGE, directory: '' }] },
      /elsewhere/,
    ],
    ['unread _metadata', { origin: 'IMPORTED', verified: false, attempts: [] }, /_metadata/],
    ['files elsewhere, by its _metadata', { selfContained: false }, /outside of its own folder/],
    ['files elsewhere, of an import', { origin: 'IMPORTED', selfContained: false, attempts: [] }, /outside of its own/],
    ['nothing known of the files of an import', { origin: 'IMPORTED', attempts: [] }, /is not known/],
    ['a storage that injects entropy, and unread _metadata', { injectsEntropy: true }, /injects entropy/],
    [
      'files elsewhere, in a storage that injects entropy',
      { injectsEntropy: true, selfContained: false },
      /outside of its own folder/,
    ],
    ['dots', { path: `${DIRECTORY}/../1/savepoint-a-b` }, /plain path/],
    ['encoded dots', { path: `${DIRECTORY}/%2e%2e/savepoint-a-b` }, /plain path/],
    ['an encoded slash', { path: `${DIRECTORY}%2Fsavepoint-a-b` }, /plain path/],
    ['doubled slashes', { path: `${DIRECTORY}//savepoint-a-b` }, /plain path/],
    ['a leading slash', { path: `/${PATH}` }, /plain path/],
    ['a trailing slash', { path: `${PATH}/` }, /plain path/],
    ['a backslash', { path: PATH.replaceAll('/', '\\') }, /plain path/],
    ['a NUL', { path: `${PATH}\0` }, /plain path/],
  ])('is none with %s', (_, more, why) => {
    expect(problemOfPlace(place(more))).toMatch(why);
  });

  it('lies strictly below a root, whatever the root is like', () => {
    expect(locationBelow('s3a://bucket/savepoints/', PATH)).toBe(`s3a://bucket/savepoints/${PATH}`);
    expect(locationBelow('file:///shared', PATH)).toBe(`file:/shared/${PATH}`);
    for (const root of ['file:///', 's3://', 'file:/a/../b', 'relative', '', 's3://bucket/a/../../b'])
      expect([root, locationBelow(root, PATH)]).toEqual([root, null]);
  });
});

/** mulberry32: the same hostile paths in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const PIECES = [
  ...[
    '/',
    '//',
    '\\',
    '.',
    '..',
    '../',
    '/..',
    '/../',
    './',
    '/./',
    '...',
    '%2e',
    '%2E%2e',
    '%2f',
    '%2F',
    '%5c',
    '%00',
    '%252e',
    '%',
  ],
  ...[
    '\0',
    '\n',
    '\r',
    '\t',
    ' ',
    ' ..',
    '.. ',
    '\u00a0',
    '\u200b',
    '\u202e',
    '\ufeff',
    '\uff0e\uff0e',
    '\u2024',
    '\u2215',
    '\ud800',
    '\u0301',
  ],
  ...[
    'chk-7',
    '/chk-7',
    'savepoint-',
    'savepoint-a',
    '/savepoint-a-b',
    '_metadata',
    '/_metadata',
    'shared',
    '~',
    '$HOME',
    '*',
    '?',
    '#x',
    ';x',
    ':',
    '::$DATA',
  ],
  ...['file:/', 'file:///etc', 's3://other/', 'C:', '', 'é', '😀', 'x'.repeat(300)],
];
const ROOTS = [
  'file:/data/sp',
  'file:///data/sp/',
  's3://bucket/sp',
  's3a://bucket/sp/',
  'hdfs://nn:8020/flink',
  'gs://bucket',
];

/** Everything that a file system, an object store or a client on the way may make of a text. */
function readings(text: string): string[] {
  const found = new Set([text]);
  for (let round = 0; round < 3; round += 1) {
    for (const one of [...found]) {
      try {
        found.add(decodeURIComponent(one));
      } catch {
        // no encoding of anything: stays as it is
      }
      found.add(one.replaceAll('\\', '/'));
      found.add(one.normalize('NFKC'));
      found.add(one.replace(/[\0?#;].*$/s, ''));
      found.add(
        one
          .split('/')
          .map((segment) => segment.trim())
          .join('/'),
      );
    }
  }
  return [...found];
}

it('lets none of 100,000 hostile paths lead anywhere but below the directory of an attempt', () => {
  const next = random(20261126);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
  let accepted = 0;
  for (let round = 0; round < 100_000; round += 1) {
    let path = next() < 0.1 ? pick(PIECES) : PATH;
    const changes = Math.floor(next() * 4);
    for (let change = 0; change < changes; change += 1) {
      const at = next() < 0.3 ? path.length : Math.floor(next() * (path.length + 1));
      const cut = next() < 0.3 ? Math.floor(next() * 20) : 0;
      path = path.slice(0, at) + pick(PIECES) + path.slice(at + cut);
    }
    if (problemOfPlace(place({ path })) !== null) continue;
    accepted += 1;
    const root = pick(ROOTS);
    const location = locationBelow(root, path);
    if (location === null) throw new Error(`${JSON.stringify(path)} is plain and not below ${root}`);
    const home = `${normaliseLocation(root)}/${DIRECTORY}/`.replace(/^s3a:/, 's3:');
    for (const reading of readings(location)) {
      const [, scheme = '', rest = ''] = /^([a-z0-9]+:\/*)(.*)$/s.exec(reading.replace(/^s3a:/, 's3:')) ?? [];
      const folded = scheme + posix.normalize(rest);
      const name = folded.slice(home.length);
      const contained = folded.startsWith(home) && /^savepoint-[0-9a-z-]+$/i.test(name);
      if (!contained) throw new Error(`${JSON.stringify(path)} was let through, and may be read as ${folded}`);
    }
  }
  // Those that were not changed at all, at the least: the test would else show nothing.
  expect(accepted).toBeGreaterThan(20_000);
});

it('lets no hostile path of a verified import lead out of its root, or to anything but a savepoint', () => {
  const next = random(7);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
  let accepted = 0;
  for (let round = 0; round < 20_000; round += 1) {
    const path = Array.from({ length: 1 + Math.floor(next() * 5) }, () =>
      pick(['old', 'savepoint-a-b', '/', ...PIECES]),
    ).join('');
    if (problemOfPlace(place({ origin: 'IMPORTED', selfContained: true, attempts: [], path })) !== null) continue;
    accepted += 1;
    const location = locationBelow('s3://bucket/sp', path) ?? '';
    for (const reading of readings(location)) {
      const folded = posix.normalize(reading.replace(/^s3:\/\//, ''));
      if (!/^bucket\/sp\/(?:.+\/)?savepoint-[0-9a-z-]+$/is.test(folded)) {
        throw new Error(`${JSON.stringify(path)} was let through, and may be read as ${folded}`);
      }
    }
  }
  expect(accepted).toBeGreaterThan(100);
});
