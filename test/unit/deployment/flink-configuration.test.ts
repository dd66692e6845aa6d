import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { InvalidInput } from '../../../src/api/user-error.js';
import { ClusterLevelKey } from '../../../src/deployment/cluster-level-key.js';
import { readSettings, refuseOnCluster, type GivenSettings } from '../../../src/deployment/flink-configuration.js';
import { CheckpointRetention, StateBackend } from '../../../src/deployment/state-parameters.types.js';

const read = (given: GivenSettings, kept?: Record<string, string>) => {
  const settings = readSettings(given, kept);
  return settings instanceof InvalidInput ? settings : settings.configuration;
};
const pairs = (record: Record<string, string>) => Object.entries(record).map(([key, value]) => ({ key, value }));
const cluster = (more: object = {}) => ({
  id: 'c',
  name: 'prod',
  flinkVersion: '2.3.0' as string | null,
  factsReadAt: new Date(0) as Date | null,
  configuration: {} as Record<string, string>,
  ...more,
});
const declined = (configuration: Record<string, string>, more: object = {}) =>
  refuseOnCluster(configuration, cluster(more), () => 'flinkConfiguration');

describe('settings of a deployment', () => {
  it('are taken from pasted lines as they stand, deprecated names and bare milliseconds included', () => {
    const flinkConfigurationText = 'state.backend.incremental: true\ntable.exec.state.ttl: 129600000';
    expect(read({ flinkConfigurationText })).toEqual({
      'execution.checkpointing.incremental': 'true',
      'table.exec.state.ttl': '129600000',
    });
  });

  it('are one record, however they were given', () => {
    expect(
      read({
        parameters: {
          stateBackend: StateBackend.ROCKSDB,
          incrementalCheckpoints: true,
          stateTtl: '36 h',
          rocksdbLocalDirectory: '/data/1,/data/2',
          checkpointInterval: '10 min',
          checkpointTimeout: '900000',
          checkpointMinPause: '0',
          unalignedCheckpoints: false,
          checkpointRetention: CheckpointRetention.DELETE_ON_CANCELLATION,
        },
        flinkConfiguration: pairs({ 'pipeline.name': 'orders' }),
        flinkConfigurationText: 'state.checkpoints.dir: s3://bucket/checkpoints',
      }),
    ).toEqual({
      'state.backend.type': 'rocksdb',
      'execution.checkpointing.incremental': 'true',
      'table.exec.state.ttl': '36 h',
      'state.backend.rocksdb.localdir': '/data/1,/data/2',
      'execution.checkpointing.interval': '10 min',
      'execution.checkpointing.timeout': '900000',
      'execution.checkpointing.min-pause': '0',
      'execution.checkpointing.unaligned.enabled': 'false',
      'execution.checkpointing.externalized-checkpoint-retention': 'DELETE_ON_CANCELLATION',
      'pipeline.name': 'orders',
      'execution.checkpointing.dir': 's3://bucket/checkpoints',
    });
  });

  it('know local recovery by both of its settings', () => {
    const both = {
      'execution.state-recovery.from-local': 'true',
      'execution.checkpointing.local-backup.enabled': 'true',
    };
    expect(read({ parameters: { localRecovery: true } })).toEqual(both);
    expect(read({ flinkConfiguration: pairs({ 'state.backend.local-recovery': 'true' }) })).toEqual(both);
  });

  it('may be given twice when both mean the same', () => {
    const given = {
      parameters: { checkpointInterval: '10 min', incrementalCheckpoints: true },
      flinkConfiguration: pairs({ 'execution.checkpointing.interval': '600000' }),
      flinkConfigurationText: 'state.backend.incremental: TRUE',
    };
    expect(read(given)).toMatchObject({ 'execution.checkpointing.interval': '600000' });
  });

  it('are declined when given twice differently, naming both names, values and places', () => {
    const byNames = read({
      flinkConfiguration: pairs({
        'execution.checkpointing.incremental': 'true',
        'state.backend.incremental': 'false',
      }),
    });
    expect(byNames).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'flinkConfiguration',
      message:
        'flinkConfiguration: execution.checkpointing.incremental is given twice, as "true" and as "false" (state.backend.incremental). Keep one.',
    });
    const byWays = read({
      parameters: { stateTtl: '2 h' },
      flinkConfigurationText: '# SQL\n\ntable.exec.state.ttl: 1 h',
    });
    expect(byWays).toMatchObject({
      field: 'parameters.stateTtl',
      message:
        'parameters.stateTtl: table.exec.state.ttl is given twice, as "1 h" (line 3) and as "2 h" (parameters.stateTtl). Keep one.',
    });
  });

  it('tell of a secret given twice without its values', () => {
    const refused = read({ flinkConfigurationText: 'sink.password: one-secret\nsink.password: other-secret' });
    expect(refused).toMatchObject({ message: expect.stringMatching(/sink\.password is given twice.*line 1.*line 2/) });
    expect(JSON.stringify(refused)).not.toMatch(/(?:one|other)-secret/);
  });

  it('are declined where Stateward decides, by either name', () => {
    for (const key of ['execution.savepoint.path', 'execution.state-recovery.path'])
      expect(read({ flinkConfigurationText: `a: b\n${key}: x` })).toMatchObject({
        field: 'flinkConfigurationText',
        message: expect.stringContaining(`line 2: ${key} is set by Stateward`),
      });
  });

  it.each([
    ['execution.checkpointing.interval', '10 mins'],
    ['execution.checkpointing.interval', 'often'],
    ['execution.checkpointing.interval', ''],
    ['execution.checkpointing.interval', '9'],
    ['execution.checkpointing.interval', '-1 s'],
    ['execution.checkpointing.timeout', '1.5 min'],
    ['table.exec.state.ttl', '1 week'],
    ['state.backend.incremental', 'yes'],
    ['execution.checkpointing.mode', 'AT_MOST_ONCE'],
    ['execution.checkpointing.externalized-checkpoint-retention', 'KEEP'],
    ['execution.checkpointing.tolerable-failed-checkpoints', '-1'],
    ['state.backend', 'rocks'],
    ['state.backend.rocksdb.localdir', ''],
    ['state.backend.rocksdb.localdir', 'file:/data'],
    ['state.backend.rocksdb.localdir', '/data/1, data/2'],
    ['state.storage.fs.memory-threshold', '20 xb'],
  ])('are declined for %s: %j, which Flink could not read', (key, value) => {
    expect(read({ flinkConfiguration: pairs({ [key]: value }) })).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'flinkConfiguration',
      message: expect.stringContaining(`${key}: "${value}"`),
    });
  });

  it.each([
    ['execution.checkpointing.interval', '10'],
    ['execution.checkpointing.interval', ' 3 Hours '],
    ['execution.checkpointing.interval', '${secret:INTERVAL}'],
    ['execution.checkpointing.mode', 'at_least_once'],
    ['table.exec.state.ttl', '0'],
    ['state.backend', 'RocksDB'],
    ['state.backend.rocksdb.localdir', '/data/1,/data/2'],
    ['state.backend.rocksdb.localdir', 'D:\\\\flink'],
    ['state.backend', 'org.example.Factory'],
    ['state.storage.fs.memory-threshold', '20kb'],
    ['a.key.of.nobody', ''],
  ])('are taken for %s: %j', (key, value) => {
    expect(Object.values(read({ flinkConfiguration: pairs({ [key]: value }) }))).toContain(value);
  });

  it('keep a stored secret that comes back as it was shown, and decline one that is not stored', () => {
    const given = { flinkConfiguration: pairs({ 'sink.password': '******', 'pipeline.name': '******' }) };
    expect(read(given, { 'sink.password': 'stored' })).toEqual({
      'sink.password': 'stored',
      'pipeline.name': '******',
    });
    expect(read(given)).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('sink.password') });
  });

  it('decline a reference to a secret that no environment can hold', () => {
    for (const value of ['${secret:}', '${secret:a-b}', '${secret:A'])
      expect(read({ flinkConfiguration: pairs({ 'sink.password': value }) })).toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('a setting that only the processes of a cluster read', () => {
  it.each([
    ['taskmanager.numberOfTaskSlots', '4'],
    ['execution.checkpointing.num-retained', '3'],
    ['execution.checkpointing.savepoint-dir', 's3://b/s'],
    ['web.checkpoints.history', '100'],
    ['heartbeat.timeout', '1 min'],
    ['high-availability', 'zookeeper'],
    ['state.backend.rocksdb.memory.fixed-per-tm', '1 gb'],
  ])('is declined: %s', (key, value) => {
    expect(declined({ [key]: value })).toBeInstanceOf(ClusterLevelKey);
    expect(declined({ [key]: value })).toMatchObject({ code: 'CLUSTER_LEVEL_KEY', key, clusterValue: null });
  });

  it("is answered with the cluster's own value, by whichever name it is set there", () => {
    const configuration = { 'state.checkpoints.num-retained': '5' };
    expect(declined({ 'execution.checkpointing.num-retained': '3' }, { configuration })).toMatchObject({
      clusterValue: '5',
      message: expect.stringMatching(/Cluster "prod" has "5"/),
    });
  });

  it('is told from those of a job', () => {
    for (const key of [
      'execution.checkpointing.interval',
      'webhook.url',
      'restart-strategy.type',
      'state.backend.type',
    ])
      expect(declined({ [key]: key === 'state.backend.type' ? 'hashmap' : '1 h' })).toBeNull();
  });

  it('depends on the version for the inline threshold, which 2.3 reads from the job', () => {
    const configuration = { 'execution.checkpointing.data-inline-threshold': '1 kb' };
    expect(declined(configuration, { flinkVersion: '1.20.5' })).toBeInstanceOf(ClusterLevelKey);
    expect(declined(configuration)).toBeNull();
  });

  it('may be stated of local recovery as the cluster does it, and not otherwise', () => {
    const wish = { 'execution.state-recovery.from-local': 'true' };
    expect(declined(wish)).toMatchObject({ code: 'CLUSTER_LEVEL_KEY', clusterValue: 'false' });
    expect(declined(wish, { configuration: { 'state.backend.local-recovery': 'true' } })).toBeNull();
    expect(declined(wish, { factsReadAt: null })).toBeNull();
  });
});

describe('a cluster of Flink 1', () => {
  const flinkVersion = '1.20.5';

  it('declines ForSt and durations in ISO form, which Flink 2 takes', () => {
    const settings: Record<string, string>[] = [{ 'state.backend.type': 'forst' }, { 'table.exec.state.ttl': 'PT36H' }];
    for (const configuration of settings) {
      expect(declined(configuration, { flinkVersion })).toMatchObject({ code: 'INVALID_INPUT' });
      expect(declined(configuration)).toBeNull();
      expect(declined(configuration, { flinkVersion: null })).toBeNull();
    }
  });
});
