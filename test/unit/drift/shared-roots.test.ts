import { describe, expect, it } from '@jest/globals';
import { sharedRoots } from '../../../src/drift/shared-roots.js';

const root = (storageId: string, clusterId: string, uri: string) => ({ storageId, clusterId, uri });
const storagesOf = (...roots: ReturnType<typeof root>[]) =>
  [...new Set(sharedRoots(roots).map(({ storageId }) => storageId))].sort();

describe('roots that may be one place', () => {
  it('are equal in any spelling, or lie in each other at whatever depth', () => {
    expect(storagesOf(root('a', '1', 's3://b/x'), root('b', '2', 's3a://b/x/'))).toEqual(['a', 'b']);
    expect(storagesOf(root('a', '1', 's3://b'), root('b', '1', 's3://b/x/y/z'), root('c', '1', 's3://c'))).toEqual([
      'a',
      'b',
    ]);
  });

  it('do not become so by the beginning of a name', () => {
    expect(storagesOf(root('a', '1', 's3://b/x'), root('b', '1', 's3://b/xy'))).toEqual([]);
    expect(storagesOf(root('a', '1', 's3://b/x'), root('b', '1', 'hdfs://b/x'))).toEqual([]);
  });

  it('are compared within one cluster alone where they are folders', () => {
    expect(storagesOf(root('a', '1', 'file:///x'), root('b', '2', 'file:///x/y'))).toEqual([]);
    expect(storagesOf(root('a', '1', 'file:///x'), root('b', '1', 'file:/x/y'))).toEqual(['a', 'b']);
  });

  it('are not those of one storage, which several clusters reach', () => {
    expect(storagesOf(root('a', '1', 's3://b/x'), root('a', '2', 's3://b/x'))).toEqual([]);
  });

  it('come with the text under which what lies below them is one', () => {
    const texts = sharedRoots([root('a', '1', 's3p:///b//x'), root('b', '1', 's3://b/x/y')]).map(({ text }) => text);
    expect(texts).toEqual(['s3://b/x', 's3://b/x/y']);
  });
});
