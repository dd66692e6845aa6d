import { describe, expect, it } from '@jest/globals';
import { parseFlinkDuration, readClusterFacts, readProcessMark } from '../../../src/flink/cluster-facts.js';

const facts = (options: Record<string, string>) =>
  readClusterFacts({ flinkVersion: '2.3.0', acceptsJars: true }, new Map(Object.entries(options)));

describe('the facts of a cluster', () => {
  it("are Flink's defaults where nothing is set", () => {
    expect(facts({})).toEqual({
      flinkVersion: '2.3.0',
      acceptsJars: true,
      processMark: null,
      savepointRoot: null,
      checkpointRoot: null,
      haClusterId: null,
      asyncStoreDurationMs: 300_000,
      heartbeatTimeoutMs: 50_000,
      checkpointHistorySize: 10,
      configuration: {},
    });
  });

  it("keep every key as the cluster shows it, under today's name and under deprecated ones", () => {
    const options = { 'state.savepoints.dir': 's3://b/s', 'state.backend.type': 'rocksdb', 's3.secret-key': '******' };
    expect(facts(options).configuration).toEqual(options);
  });

  it('take deprecated names too, and the new ones first', () => {
    expect(facts({ 'state.savepoints.dir': 's3://b/s', 'state.checkpoints.dir': 's3://b/c' })).toMatchObject({
      savepointRoot: 's3://b/s',
      checkpointRoot: 's3://b/c',
    });
    expect(facts({ 'state.savepoints.dir': 'old', 'execution.checkpointing.savepoint-dir': 'new' }).savepointRoot).toBe(
      'new',
    );
  });

  it('show a high-availability id only where high availability is on', () => {
    expect(facts({ 'high-availability.cluster-id': '/c1' }).haClusterId).toBeNull();
    expect(facts({ 'high-availability.type': 'NONE', 'high-availability.cluster-id': '/c1' }).haClusterId).toBeNull();
    expect(facts({ 'high-availability.type': 'zookeeper', 'high-availability.cluster-id': '/c1' }).haClusterId).toBe(
      '/c1',
    );
    expect(facts({ 'high-availability': 'kubernetes', 'kubernetes.cluster-id': 'k' }).haClusterId).toBe('k');
    expect(facts({ 'high-availability.type': 'zookeeper' }).haClusterId).toBe('/default');
  });

  it('tell that finished operations are never forgotten', () => {
    expect(facts({ 'rest.async.store-duration': '0' }).asyncStoreDurationMs).toBe(0);
  });

  it('mark a process only by the folder that it made itself', () => {
    expect(readProcessMark(new Map([['web.tmpdir', '/tmp/flink-web-be169d1c/']]))).toBe('flink-web-be169d1c');
    expect(readProcessMark(new Map([['web.tmpdir', '/tmp']]))).toBeNull();
    expect(readProcessMark(new Map([['web.tmpdir', '******']]))).toBeNull();
  });

  it.each([
    ['5000', 5_000],
    ['50 s', 50_000],
    ['5min', 300_000],
    ['2 hours', 7_200_000],
    ['1 D', 86_400_000],
    ['1500 µs', 1],
    ['PT5M', 300_000],
    ['PT1H30.5S', 3_630_500],
    ['P1D', 86_400_000],
    ['soon', null],
    ['5 fortnights', null],
    ['P', null],
    ['', null],
  ])('read the duration "%s" as %j ms', (text, ms) => {
    expect(parseFlinkDuration(text)).toBe(ms);
  });
});
