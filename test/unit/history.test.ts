import { describe, expect, it } from '@jest/globals';
import { readCheckpointId } from '../../src/api/id-arg.js';
import { CheckpointState, GapReason } from '../../src/checkpoint/checkpoint.enums.js';
import { Checkpoint } from '../../src/checkpoint/checkpoint.types.js';
import { CheckpointGap } from '../../src/checkpoint/history.types.js';
import { startedFromOf } from '../../src/checkpoint/lineage.types.js';
import { type Candidate, newestRestorable } from '../../src/checkpoint/newest-restorable.js';
import { stretchOf } from '../../src/checkpoint/stretch.js';
import { Job, JobOrigin } from '../../src/job/job.entity.js';
import { SnapshotKind } from '../../src/job/snapshot-kind.js';
import { Savepoint } from '../../src/savepoint/savepoint.entity.js';
import { DataState, SavepointState } from '../../src/savepoint/savepoint.enums.js';
import { refuseCheckpointId } from '../../src/savepoint/savepoint-id.js';

const RUN = '6d0e9d0c-6f3c-4b7e-9d3f-0a4f3c7f1a11';
const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 12, minute));

const checkpointAt = (minute: number, { live = false, retained = true } = {}): Checkpoint =>
  new Checkpoint({
    jobId: RUN,
    deploymentId: RUN,
    flinkCheckpointId: minute,
    kind: SnapshotKind.CHECKPOINT,
    type: 'CHECKPOINT',
    format: null,
    state: CheckpointState.COMPLETED,
    triggeredAt: at(minute),
    endedAt: at(minute),
    durationMs: 5,
    checkpointedBytes: 1,
    stateBytes: 1,
    subtasks: 1,
    acknowledgedSubtasks: 1,
    location: `file:///c/chk-${minute}`,
    failureMessage: null,
    discarded: false,
    savepointId: null,
    run: { live, endRead: true, inJobManagerMemory: false },
    retained: retained ? { data: 'PRESENT' } : null,
    savepoint: null,
  });
const savepointAt = (minute: number, more: Partial<Savepoint> = {}): Savepoint =>
  Object.assign(new Savepoint(), {
    kind: SnapshotKind.SAVEPOINT,
    state: SavepointState.COMPLETED,
    data: DataState.PRESENT,
    drained: false,
    verified: true,
    location: `file:///s/savepoint-${minute}`,
    triggeredAt: at(minute),
    completedAt: at(minute),
    ...more,
  });

describe('the id of a checkpoint', () => {
  it('is that of its run and a number of Flink', () => {
    expect(readCheckpointId(`${RUN.toUpperCase()}:17`)).toEqual({ jobId: RUN, flinkCheckpointId: 17 });
    for (const wrong of [RUN, `${RUN}:`, `${RUN}:x`, `x:${RUN}:1`, `${RUN}:1:2`, '17', ''])
      expect(readCheckpointId(wrong)).toBeNull();
  });

  it('given to a request about a savepoint is refused with the reason, and no id at all is a broken request', () => {
    const refusal = refuseCheckpointId('savepointId', `${RUN}:17`);
    expect(refusal).toMatchObject({ code: 'CHECKPOINT_IS_FLINKS', checkpointId: `${RUN}:17` });
    expect(refusal?.message).toContain('createSavepoint');
    expect(refuseCheckpointId('savepointId', RUN)).toBeNull();
    expect(() => refuseCheckpointId('savepointId', 'chk-17')).toThrow(/not an id/);
  });
});

describe('the newest restorable state', () => {
  const now = at(60).getTime();

  it('is the newest by the time at which Flink began it, savepoint or checkpoint', () => {
    const candidates: Candidate[] = [
      { savepoint: savepointAt(10), clockOffsetMs: 0 },
      { checkpoint: checkpointAt(20), clockOffsetMs: 0 },
    ];
    expect(newestRestorable(candidates, now)).toMatchObject({
      kind: 'CHECKPOINT',
      savepoint: null,
      location: 'file:///c/chk-20',
      ageMs: 40 * 60_000,
    });
    expect(newestRestorable([...candidates, { savepoint: savepointAt(30), clockOffsetMs: 0 }], now)).toMatchObject({
      kind: 'SAVEPOINT',
      checkpoint: null,
      location: 'file:///s/savepoint-30',
    });
  });

  it('is never one that cannot be restored from', () => {
    const candidates: Candidate[] = [
      { checkpoint: checkpointAt(50, { live: true }), clockOffsetMs: 0 },
      { checkpoint: checkpointAt(40, { retained: false }), clockOffsetMs: 0 },
      { savepoint: savepointAt(30, { drained: true }), clockOffsetMs: 0 },
      { savepoint: savepointAt(20, { data: DataState.MISSING }), clockOffsetMs: 0 },
    ];
    expect(newestRestorable(candidates, now)).toBeNull();
    expect(newestRestorable([...candidates, { savepoint: savepointAt(1), clockOffsetMs: 0 }], now)).toMatchObject({
      location: 'file:///s/savepoint-1',
    });
  });

  it('is as old as the clock of the JobManager says that made it', () => {
    const aged = (clockOffsetMs: number | null) =>
      newestRestorable([{ savepoint: savepointAt(50), clockOffsetMs }], now)?.ageMs;
    expect(aged(0)).toBe(600_000);
    expect(aged(7_000)).toBe(607_000);
    expect(aged(-900_000)).toBe(0);
    expect(aged(null)).toBeNull();
  });

  it('says why its age is not known', () => {
    const unknown = (savepoint: Savepoint, clockOffsetMs: number | null) =>
      newestRestorable([{ savepoint, clockOffsetMs }], now)?.ageUnknown;
    expect(unknown(savepointAt(50), null)).toMatch(/clock/);
    expect(unknown(savepointAt(50, { triggeredAt: null }), 0)).toMatch(/never told/);
    expect(unknown(savepointAt(50), 0)).toBeNull();
  });
});

