import { describe, expect, it } from '@jest/globals';
import { judgeRecorded, type RecordedState, type RecordedTarget } from '../../../src/compatibility/judge-recorded.js';
import { planKeyOf } from '../../../src/compatibility/program-plan.js';
import { backendOf } from '../../../src/compatibility/state-backend.js';
import { DataState } from '../../../src/savepoint/savepoint.enums.js';
import type { ContentsOfMetadata } from '../../../src/savepoint/snapshot-contents.js';
import { heldOf, operator, planned } from './snapshots.js';

const settings = {
  artifactId: 'jar',
  entryClass: null,
  programArguments: ['--in', 'a'],
  parallelism: 2,
  flinkConfiguration: {},
};
const cluster = { flinkVersion: '2.3.0', configuration: {} };
const state: RecordedState = {
  contents: null,
  flinkVersion: '2.3.0',
  stateBackend: 'HASHMAP',
  format: 'CANONICAL',
  data: DataState.PRESENT,
};
const target: RecordedTarget = {
  plan: null,
  settings,
  cluster,
  stateBackend: 'HASHMAP',
  allowNonRestoredState: false,
  madeWith: settings,
};
const counter = operator('counter');
const contents: ContentsOfMetadata = {
  source: 'METADATA',
  metadata: { ...heldOf([counter]).metadata.read, checkpointId: 1, metadataBytes: 100 },
  files: {
    selfContained: true,
    relocatable: true,
    totalBytes: 100,
    files: 1,
    damages: [],
    damaged: 0,
    absent: 0,
    notReached: 0,
  },
};
const plan = {
  operators: [planned(counter)],
  uidHashes: { calls: false, ids: [] as string[] },
  plannedAt: new Date(0),
};

const judge = (of: Partial<RecordedState> = {}, to: Partial<RecordedTarget> = {}) =>
  judgeRecorded({ ...state, ...of }, { ...target, ...to });
const heavy = (of: Partial<RecordedState>, to: Partial<RecordedTarget>) =>
  judge(of, to)
    .findings.filter(({ code }) => !['NO_METADATA', 'NO_PLAN'].includes(code))
    .map(({ code, severity }) => `${code} ${severity}`);

