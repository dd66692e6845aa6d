import { describe, expect, it } from '@jest/globals';
import {
  type Heir,
  keptByLook,
  keptByRecord,
  type KeptSnapshot,
  type LeftLook,
  type LeftRun,
} from '../../../src/left-behind/left-behind-choice.js';

const HOUR = 3_600_000;
const now = 1_000 * HOUR;
const afterMs = 24 * HOUR;
const FLINK_ID = 'ab'.repeat(16);

const run = (other: Partial<LeftRun> = {}): LeftRun => ({
  jobId: 'run',
  run: 1,
  flinkJobId: FLINK_ID,
  deploymentName: 'orders',
  stopped: false,
  runsAgain: false,
  twins: 0,
  endReadFrom: 'STATISTICS',
  end: 'SEEN',
  checkpoints: [{ flinkCheckpointId: 3, location: `s3://b/${FLINK_ID}/chk-3`, bytes: 10 }],
  laterCheckpointAt: now - afterMs,
  heirs: [],
  latestStateOf: [],
  otherState: true,
  records: [],
  mayShare: [],
  mayUseAny: [],
  ...other,
});
const heir = (other: Partial<Heir> = {}): Heir => ({
  jobId: 'heir',
  named: 'run 2 of deployment "orders"',
  live: true,
  starting: false,
  claimMode: 'NO_CLAIM',
  checkpointing: 'PERIODIC',
  ownCheckpointCompleted: true,
  end: 'SEEN',
  ...other,
});
const look = (other: Partial<LeftLook> = {}): LeftLook => ({
  ids: [3],
  place: null,
  unread: null,
  beside: [],
  foldersElsewhere: [],
  reachOf: new Map(),
  ...other,
});
const kept = (other: Partial<KeptSnapshot> = {}): KeptSnapshot => ({
  key: 'kept',
  of: null,
  named: 'a checkpoint of run 2',
  location: 's3://b/x/chk-1',
  selfContained: false,
  ...other,
});
const byRecord = (other: Partial<LeftRun>, unseen: string[] = []) =>
  keptByRecord(run(other), unseen, { now, afterMs }).map(({ why }) => why);
const byLook = (other: Partial<LeftRun>, seen: Partial<LeftLook>) =>
  keptByLook(run(other), look(seen)).map(({ why }) => why);

describe('what is recorded of an ended run', () => {
  it('says nothing against its disposal a day after the first checkpoint of a later run, and not a moment before', () => {
    expect(byRecord({})).toEqual([]);
    expect(byRecord({ laterCheckpointAt: now - afterMs + 1 })).toEqual(['TOO_SOON']);
    expect(byRecord({ laterCheckpointAt: null })).toEqual(['NO_LATER_RUN']);
  });

  it.each<[string, Partial<LeftRun>]>([
    ['RUNS_AGAIN', { runsAgain: true }],
    ['SAME_JOB_ID', { twins: 1 }],
    ['END_NOT_READ', { endReadFrom: null }],
    ['END_UNSEEN', { end: 'GONE' }],
    ['END_UNSEEN', { end: 'GONE', endReadFrom: 'RECORD' }],
    ['END_UNSEEN', { end: 'NOT_KNOWN', endReadFrom: 'STORAGE' }],
    ['LATEST_STATE', { latestStateOf: ['orders'] }],
    ['LAST_STATE', { stopped: true, otherState: false }],
    ['RECORDED', { records: ['id'] }],
  ])('keeps it: %s', (why, facts) => expect(byRecord(facts)).toEqual([why]));

  it('keeps it while a live run was adopted from who knows what', () =>
    expect(byRecord({}, ['run 9 of deployment "x"'])).toEqual(['SOURCE_UNSEEN']));

  it('takes an end that was not seen where its directory was read, and a last state where the deployment runs', () => {
    expect(byRecord({ end: 'GONE', endReadFrom: 'STORAGE' })).toEqual([]);
    expect(byRecord({ otherState: false })).toEqual([]);
    expect(byRecord({ stopped: true })).toEqual([]);
  });

  it.each<[string[], Partial<Heir>]>([
    [[], {}],
    [[], { live: false, ownCheckpointCompleted: false, starting: true }],
    [['START_UNDER_WAY'], { starting: true }],
    [['SOURCE_OF_LIVE_RUN'], { ownCheckpointCompleted: false }],
    [['SOURCE_OF_LIVE_RUN'], { checkpointing: 'NONE' }],
    [['SOURCE_OF_LIVE_RUN'], { checkpointing: 'NOT_READ' }],
    [['CLAIM_MODE_UNKNOWN'], { claimMode: 'NOT_KNOWN' }],
    [['CLAIM_MODE_UNKNOWN'], { claimMode: 'NOT_KNOWN', live: false }],
    [['SOURCE_OF_LIVE_RUN'], { live: false, end: 'NOT_KNOWN', ownCheckpointCompleted: false }],
    [[], { live: false, end: 'NOT_KNOWN' }],
    [[], { live: false, end: 'GONE', ownCheckpointCompleted: false }],
  ])('says %j of a run that was started from it and is %j', (whys, facts) =>
    expect(byRecord({ heirs: [heir(facts)] })).toEqual(whys),
  );
});

