import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Database } from '../../src/db/database.js';
import { forgetOldContents, forgetOldPlans } from '../../src/housekeeping/forget-old-memories.js';
import { keepHouse } from '../../src/housekeeping/housekeeping.js';
import { contentsOf, type FilesSeen } from '../../src/savepoint/snapshot-contents.js';
import { keepContents, readContents, type SnapshotKey } from '../../src/savepoint/snapshot-contents.store.js';
import { endRun, insertLeftBehind, insertRun, insertSavepointOf, type Run } from '../support/history-rows.js';
import { openTestDatabase, type OpenDatabase } from '../support/rows.js';
import { heldOf, operator } from '../unit/compatibility/snapshots.js';

let opened: OpenDatabase;
let database: Database;
let run: Run;
let storageId: string;
beforeAll(async () => {
  opened = await openTestDatabase();
  database = opened.database;
});
afterAll(() => opened.close());
beforeEach(async () => {
  run = await insertRun(database);
  storageId = randomUUID();
  await database.changed('insert into storage (id, name) values ($1::uuid, $1::text)', [storageId]);
});

const whole: FilesSeen = {
  selfContained: true,
  relocatable: true,
  totalBytes: 1_120,
  files: 3,
  damages: [],
  damaged: 0,
  absent: 0,
  notReached: 0,
};
function keep(key: SnapshotKey, files: Partial<FilesSeen> = {}, { metadataBytes = 100, ownFolderOnly = false } = {}) {
  const operators = [operator('counter')];
  const metadata = {
    ...heldOf(operators).metadata.read,
    operators,
    checkpointId: 7,
    metadataBytes,
    masterStates: [],
    inlineBytes: 0,
  };
  return database.transaction((tx) =>
    keepContents(tx, key, contentsOf({ metadata, ...whole, ...files }), { ownFolderOnly }),
  );
}
const kept = async (key: SnapshotKey) => {
  const savepointId = 'savepointId' in key ? key.savepointId : null;
  return readContents(database, { savepointId, places: 'savepointId' in key ? [] : [key] });
};
const notReachedOf = async (key: SnapshotKey) => {
  const contents = (await kept(key))?.contents;
  return contents?.source === 'METADATA' ? contents.files.notReached : undefined;
};

describe('what a look at a snapshot has told', () => {
  const place = () => ({ storageId, path: 'job/chk-7' });

  it('is not overwritten by a look at its own folder alone, which counts files elsewhere as not reached', async () => {
    await keep(place());
    const before = await kept(place());
    await keep(place(), { notReached: 2 }, { ownFolderOnly: true });
    expect(await kept(place())).toEqual(before);
    await keep(place(), { notReached: 1 });
    expect(await notReachedOf(place())).toBe(1);
  });

  it('is by such a look too where nothing else is known, or of another _metadata', async () => {
    await keep(place(), { notReached: 2 }, { ownFolderOnly: true });
    expect(await notReachedOf(place())).toBe(2);
    await keep(place());
    await keep(place(), { notReached: 3 }, { ownFolderOnly: true, metadataBytes: 101 });
    expect(await notReachedOf(place())).toBe(3);
  });

  it('is by such a look too where the statistics alone had told of it', async () => {
    const key = { savepointId: await insertSavepointOf(database, run) };
    await database.transaction((tx) => keepContents(tx, key, { source: 'REST', vertices: [] }));
    await keep(key, { notReached: 2 }, { ownFolderOnly: true });
    expect(await notReachedOf(key)).toBe(2);
  });
});

const DAY_MS = 24 * 3_600_000;
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS);
const readDaysAgo = (days: number) =>
  database.changed(`update snapshot_contents set read_at = $1 where storage_id = $2 or savepoint_id is not null`, [
    daysAgo(days),
    storageId,
  ]);
const shownAs = (own: object, { jobId } = run) =>
  database.changed('update job set own_snapshot = $2 where id = $1', [jobId, JSON.stringify(own)]);
const isKept = async (key: SnapshotKey): Promise<boolean> => {
  await forgetOldContents(database);
  return (await kept(key)) !== null;
};