describe('the verdict by what is recorded', () => {
  it('is open where neither the state nor the program was read, and says so', () => {
    expect(judge()).toMatchObject({
      mapping: 'UNKNOWN',
      notChecked: ['OPERATORS', 'MAX_PARALLELISM', 'FILES'],
      kept: [],
      stateBytes: null,
    });
    expect(judge({}, { madeWith: null }).notChecked).toContain('STATE_TYPES');
    expect(judge({ contents: { source: 'REST', vertices: [] } }, { plan }).notChecked).toContain('OPERATORS');
  });

  it('leaves nothing open for the program that made the state, however wide it runs', () => {
    expect(judge({ contents }, { plan })).toMatchObject({
      mapping: 'FULLY_COMPATIBLE',
      notChecked: [],
      stateBytes: 1000,
    });
    expect(judge({ contents }, { plan, settings: { ...settings, parallelism: 1 } }).notChecked).toEqual([]);
  });

  it.each([
    ['another jar', { artifactId: 'other' }],
    ['another main class', { entryClass: 'org.example.Main' }],
    ['other arguments', { programArguments: ['--in', 'b'] }],
    ['other settings of Flink', { flinkConfiguration: { 'table.exec.state.ttl': '1 h' } }],
  ])('leaves the types of the state open for %s', (_, change) => {
    const changed = { ...settings, ...change };
    expect(judge({ contents }, { plan, settings: changed }).notChecked).toEqual(['MAX_PARALLELISM', 'STATE_TYPES']);
  });

  it('knows of no program that is the same where the jar of a run is not here', () => {
    const adopted = { ...settings, artifactId: null };
    expect(judge({ contents }, { plan, settings: adopted, madeWith: adopted }).notChecked).toContain('STATE_TYPES');
  });

  it.each([
    ['of the run', { flinkConfiguration: { 'pipeline.max-parallelism': '256' } }, {}],
    ['of the cluster', {}, { configuration: { 'pipeline.max-parallelism': '256' } }],
  ])('takes the max parallelism %s', (_, run, ofCluster) => {
    const changed = { settings: { ...settings, ...run }, cluster: { ...cluster, ...ofCluster } };
    expect(judge({ contents }, { plan, ...changed })).toMatchObject({ mapping: 'INCOMPATIBLE' });
    expect(heavy({ contents }, { plan, ...changed })).toEqual(['MAX_PARALLELISM_CHANGED BLOCKER']);
  });

  describe('of a max parallelism that is another than that of the state', () => {
    const wide = { ...contents, metadata: { ...contents.metadata, operators: [{ ...counter, maxParallelism: 32 }] } };
    const by = (configuration: Record<string, string>) => ({ cluster: { ...cluster, configuration } });
    const to128 = by({ 'pipeline.max-parallelism': '128' });

    it('says nothing of what the same code sets itself', () => {
      expect(judge({ contents: wide }, { plan, ...to128 })).toMatchObject({
        mapping: 'FULLY_COMPATIBLE',
        notChecked: [],
      });
    });

    it('cannot tell whether other code sets it still', () => {
      const other = { ...settings, programArguments: ['--v2'] };
      const verdict = judge({ contents: wide }, { plan, settings: other, ...to128 });
      expect(verdict).toMatchObject({ mapping: 'FULLY_COMPATIBLE', notChecked: ['MAX_PARALLELISM', 'STATE_TYPES'] });
      expect(verdict.findings).toEqual([
        expect.objectContaining({ code: 'MAX_PARALLELISM_NOT_TOLD', severity: 'WARNING' }),
      ]);
    });

    it('knows that a setting has changed', () => {
      const set = (value: string) => ({ ...settings, flinkConfiguration: { 'pipeline.max-parallelism': value } });
      const verdict = judge({ contents: wide }, { plan, settings: set('64'), madeWith: set('32') });
      expect(verdict).toMatchObject({ mapping: 'INCOMPATIBLE' });
    });
  });

  it('takes the same code to use the state backend that it used, where no setting names one', () => {
    const native = {
      ...contents,
      metadata: {
        ...contents.metadata,
        backends: ['ROCKSDB_OR_FORST' as const],
        properties: { ...contents.metadata.properties, format: 'NATIVE' as const },
      },
    };
    const made = { contents: native, stateBackend: 'ROCKSDB' };
    expect(judge(made, { plan, stateBackend: null })).toMatchObject({ mapping: 'FULLY_COMPATIBLE', notChecked: [] });
    expect(judge(made, { plan, stateBackend: null, madeWith: null }).notChecked).toContain('STATE_BACKEND');
  });

  it.each([DataState.MISSING, DataState.DAMAGED])('counts no file as seen where its data are %s', (data) => {
    expect(judge({ contents, data }, { plan }).notChecked).toEqual(['FILES']);
  });

  it('counts the files as open where some could not be looked at', () => {
    const files = { ...contents.files, notReached: 1 };
    expect(judge({ contents: { ...contents, files } }, { plan }).notChecked).toEqual(['FILES']);
  });

  it('is INCOMPATIBLE with damaged files, which were looked at', () => {
    const files = { ...contents.files, damaged: 1 };
    const damaged = { contents: { ...contents, files } };
    expect(judge(damaged, { plan })).toMatchObject({ mapping: 'INCOMPATIBLE', notChecked: [] });
    expect(heavy(damaged, { plan })).toEqual(['FILES_DAMAGED BLOCKER']);
  });

  describe('of state without an operator, and a jar that calls setUidHash,', () => {
    const renamed = { ...plan, operators: [planned(operator('counter-2'))] };
    const calling = (ids: string[]) => ({ ...renamed, uidHashes: { calls: true, ids } });

    it.each([
      ['the jar has its id', { plan: calling([counter.id]) }],
      [
        'it is given its id',
        { plan: calling([]), settings: { ...settings, programArguments: [`--hash=${counter.id}`] } },
      ],
      ['the jar could not be read', { plan: { ...renamed, uidHashes: null } }],
    ])('cannot be told where %s', (_, to) => {
      for (const allowNonRestoredState of [false, true]) {
        const verdict = judge({ contents }, { ...to, allowNonRestoredState });
        expect(verdict).toMatchObject({ mapping: 'UNKNOWN', kept: [] });
        expect(verdict.notChecked).toContain('OPERATORS');
        expect(verdict.findings[0]).toMatchObject({ code: 'OPERATOR_NOT_TOLD', stateBytes: 1000 });
      }
    });

    it('is INCOMPATIBLE where it knows other ids alone', () => {
      expect(judge({ contents }, { plan: calling(['0'.repeat(32)]) }).mapping).toBe('INCOMPATIBLE');
      const uncalled = { ...renamed, uidHashes: { calls: false, ids: [] } };
      const given = { ...settings, programArguments: [counter.id] };
      expect(judge({ contents }, { plan: uncalled, settings: given }).mapping).toBe('INCOMPATIBLE');
    });
  });

  it.each([
    ['2.3.0', '1.20.5', ['METADATA_TOO_NEW BLOCKER']],
    ['2.3.0', '2.2.1', ['NEWER_FLINK_VERSION WARNING']],
    ['1.20.5', '2.3.0', ['MAJOR_VERSION_CHANGE WARNING']],
    ['2.2.1', '2.3.0', []],
    [null, '2.3.0', []],
    ['2.3.1', '2.3.0', []],
  ])('of state made by Flink %s for %s, of which nothing was read, says %j', (made, reads, expected) => {
    expect(heavy({ flinkVersion: made }, { cluster: { ...cluster, flinkVersion: reads } })).toEqual(expected);
  });

  it.each([
    ['1.20.5', 6, '1.20.5', ['METADATA_TOO_NEW BLOCKER']],
    ['2.0.1', 6, '2.0.1', ['METADATA_TOO_NEW BLOCKER']],
    ['2.3.0', 4, '2.3.0', ['MAJOR_VERSION_CHANGE WARNING', 'UIDS_NOT_WRITTEN INFO']],
    ['2.3.0', 4, '1.20.5', ['UIDS_NOT_WRITTEN INFO']],
    ['2.2.1', 6, '2.3.0', []],
    ['2.9.0', 6, '2.3.0', ['NEWER_FLINK_VERSION WARNING']],
  ])(
    'of state recorded as made by Flink %s whose _metadata is of version %i, for %s, says %j',
    (recorded, version, reads, expected) => {
      const read = { ...contents, metadata: { ...contents.metadata, version } };
      expect(
        heavy({ contents: read, flinkVersion: recorded }, { plan, cluster: { ...cluster, flinkVersion: reads } }),
      ).toEqual(expected);
    },
  );

  it('never names a Flink as the maker of what it does not write', () => {
    const of = { contents: { ...contents, metadata: { ...contents.metadata, version: 6 } }, flinkVersion: '1.20.5' };
    const [finding] = judge(of, { plan, cluster: { ...cluster, flinkVersion: '1.20.5' } }).findings;
    expect(finding?.message).toContain(
      'made by a Flink that writes version 6, in version 6; Flink 1.20.5 reads up to 4',
    );
    expect(finding?.remedy).toContain('on Flink 2.1 or later');
  });

  it('goes by the recorded format and backend where nothing was read', () => {
    expect(heavy({ format: 'NATIVE' }, { stateBackend: 'ROCKSDB' })).toEqual(['OTHER_STATE_BACKEND BLOCKER']);
    expect(heavy({ format: 'CANONICAL' }, { stateBackend: 'ROCKSDB' })).toEqual([]);
    expect(heavy({ format: 'NATIVE' }, { stateBackend: null })).toEqual([]);
    expect(judge({ format: 'NATIVE' }, { stateBackend: null, madeWith: null }).notChecked).toContain('STATE_BACKEND');
    expect(heavy({ format: 'NATIVE', stateBackend: 'ROCKSDB' }, { stateBackend: 'FORST' })).toEqual([
      'STATE_BACKEND_NOT_TOLD WARNING',
    ]);
    expect(judge({ format: null }).notChecked).toContain('STATE_BACKEND');
  });
});

