import { describe, expect, it } from '@jest/globals';
import { equalTexts, placesOf, problemOfFolder, problemOfRoot } from '../../src/cluster/storage-root.js';

describe('the root of a storage', () => {
  it.each([
    's3://bucket/savepoints',
    's3a://bucket',
    'hdfs://nn:8020/flink',
    'file:///shared/state',
    '/shared/state',
    'gs://b/c/',
  ])('may be %s', (uri) => expect(problemOfRoot(uri)).toBeNull());

  it.each([
    ['savepoints', /not a location/],
    ['', /not a location/],
    ['s3://bucket/a/../b', /"\.\."/],
    ['file:/', /whole machine/],
    ['/', /whole machine/],
    ['s3://', /no bucket/],
    ['s3://bucket/a\nb', /control character/],
    [`s3://bucket/${'x'.repeat(2_000)}`, /longer than/],
  ])('may not be %j', (uri, why) => expect(problemOfRoot(uri)).toMatch(why));
});

describe('a folder that Stateward reads', () => {
  it('is an absolute path that leads nowhere else', () => {
    expect(problemOfFolder('/mnt/savepoints')).toBeNull();
    expect(problemOfFolder('mnt/savepoints')).toMatch(/not an absolute path/);
    expect(problemOfFolder('/mnt/../etc')).toMatch(/"\.\."/);
    expect(problemOfFolder('//')).toMatch(/whole machine/);
  });
});

describe('storages with roots of equal text', () => {
  it('are proposed to each other in any spelling of the text', () => {
    const same = equalTexts([
      { storageId: 'a', uri: 's3://bucket/state' },
      { storageId: 'b', uri: 's3a://bucket//state/' },
      { storageId: 'c', uri: 's3://bucket/other' },
    ]);
    expect(same.get('a')).toEqual(['b']);
    expect(same.get('b')).toEqual(['a']);
    expect(same.get('c')).toEqual([]);
  });

  it('are never proposed for file: roots, which are folders of different hosts', () => {
    const same = equalTexts([
      { storageId: 'a', uri: 'file:///tmp/state' },
      { storageId: 'b', uri: '/tmp/state' },
    ]);
    expect([...same.values()].flat()).toEqual([]);
  });

  it('are not proposed to themselves when two clusters reach one storage by the same text', () => {
    const same = equalTexts([
      { storageId: 'a', uri: 's3://bucket/state' },
      { storageId: 'a', uri: 's3p://bucket/state' },
    ]);
    expect(same.get('a')).toEqual([]);
  });
});

describe('the places that a location may be', () => {
  const roots = [
    { storageId: 'outer', name: 'outer', uri: 's3://bucket/state' },
    { storageId: 'inner', name: 'inner', uri: 's3://bucket/state/team' },
    { storageId: 'one', name: 'one', uri: 'file:///tmp/savepoints' },
    { storageId: 'two', name: 'two', uri: 'file:/tmp/savepoints/' },
  ];

  it('are those below whose root it lies, the innermost counting', () => {
    const { best, all } = placesOf(roots, 's3a://bucket/state/team/savepoint-1');
    expect(best).toEqual([{ storageId: 'inner', name: 'inner', path: 'savepoint-1' }]);
    expect(all.map(({ path }) => path)).toEqual(['savepoint-1', 'team/savepoint-1']);
  });

  it('are several where two storages have one text', () => {
    expect(placesOf(roots, 'file:/tmp/savepoints/savepoint-1').best.map(({ storageId }) => storageId)).toEqual([
      'one',
      'two',
    ]);
  });

  it('are none outside all roots, at a root itself, and beside a root whose name is a beginning of it', () => {
    for (const location of ['s3://other/state/x', 's3://bucket/state', 's3://bucket/state-2/x']) {
      const { best } = placesOf(roots, location);
      expect(best).toEqual([]);
    }
  });
});