describe('the time that a page stands for', () => {
  const page = (minutes: number[], hasNextPage: boolean) => ({
    edges: minutes.map((minute) => ({ cursor: '', node: checkpointAt(minute) })),
    pageInfo: { hasNextPage, endCursor: null },
  });
  const first = { first: 2, after: null };

  it('reaches from the page before it to its own last row, so that pages side by side leave nothing out', () => {
    expect(stretchOf(first, page([9, 8], true), {})).toEqual({ to: null, from: at(8), jobId: null });
    const behind = { first: 2, after: { at: at(8).toISOString(), id: '8' } };
    expect(stretchOf(behind, page([7, 6], true), {})).toMatchObject({ to: at(8), from: at(6) });
    expect(stretchOf(behind, page([7], false), {})).toMatchObject({ to: at(8), from: null });
    expect(stretchOf(behind, page([], false), {})).toMatchObject({ to: at(8), from: null });
  });

  it('ends where the filter ends', () => {
    expect(stretchOf(first, page([9], false), { from: at(1), to: at(30), jobId: RUN })).toEqual({
      to: at(30),
      from: at(1),
      jobId: RUN,
    });
  });
});

describe('a gap', () => {
  const gap = (missing: number | null, reason: GapReason) =>
    Object.assign(new CheckpointGap(), { from: at(1), to: at(5), missing, reason }).message;

  it('says how much is missing, when, and why', () => {
    expect(gap(3, GapReason.COUNTED_MORE)).toMatch(/^3 checkpoints are missing between 2026-01-01T12:01:00.000Z and/);
    expect(gap(1, GapReason.ID_MISSING)).toMatch(/^1 checkpoint is missing/);
    expect(gap(null, GapReason.JOBMANAGER_CHANGED)).toMatch(/^Checkpoints may be missing .*restarted/);
  });
});

describe('what a run was started from', () => {
  const run = (more: Partial<Job>) =>
    Object.assign(new Job(), {
      origin: JobOrigin.STARTED,
      flinkJobId: 'a'.repeat(32),
      startSavepointId: null,
      startJobId: null,
      startCheckpointId: null,
      startLocation: null,
      startTriggeredAt: null,
      startWhy: null,
      restoredLocation: null,
      ...more,
    });

  it('is nothing when it was started without state', () => {
    expect(startedFromOf(run({}))).toBeNull();
    expect(startedFromOf(run({ restoredLocation: 's3://c/bbbb/chk-4' }))).toBeNull();
  });

  it.each([
    ['s3://c/0123/chk-4', null, 'CHECKPOINT'],
    ['s3://s/savepoint-0123-abcdef', null, 'SAVEPOINT'],
    ['s3://s/moved-by-hand', RUN, 'SAVEPOINT'],
    ['s3://s/moved-by-hand', null, null],
  ])('is told by its location: %s of %s is %s', (startLocation, startSavepointId, kind) => {
    const from = startedFromOf(
      run({ startLocation, startSavepointId, startWhy: 'asked for', startTriggeredAt: at(3) }),
    );
    expect(from).toMatchObject({ kind, location: startLocation, why: 'asked for', takenAt: at(3) });
  });

  it('of an adopted run is what Flink showed, unless that is a checkpoint of its own', () => {
    const adopted = (restoredLocation: string) => startedFromOf(run({ origin: JobOrigin.ADOPTED, restoredLocation }));
    expect(adopted('s3://s/savepoint-0123-ab')).toMatchObject({ kind: 'SAVEPOINT', takenAt: null });
    expect(adopted(`s3://c/${'a'.repeat(32)}/chk-9`)).toBeNull();
  });
});