describe('what was seen of an ended run', () => {
  it('says nothing against its disposal where all was read and nothing else uses its files', () => {
    expect(byLook({}, {})).toEqual([]);
    expect(byLook({ mayShare: [kept()] }, { reachOf: new Map([['kept', ['s3://b/other/shared']]]) })).toEqual([]);
  });

  it.each<[string, Partial<LeftLook>]>([
    ['NOT_CONTAINED', { place: 'it is elsewhere' }],
    ['NOT_READ', { unread: 'it cannot be read' }],
    ['NOT_RECORDED_BESIDE', { beside: [4] }],
    ['FILES_ELSEWHERE', { foldersElsewhere: ['s3://b/other/shared'] }],
    ['NOT_READ', { ids: [2] }],
  ])('keeps it: %s', (why, seen) => expect(byLook({}, seen)).toEqual([why]));

  it.each<[string[], Partial<KeptSnapshot>, readonly string[] | null]>([
    [['SHARED_FILES'], {}, [`s3://b/${FLINK_ID}/shared`]],
    [['SHARED_FILES'], {}, [`s3a://another-name-of-it/${FLINK_ID}/taskowned/deeper`]],
    [['SHARED_FILES'], { selfContained: true }, [`s3://b/${FLINK_ID}/chk-3`]],
    [['SHARED_FILES'], {}, null],
    [[], { selfContained: true }, null],
    [[], { elsewhere: true }, null],
    [['SHARED_FILES'], { elsewhere: true }, [`s3://b/${FLINK_ID}/shared`]],
    [[], { of: 'run' }, [`s3://b/${FLINK_ID}/shared`]],
    [['SHARED_FILES'], { of: 'another run' }, [`s3://b/${FLINK_ID}/shared`]],
    [[], {}, [`s3://b/${FLINK_ID}0/shared`, `s3://b/x${FLINK_ID}/shared`]],
  ])('says %j of a snapshot that is kept (%j) with files in %j', (whys, snapshot, folders) => {
    const seen = { reachOf: new Map(folders === null ? [] : [['kept', folders]]) };
    expect(byLook({ mayShare: [kept(snapshot)] }, seen)).toEqual(whys);
    expect(byLook({ mayUseAny: [kept(snapshot)] }, seen)).toEqual(whys);
  });

  it('may be looked at again in a moment where something could not be read, and not where it was', () => {
    const again = (other: Partial<LeftRun>, seen: Partial<LeftLook>) =>
      keptByLook(run(other), look(seen)).map(({ lookAgain = false }) => lookAgain);
    expect(again({}, { unread: 'it cannot be read' })).toEqual([true]);
    expect(again({}, { ids: [2] })).toEqual([true]);
    expect(again({ mayUseAny: [kept()] }, {})).toEqual([true]);
    expect(again({ mayUseAny: [kept()] }, { reachOf: new Map([['kept', [`s3://b/${FLINK_ID}/shared`]]]) })).toEqual([
      false,
    ]);
    expect(again({}, { beside: [4], foldersElsewhere: ['s3://b/other'] })).toEqual([false, false]);
    expect(again({}, { place: 'it is elsewhere' })).toEqual([false]);
  });
});
