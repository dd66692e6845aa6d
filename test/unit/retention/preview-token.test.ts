import { describe, expect, it } from '@jest/globals';
import { coveredBy, type Pass, previewToken } from '../../../src/retention/preview-token.js';
import type { RetentionPolicy } from '../../../src/retention/retention-choice.js';

const policy: RetentionPolicy = { maxCount: 3, maxAgeMs: null, includeStop: false, whileStopped: 'DEFER' };
const pass: Pass = { deploymentId: 'd', by: policy, ids: ['b', 'a', 'c'] };

describe("a preview's token", () => {
  const token = previewToken(pass);

  it('covers the pass that was shown, in whatever order it comes', () => {
    const { maxCount, ...rest } = policy;
    expect(coveredBy(token, pass)).toBe(true);
    expect(coveredBy(token, { ...pass, by: { ...rest, maxCount }, ids: ['c', 'b', 'a'] })).toBe(true);
    expect(pass.ids).toEqual(['b', 'a', 'c']);
  });

  it.each<[string, Partial<Pass>]>([
    ['one more', { ids: ['a', 'b', 'c', 'd'] }],
    ['one less', { ids: ['a', 'b'] }],
    ['another one', { ids: ['a', 'b', 'd'] }],
    ['ids that are written together', { ids: ['ab', 'c'] }],
    ['nothing', { ids: [] }],
    ['another deployment', { deploymentId: 'e' }],
    ['another count', { by: { ...policy, maxCount: 2 } }],
    ['an age in place of the count', { by: { ...policy, maxCount: null, maxAgeMs: 3 } }],
    ['stops as well', { by: { ...policy, includeStop: true } }],
    ['cleaning while stopped', { by: { ...policy, whileStopped: 'CLEAN' } }],
    ['the end of the deployment', { by: 'DELETE_ALL' }],
  ])('does not cover %s', (_, more) => {
    expect(coveredBy(token, { ...pass, ...more })).toBe(false);
  });

  it('names the runs of which all that they have left goes, where the policy disposes of that, and no others', () => {
    const disposing: Pass = { ...pass, by: { ...policy, leftBehind: 'DISPOSE' }, runs: ['r', 'q'] };
    const shown = previewToken(disposing);
    expect(coveredBy(shown, { ...disposing, runs: ['q', 'r'] })).toBe(true);
    expect(coveredBy(shown, { ...disposing, runs: ['q'] })).toBe(false);
    expect(coveredBy(shown, { ...disposing, ids: ['a', 'b', 'c', 'r'], runs: ['q'] })).toBe(false);
    expect(coveredBy(token, { ...disposing, runs: [] })).toBe(false);
    expect(coveredBy(token, { ...pass, by: { ...policy, leftBehind: 'KEEP' } })).toBe(true);
  });

  it('tells what goes with a deployment apart, and covers nothing when there is none', () => {
    const ending: Pass = { ...pass, by: 'DELETE_ALL' };
    expect(coveredBy(previewToken(ending), ending)).toBe(true);
    expect(coveredBy(previewToken(ending), { ...ending, by: 'DELETE_SCHEDULED' })).toBe(false);
    expect(coveredBy(null, pass)).toBe(false);
    expect(coveredBy('', pass)).toBe(false);
  });
});