describe('what is kept of savepoints', () => {
  const savepoint = async (columns: Record<string, unknown>) => {
    const savepointId = await insertSavepointOf(database, run, columns);
    await keep({ savepointId });
    await readDaysAgo(400);
    return { savepointId };
  };

  it.each([
    ['that are there', {}, true],
    ['that were deleted a month ago', { state: 'DELETED', deleted_at: daysAgo(31) }, false],
    ['that were deleted of late', { state: 'DELETED', deleted_at: daysAgo(29) }, true],
    ['whose deletion has failed', { state: 'DELETION_FAILED', state_since: daysAgo(60) }, true],
  ])('%s', async (_, columns, stays) => {
    expect(await isKept(await savepoint(columns))).toBe(stays);
  });

  it('is kept where it shows what a run that is live holds', async () => {
    const key = await savepoint({ state: 'DELETED', deleted_at: daysAgo(31) });
    await shownAs({ ...key, storageId, path: 'elsewhere' });
    expect(await isKept(key)).toBe(true);
  });
});

describe('what is kept of places', () => {
  const flinkJobId = () => run.jobId.replaceAll('-', '');
  const checkpoint = async (days = 31, path = `${flinkJobId()}/chk-7`) => {
    const place = { storageId, path };
    await keep(place);
    await readDaysAgo(days);
    return place;
  };
  const locationOf = (path: string) => `s3a://bucket/checkpoints/${path}`;

  it('goes after a month, and not before', async () => {
    expect(await isKept(await checkpoint(29))).toBe(true);
    expect(await isKept(await checkpoint(31))).toBe(false);
  });

  it('stays while it shows what a run that is live holds, and of the last run of a deployment', async () => {
    const place = await checkpoint();
    await shownAs({ savepointId: null, ...place });
    expect(await isKept(place)).toBe(true);
    await endRun(database, run);
    expect(await isKept(place)).toBe(true);
    await insertRun(database, {}, run);
    expect(await isKept(place)).toBe(false);
  });

  it('goes with the deployment that nobody has any more', async () => {
    const place = await checkpoint();
    await shownAs({ savepointId: null, ...place });
    await endRun(database, run);
    await database.changed('update deployment set archived_at = now() where id = $1', [run.deploymentId]);
    expect(await isKept(place)).toBe(false);
  });

  it.each([['chk-7'], ['in/some/folder/chk-7']])('stays while a run has left a checkpoint there: %s', async (path) => {
    const place = await checkpoint(31, path);
    await endRun(database, run);
    await insertLeftBehind(database, run, 7, new Date(), { location: locationOf(path) });
    expect(await isKept(place)).toBe(true);
    await database.changed(`update retained_checkpoint set data = 'MISSING' where job_id = $1`, [run.jobId]);
    expect(await isKept(place)).toBe(false);
  });

  it('does not stay for a checkpoint of the same name of another run', async () => {
    const place = await checkpoint();
    await insertLeftBehind(database, run, 7, new Date(), { location: locationOf(`${'a'.repeat(32)}/chk-7`) });
    expect(await isKept(place)).toBe(false);
  });

  it('goes in batches, all that is to go', async () => {
    await database.changed(
      `insert into snapshot_contents (id, storage_id, path, source, contents, read_at)
       select gen_random_uuid(), $1, 'job/chk-' || n, 'REST', '{}', now() - interval '31 days' from generate_series(1, 2500) n`,
      [storageId],
    );
    expect(await forgetOldContents(database)).toBe(2_500);
  });
});

describe('what Flink has told of programs', () => {
  it('goes after 90 days, and housekeeping sees to it, as to what was read', async () => {
    const artifactId = randomUUID();
    await database.changed(`insert into artifact (id, name, sha256, size_bytes) values ($1, 'job.jar', $2, 1)`, [
      artifactId,
      artifactId.replaceAll('-', '').repeat(2),
    ]);
    await database.changed(
      `insert into program_plan (artifact_id, settings_hash, flink_version, operators, took_ms, planned_at)
       select $1, 'settings-' || n, '2.3.0', '[]', 1, now() - n * interval '1 day' from generate_series(89, 1600) n`,
      [artifactId],
    );
    const plans = () =>
      database.row<{ n: number }>('select count(*)::int as n from program_plan where artifact_id = $1', [artifactId]);
    expect(await forgetOldPlans(database)).toBe(1_511);
    expect((await plans())?.n).toBe(1);

    await database.changed(`update program_plan set planned_at = now() - interval '91 days'`);
    const place = { storageId, path: 'job/chk-7' };
    await keep(place);
    await readDaysAgo(31);
    expect(await keepHouse(database, { checkpointDays: 30 })).toBe(true);
    expect((await plans())?.n).toBe(0);
    expect(await kept(place)).toBeNull();
  });
});