describe('the state backend of a run', () => {
  it.each([
    [{}, {}, 'HASHMAP'],
    [{ 'state.backend.type': 'rocksdb' }, {}, 'ROCKSDB'],
    [{ 'state.backend': 'rocksdb' }, { 'state.backend.type': 'hashmap' }, 'ROCKSDB'],
    [{}, { 'state.backend.type': 'ForSt' }, 'FORST'],
    [{ 'state.backend.type': 'org.example.Factory' }, {}, null],
  ])('by %j on a cluster with %j is %s', (run, cluster, expected) => expect(backendOf(run, cluster)).toBe(expected));
});

describe('what a plan is remembered by', () => {
  const key = (change: object = {}, configuration: Record<string, string> = {}) =>
    planKeyOf({ ...settings, ...change }, { ...cluster, configuration });

  it('is the jar, the settings and the Flink', () => {
    expect(key()).toEqual(key({ flinkConfiguration: {} }));
    for (const change of [
      { entryClass: 'org.example.Main' },
      { programArguments: ['--in a'] },
      { parallelism: 3 },
      { flinkConfiguration: { a: 'b' } },
    ])
      expect(key(change)?.settingsHash).not.toBe(key()?.settingsHash);
    expect(key({ flinkConfiguration: { a: '1', b: '2' } })).toEqual(key({ flinkConfiguration: { b: '2', a: '1' } }));
  });

  it('is also what the cluster sets of the width of a job, unless the run says otherwise', () => {
    expect(key({}, { 'parallelism.default': '4' })).not.toEqual(key());
    expect(key({}, { 'table.exec.source.idle-timeout': '1 s' })).not.toEqual(key());
    expect(key({}, { 'rest.port': '8081' })).toEqual(key());
    const run = { flinkConfiguration: { 'parallelism.default': '2' } };
    expect(key(run, { 'parallelism.default': '4' })).toEqual(key(run));
  });

  it('is nothing without a jar, or where the version of the Flink is not known', () => {
    expect(key({ artifactId: null })).toBeNull();
    expect(planKeyOf(settings, { ...cluster, flinkVersion: null })).toBeNull();
  });
});
