import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AppError } from '../../../src/errors.js';
import { joinLocation, normaliseLocation, pathBelow, sameLocation, schemeOf } from '../../../src/flink/location.js';

describe('one spelling for one place', () => {
  it.each([
    ['file:///a/b', 'file:/a/b'],
    ['file:/a/b', 'file:/a/b'],
    ['/a/b', 'file:/a/b'],
    ['file:///a/b/', 'file:/a/b'],
    ['file:///a//b', 'file:/a/b'],
    ['file:///a/x/../b', 'file:/a/b'],
    ['file:/a/./b/_metadata', 'file:/a/b'],
    ['file:/a\\..\\b', 'file:/b'],
    ['file:/../../a', 'file:/a'],
    ['FILE:///a', 'file:/a'],
    ['file:///', 'file:/'],
    ['file:/a b/c%20d/#e?f/ä', 'file:/a b/c%20d/#e?f/ä'],
    ['file://host/a', 'file://host/a'],
    ['s3://bucket/k/', 's3://bucket/k'],
    ['s3a://bucket//k/_metadata', 's3://bucket/k'],
    ['S3P://Bucket/K', 's3://Bucket/K'],
    ['s3:///bucket/k', 's3://bucket/k'],
    ['s3://bucket', 's3://bucket'],
    ['s3://bucket/', 's3://bucket'],
    ['hdfs://nn:8020/a//b/', 'hdfs://nn:8020/a/b'],
    ['hdfs:///a/b', 'hdfs:///a/b'],
    ['abfss://c@acc.dfs.core.windows.net/x', 'abfss://c@acc.dfs.core.windows.net/x'],
    ['relative/dir/', 'relative/dir'],
    ['', ''],
  ])('%s is %s', (text, normalised) => {
    expect(normaliseLocation(text)).toBe(normalised);
    expect(normaliseLocation(normalised)).toBe(normalised);
  });

  it('never takes an encoded character for the character', () => {
    expect(sameLocation('file:/a%20b', 'file:/a b')).toBe(false);
    expect(sameLocation('file:/%2e%2e/a', 'file:/a')).toBe(false);
  });

  it('tells a local path from the same path on a named host, and buckets from each other', () => {
    expect(sameLocation('file://a/b', 'file:/a/b')).toBe(false);
    expect(sameLocation('s3://a/b', 's3://A/b')).toBe(false);
    expect(sameLocation('s3a://a/b', 's3p://a/b/')).toBe(true);
  });

  it('names the scheme', () => {
    expect(['/a', 'S3A://b', 'hdfs://n/a', 'a/b', ''].map(schemeOf)).toEqual(['file', 's3', 'hdfs', '', '']);
  });
});

describe('a path below a root', () => {
  it.each([
    ['file:///a/b', 'file:/a/b/savepoint-1', 'savepoint-1'],
    ['/a/b/', 'file:/a/b/c/d/_metadata', 'c/d'],
    ['file:/a/b', 'file:/a/b', ''],
    ['file:/', 'file:/a/b', 'a/b'],
    ['s3a://bucket/root', 's3://bucket/root/x', 'x'],
    ['s3://bucket', 's3://bucket/x', 'x'],
    ['file:/a/b', 'file:/a/bc', null],
    ['file:/a/b', 'file:/a', null],
    ['file:/a/b', 'file:/a/b/../c', null],
    ['file:/a/b', 'file:/a/b/x/..\\..\\..\\etc', null],
    ['s3://bucket/root', 's3://bucket/root/../../other', null],
    ['s3://bucket', 's3://bucket/../x', null],
    ['s3://bucket', 's3://bucket2/x', null],
    ['file:/a', 'hdfs:///a/b', null],
    ['file:/a', 'file://host/a/b', null],
    ['', 'a/b', null],
  ])('of %s: %s is %j', (root, location, path) => {
    expect(pathBelow(root, location)).toBe(path);
  });

  it.each(['..', '../x', 'a/../../x', 'a/./b', '/a', 'a//b', 'a/', 'a\\..\\..', 'a\0b', '.'])(
    'cannot be joined from %j',
    (path) => {
      expect(() => joinLocation('file:/root', path)).toThrow(expect.objectContaining({ code: 'OUTSIDE_STORAGE_ROOT' }));
    },
  );

  it('is joined in the form that Flink answers, keeping which S3 file system was meant', () => {
    expect(joinLocation('file:///a//b/', 'c/d')).toBe('file:/a/b/c/d');
    expect(joinLocation('s3a://b/r/', 'x y/%20')).toBe('s3a://b/r/x y/%20');
    expect(joinLocation('s3p://b', '')).toBe('s3p://b');
    expect(joinLocation('/a', 'x/_metadata')).toBe('file:/a/x/_metadata');
  });
});

describe('whatever the texts are', () => {
  const segment = fc
    .string({ minLength: 1, maxLength: 8, unit: fc.constantFrom(...'abcé .%#?:_-=@2'.split('')) })
    .filter((text) => !['.', '..'].includes(text));
  const path = fc.array(segment, { maxLength: 5 }).map((parts) => parts.join('/'));
  const root = fc
    .tuple(
      fc.constantFrom('file:/', 'file:///', '/', 's3://bucket/', 's3a://bucket/', 'hdfs://nn:1/', 'hdfs:///'),
      path,
    )
    .map(([start, rest]) => start + rest);
  const wild = fc.string({
    unit: fc.constantFrom('/', '..', '.', '\\', 'a', 'b', ':', 'file', 's3', '_metadata', '%', ' '),
    maxLength: 12,
  });

  it('a joined path is found below its root again, whatever the spelling of the root', () => {
    fc.assert(
      fc.property(root, path, (r, p) => {
        expect(pathBelow(r, joinLocation(r, p))).toBe(p);
        expect(pathBelow(normaliseLocation(r), joinLocation(r, p))).toBe(p);
      }),
    );
  });

  it('what lies below a root is put together again from root and path', () => {
    fc.assert(
      fc.property(root, wild, (r, text) => {
        const location = `${r}/${text}`;
        const below = pathBelow(r, location);
        if (below !== null) expect(sameLocation(joinLocation(r, below), location)).toBe(true);
      }),
    );
  });

  it('a path below a root never leads up, and is never found below a sibling', () => {
    fc.assert(
      fc.property(root, wild, segment, (r, text, s) => {
        const below = pathBelow(r, `${r}/${text}`);
        expect(below === null || !below.split('/').includes('..')).toBe(true);
        const inner = joinLocation(r, s);
        expect(pathBelow(inner, joinLocation(r, `${s}x`))).toBeNull();
      }),
    );
  });

  it('normalising is done once and for all, and joining throws nothing but its own error', () => {
    fc.assert(
      fc.property(root, wild, (r, text) => {
        const once = normaliseLocation(r + text);
        expect(normaliseLocation(once)).toBe(once);
        try {
          expect(pathBelow(r, joinLocation(r, text))).not.toBeNull();
        } catch (error) {
          expect(error).toBeInstanceOf(AppError);
        }
      }),
    );
  });
});
