import { describe, expect, it } from '@jest/globals';
import {
  equalTexts,
  placesOf,
  problemOfReadRoot,
  problemOfRoot,
  readRootOfText,
} from '../../src/cluster/storage-root.js';

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
    expect(problemOfReadRoot('/mnt/savepoints')).toBeNull();
    expect(problemOfReadRoot('mnt/savepoints')).toMatch(/neither an absolute path nor s3:/);
    expect(problemOfReadRoot('/mnt/../etc')).toMatch(/"\.\."/);
    expect(problemOfReadRoot('//')).toMatch(/whole machine/);
  });
});

describe('a place in S3 that Stateward reads', () => {
  it('is kept in one spelling', () => {
    for (const text of ['s3://bucket/a/b', 's3a://bucket/a/b/', 'S3P:/bucket/a/b', 's3:///bucket/a/b']) {
      expect(problemOfReadRoot(text)).toBeNull();
      expect(readRootOfText(text)).toBe('s3://bucket/a/b');
    }
    expect(problemOfReadRoot('s3://bucket')).toBeNull();
    expect(readRootOfText('s3a://bucket/')).toBe('s3://bucket');
    expect(readRootOfText('/mnt/s3/')).toBe('/mnt/s3/');
  });

  it.each([
    ['s3://', /names no bucket/],
    ['s3://b', /names no bucket/],
    ['s3://buc ket/a', /names no bucket/],
    ['s3://bucket/a/../b', /"\.\."/],
    ['s3://bucket/./b', /"\."/],
    ['s3://bucket//b', /empty part/],
    ['s3://bucket/a\\b', /backslash/],
    ['s3://bucket/a\nb', /control character/],
    [`s3://bucket/${'x'.repeat(901)}`, /longer than/],
  ])('may not be %j', (text, why) => expect(problemOfReadRoot(text)).toMatch(why));

  it('holds no credentials, and what was written of them is not repeated', () => {
    const problem = problemOfReadRoot('s3://AKIAKEY:hush-hush@bucket/a');
    expect(problem).toMatch(/environment/);
    expect(problem).not.toMatch(/hush-hush|AKIAKEY/);
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
