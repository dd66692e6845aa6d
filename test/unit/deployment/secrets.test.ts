import { describe, expect, it } from '@jest/globals';
import {
  isSensitive,
  MissingSecrets,
  resolveSecrets,
  secretsIn,
  secretsNamed,
  shownConfiguration,
  withoutSecrets,
} from '../../../src/deployment/secrets.js';

describe('a sensitive setting', () => {
  it('is known by the words that Flink knows it by, in any case', () => {
    for (const key of ['sink.Password', 's3.secret-key', 'x.APIKEY', 'x.api-key', 'security.jaas.config', 'a.token'])
      expect(isSensitive(key)).toBe(true);
    for (const key of ['execution.checkpointing.interval', 'pipeline.name', 's3.access-key'])
      expect(isSensitive(key)).toBe(false);
  });

  it('is shown as stars, and as it is where it is but a reference', () => {
    expect(
      shownConfiguration({ 'a.password': 'p', 'b.password': '${secret:B}', 'c.password': 'x${secret:B}', d: 'e' }),
    ).toEqual([
      { key: 'a.password', value: '******' },
      { key: 'b.password', value: '${secret:B}' },
      { key: 'c.password', value: '******' },
      { key: 'd', value: 'e' },
    ]);
  });
});

describe('references to secrets', () => {
  const secrets = secretsIn({
    STATEWARD_SECRET_DB: 'p$1',
    STATEWARD_SECRET_EMPTY: '',
    OTHER: 'x',
    STATEWARD_PORT: '1',
  });

  it('are resolved from the variables of their prefix alone, in arguments and settings', () => {
    expect([...secrets.keys()]).toEqual(['DB', 'EMPTY']);
    expect(
      resolveSecrets(
        {
          programArguments: ['--db', 'a:${secret:DB}@b${secret:EMPTY}', '${other:DB}'],
          flinkConfiguration: { 'sink.password': '${secret:DB}', plain: 'x' },
        },
        secrets,
      ),
    ).toEqual({
      programArguments: ['--db', 'a:p$1@b', '${other:DB}'],
      flinkConfiguration: { 'sink.password': 'p$1', plain: 'x' },
    });
  });

  it('that the worker has not got are all named, with the variables to be set', () => {
    const missing = resolveSecrets(
      { programArguments: ['${secret:Z}${secret:DB}'], flinkConfiguration: { a: '${secret:A}${secret:Z}' } },
      secrets,
    );
    expect(missing).toBeInstanceOf(MissingSecrets);
    expect(missing).toMatchObject({
      names: ['A', 'Z'],
      message: expect.stringContaining('STATEWARD_SECRET_A, STATEWARD_SECRET_Z'),
    });
  });

  it('are not resolved a second time in what came out', () => {
    const nested = new Map([
      ['A', '${secret:B}'],
      ['B', 'x'],
    ]);
    expect(resolveSecrets({ programArguments: ['${secret:A}'], flinkConfiguration: {} }, nested)).toMatchObject({
      programArguments: ['${secret:B}'],
    });
  });
});

describe('what comes back from a program', () => {
  const given = new Map([
    ['SHORT', 'pass'],
    ['LONG', 'pass-word$1'],
    ['OTHER', 'elsewhere'],
    ['EMPTY', ''],
  ]);

  it('is kept without the values of the secrets that it was given, the longest first', () => {
    const used = secretsNamed(
      { programArguments: ['--a', '${secret:SHORT}${secret:EMPTY}'], flinkConfiguration: { b: 'x${secret:LONG}' } },
      given,
    );
    expect([...used.keys()].sort()).toEqual(['EMPTY', 'LONG', 'SHORT']);
    expect(withoutSecrets('no pass-word$1 for pass, elsewhere', used)).toBe(
      'no ${secret:LONG} for ${secret:SHORT}, elsewhere',
    );
  });
});
