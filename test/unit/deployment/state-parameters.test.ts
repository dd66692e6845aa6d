import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import type { CheckpointConfig } from '../../../src/flink/flink.types.js';
import { type Compared, compareParameters } from '../../../src/deployment/state-parameters.js';

const checkpointing: CheckpointConfig = {
  intervalMs: 600_000,
  timeoutMs: 600_000,
  minPauseMs: 0,
  retainedOnCancellation: true,
  retainedOnFailure: true,
  inJobManagerMemory: false,
  unaligned: false,
  tolerableFailures: 3,
  stateBackend: 'HASHMAP',
  stateBackendClass: 'HashMapStateBackend',
  checkpointStorageClass: null,
};
const run = (configuration: Record<string, string>, more: object = {}) => ({
  configuration,
  live: true,
  adopted: false,
  checkpointing: checkpointing as CheckpointConfig | null,
  ...more,
});
const compare = (configuration: Record<string, string>, more: Partial<Compared> = {}) => {
  const all = compareParameters({ configuration, run: null, cluster: {}, ...more });
  return (name: string) => all.find((one) => one.name === name || (one.name === null && one.key === name));
};
const retention = { 'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION' };
const INTERVAL = 'execution.checkpointing.interval';

describe('parameters of a deployment', () => {
  it('show a duration as it was written and in milliseconds', () => {
    const of = compare({ [INTERVAL]: '10 min', 'table.exec.state.ttl': '129600000' });
    expect(of('checkpointInterval')?.desired).toEqual({
      text: '10 min',
      durationMs: 600_000,
      label: '10 min (600000 ms)',
    });
    expect(of('stateTtl')?.desired).toEqual({
      text: '129600000',
      durationMs: 129_600_000,
      label: '36 h (129600000 ms)',
    });
  });

  it('hold the typed ones whether they are set or not, the rest, and what is the cluster\u2019s alone', () => {
    const cluster = { 'state.checkpoints.num-retained': '5', [INTERVAL]: '1 min' };
    const of = compare({ 'pipeline.name': 'x' }, { cluster });
    expect(of('stateBackend')).toMatchObject({ key: 'state.backend.type', desired: null, settable: true });
    expect(of('checkpointInterval')).toMatchObject({ desired: null, clusterValue: { text: '1 min' } });
    expect(of('checkpointRetention')?.desired?.text).toBe('RETAIN_ON_CANCELLATION');
    expect(of('pipeline.name')).toMatchObject({ desired: { text: 'x' }, observation: 'NOT_OBSERVABLE' });
    expect(of('execution.checkpointing.num-retained')).toMatchObject({
      settable: false,
      desired: null,
      observed: { text: '5' },
      restartDue: false,
    });
  });

  it('show the retained count that holds where the cluster sets none, and nothing of a cluster never read', () => {
    const key = 'execution.checkpointing.num-retained';
    expect(compare({})(key)).toMatchObject({ observed: { text: '1' }, clusterValue: null, observation: 'OBSERVED' });
    expect(compare({}, { cluster: null })(key)).toMatchObject({ observed: null, observation: 'NOT_YET_OBSERVED' });
  });

  it('are observed as Flink shows them, whatever the spelling of what was submitted', () => {
    const submitted = { [INTERVAL]: '600 s', 'state.backend': 'HashMap', ...retention };
    const of = compare(submitted, { run: run(submitted) });
    expect(of('checkpointInterval')).toMatchObject({ observation: 'OBSERVED', observed: { text: '600000 ms' } });
    expect(of('stateBackend')).toMatchObject({ observation: 'OBSERVED', observed: { text: 'hashmap' } });
    expect(of('checkpointRetention')).toMatchObject({ observation: 'OBSERVED' });
    expect(of('stateTtl')).toMatchObject({ observation: 'NOT_OBSERVABLE', observed: null });
    expect(of('incrementalCheckpoints')).toMatchObject({ observation: 'NOT_OBSERVABLE' });
  });

  it('are set by the program where Flink shows another value than was submitted, and no restart is due for it', () => {
    const submitted = { [INTERVAL]: '1 min', ...retention };
    const of = compare(submitted, { run: run(submitted) });
    expect(of('checkpointInterval')).toMatchObject({
      observation: 'SET_BY_PROGRAM',
      observed: { text: '600000 ms' },
      restartDue: false,
    });
  });

  it('are not said to be set by the program where nothing was submitted', () => {
    const of = compare({}, { run: run({ ...retention }), cluster: { [INTERVAL]: '1 min' } });
    expect(of('checkpointInterval')).toMatchObject({ observation: 'OBSERVED', submitted: null });
  });

  it('say off where periodic checkpoints are off', () => {
    const off = { ...checkpointing, intervalMs: null };
    const of = compare({ [INTERVAL]: '1 min' }, { run: run({ [INTERVAL]: '1 min' }, { checkpointing: off }) });
    expect(of('checkpointInterval')).toMatchObject({ observation: 'SET_BY_PROGRAM', observed: { text: 'off' } });
  });

  it('are due for a restart only where a live run was submitted otherwise', () => {
    const now = { [INTERVAL]: '5 min', 'state.backend.incremental': 'true' };
    const then = { [INTERVAL]: '300 s', 'a.b': 'c', ...retention };
    const live = compare(now, { run: run(then) });
    expect(live('checkpointInterval')?.restartDue).toBe(false);
    expect(live('incrementalCheckpoints')?.restartDue).toBe(true);
    expect(live('a.b')).toMatchObject({ restartDue: true, desired: null, submitted: { text: 'c' } });
    expect(live('checkpointRetention')?.restartDue).toBe(false);
    const ended = compare(now, { run: run(then, { live: false }) });
    expect(ended('incrementalCheckpoints')?.restartDue).toBe(false);
    const adopted = compare(now, { run: run({}, { adopted: true }) });
    expect(adopted('incrementalCheckpoints')).toMatchObject({ restartDue: false, submitted: null });
  });

  it('are not yet observed before a run was read', () => {
    const of = compare({}, { run: run({}, { checkpointing: null }) });
    expect(of('checkpointInterval')).toMatchObject({ observation: 'NOT_YET_OBSERVED', observed: null });
    expect(compare({})('checkpointTimeout')).toMatchObject({ observation: 'NOT_YET_OBSERVED' });
  });

  it('hide secrets on every side', () => {
    const secret = { 'sink.password': 'hunter2' };
    const all = compareParameters({ configuration: secret, run: run({ 'sink.password': 'hunter1' }), cluster: secret });
    expect(JSON.stringify(all)).not.toContain('hunter');
    expect(all.find(({ key }) => key === 'sink.password')?.restartDue).toBe(true);
  });
});
