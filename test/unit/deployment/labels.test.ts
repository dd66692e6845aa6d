import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { readLabels } from '../../../src/deployment/labels.js';

const labels = (count: number) => Array.from({ length: count }, (_, n) => ({ key: `k${n}`, value: '' }));

describe('labels', () => {
  it('are taken up to 32', () => {
    expect(readLabels('labels', [{ key: 'team/payments.eu', value: 'ä b' }])).toEqual({ 'team/payments.eu': 'ä b' });
    expect(Object.keys(readLabels('labels', labels(32)))).toHaveLength(32);
    expect(readLabels('labels', labels(33))).toMatchObject({ code: 'INVALID_INPUT', field: 'labels' });
  });

  it.each(['', ' ', '-a', 'a-', '__proto__', 'a b', 'x'.repeat(64)])('are declined for the name %j', (key) => {
    expect(readLabels('labels', [{ key, value: 'x' }])).toMatchObject({ code: 'INVALID_INPUT', field: 'labels' });
  });

  it('are declined when one is given twice, or too long', () => {
    const twice = [...labels(1), ...labels(1)];
    expect(readLabels('labels', twice)).toMatchObject({ message: expect.stringContaining('k0 is given twice') });
    expect(readLabels('labels', [{ key: 'a', value: 'x'.repeat(256) }])).toMatchObject({ code: 'INVALID_INPUT' });
  });
});
