import { describe, expect, it } from '@jest/globals';
import { risksOf } from '../../src/queue/redis-risks.js';

const info = (policy: string, appendOnly: 0 | 1) =>
  `# Memory\r\nused_memory:1\r\nmaxmemory_policy:${policy}\r\n# Persistence\r\naof_enabled:${appendOnly}\r\n`;

describe('what a Redis puts at risk', () => {
  it('is nothing with noeviction and an append-only file', () => {
    expect(risksOf(info('noeviction', 1), '')).toEqual([]);
  });

  it.each(['allkeys-lru', 'volatile-ttl'])('names the policy %s and the remedy', (policy) => {
    const [risk, ...others] = risksOf(info(policy, 1), '');
    expect(risk).toContain(policy);
    expect(risk).toContain('noeviction');
    expect(others).toEqual([]);
  });

  it('tells a Redis that keeps nothing from one that saves snapshots, and names the remedy', () => {
    const [nothing] = risksOf(info('noeviction', 0), '');
    const [snapshots] = risksOf(info('noeviction', 0), '3600 1 300 100');
    expect(nothing).toContain('keeps nothing on disk');
    expect(snapshots).toContain('snapshots only');
    for (const risk of [nothing, snapshots]) expect(risk).toContain('appendonly to yes');
  });

  it('says nothing of what a managed Redis does not tell', () => {
    expect(risksOf('# Memory\r\nused_memory:1\r\n', null)).toEqual([]);
  });
});
