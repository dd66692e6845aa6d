import { mkdir, readdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { wake } from '../../src/db/claims.js';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { hang } from '../support/hanging-storage.js';
import { createSavepoint, endOfSavepoint } from '../support/scenario.js';
import {
  acknowledged,
  deploymentOn,
  eventsOf,
  hurryTo,
  savepointIn,
  savepointNow,
  secondLookAt,
} from '../support/savepoint-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

const POLL = { method: 'GET', path: /\/savepoints\/[0-9a-f]{32}$/ };

let stateward: Stateward;
let flink: FakeFlink;
beforeAll(async () => {
  stateward = await startStateward();
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  flink = await startFakeFlink();
});
afterEach(() => flink.stop());

/** The folder in which Flink was asked to write. */
const folderOf = (deploymentId: string, savepointId: string) =>
  join(flink.folder, 'savepoints', deploymentId, savepointId, '1');

describe('a savepoint whose JobManager is restarted', () => {
  it('is RESULT_LOST after two looks when nothing of it is found', async () => {
    const { deploymentId, id } = await underWay();
    await flink.restart();
    await waitFor(async () => (await eventsOf(stateward, id)).includes('SAVEPOINT_RESULT_SOUGHT'), {
      what: 'a search',
    });
    await someMoreLooks(id); // within 30 s they count as one
    expect(await savepointNow(stateward, id)).toMatchObject({ state: 'IN_PROGRESS' });
    await secondLookAt(stateward, id);
    const { failure } = await savepointIn(stateward, id, 'FAILED');
    expect(failure.code).toBe('RESULT_LOST');
    expect(failure.message).toMatch(/JobManager of cluster \d+ was restarted.*Ask for a new one/);
    expect(await eventsOf(stateward, id)).toContain('SAVEPOINT_RESULT_SOUGHT');
    expect(flink.triggersReceived()).toHaveLength(1);
    expect(await readdir(folderOf(deploymentId, id))).toHaveLength(1); // half a savepoint, without _metadata
  });

  it('is adopted when its directory turns out to be whole', async () => {
    const { deploymentId, id } = await underWay();
    await flink.restart();
    await waitFor(async () => (await eventsOf(stateward, id)).includes('SAVEPOINT_RESULT_SOUGHT'), {
      what: 'the search',
    });
    const folder = folderOf(deploymentId, id);
    const [name] = await readdir(folder);
    await writeFile(join(folder, String(name), '_metadata'), 'whole');
    const found = await savepointIn(stateward, id, 'COMPLETED');
    expect(found.location).toContain(`${deploymentId}/${id}/1/${name}`);
    expect(flink.triggersReceived()).toHaveLength(1);
  });

  it('and had made it unseen, is adopted from the storage', async () => {
    const { id, flinkJobId } = await underWay();
    flink.finishSavepoints(flinkJobId);
    await flink.restart({ keepJobs: true });
    const found = await savepointIn(stateward, id, 'COMPLETED');
    expect(flink.savepointsMade.map(({ location }) => location)).toEqual([found.location]);
    expect(flink.triggersReceived()).toHaveLength(1);
  });

  it('on another cluster than the one that was registered is not sent until that one is back', async () => {
    const own = await startStateward({ worker: false });
    try {
      const worker = own.startWorker();
      const { deploymentId, clusterId } = await deploymentOn(own, flink);
      await worker.stop();
      const asked = await createSavepoint(own, deploymentId);
      const { savepointRoot } = flink;
      flink.changeRoots({ savepointRoot: `file://${flink.folder}/elsewhere` });
      await own.services.database.changed(`update cluster set state = 'CHANGED' where id = $1`, [clusterId]);
      own.startWorker();
      await waitFor(
        () =>
          own.services.database.row('select 1 from savepoint where id = $1 and claim >= 2 and claimed_until is null', [
            asked.id,
          ]),
        { what: 'a look at the savepoint' },
      );
      expect(flink.triggersReceived()).toEqual([]);
      flink.changeRoots({ savepointRoot });
      expect(await endOfSavepoint(own, asked.id)).toMatchObject({
        state: 'COMPLETED',
        attempts: [{ number: 1, sends: 1 }],
      });
    } finally {
      await own.stop();
    }
  });

  it('before it was sent gets a new attempt with a new trigger id, and nothing of the old one is sent', async () => {
    const own = await startStateward({ worker: false });
    try {
      const worker = own.startWorker();
      const { deploymentId } = await deploymentOn(own, flink);
      await worker.stop();
      const asked = await createSavepoint(own, deploymentId);
      expect(asked).toMatchObject({ state: 'IN_PROGRESS', attempts: [{ number: 1, sends: 0 }] });
      await flink.restart({ keepJobs: true });
      own.startWorker();
      const ended = await endOfSavepoint(own, asked.id);
      expect(ended).toMatchObject({
        state: 'COMPLETED',
        attempts: [
          { number: 1, triggerId: asked.attempts[0].triggerId, sends: 0, outcome: 'NEVER_SENT' },
          { number: 2, sends: 1, outcome: 'COMPLETED' },
        ],
      });
      expect(ended.location).toContain(`/${asked.id}/2/savepoint-`);
      expect(ended.attempts[1].triggerId).not.toBe(asked.attempts[0].triggerId);
      expect(flink.triggersReceived()).toEqual([ended.attempts[1].triggerId]);
      expect(await eventsOf(own, asked.id)).toContain('SAVEPOINT_NEW_ATTEMPT');
    } finally {
      await own.stop();
    }
  });
});

describe('a lost result where the storage cannot be looked into', () => {
  it('is not looked for while the storage is only slow, and is found when it answers', async () => {
    const { id, flinkJobId } = await underWay({ proven: true });
    flink.finishSavepoints(flinkJobId);
    const storage = hang(`${flink.folder}/savepoints`);
    try {
      await flink.restart({ keepJobs: true });
      await waitFor(() => storage.turnedAway >= 3, { what: 'some looks to be turned away' });
      expect(await eventsOf(stateward, id)).not.toContain('SAVEPOINT_RESULT_SOUGHT');
    } finally {
      storage.answer();
    }
    await savepointIn(stateward, id, 'COMPLETED');
    expect(flink.triggersReceived(flinkJobId)).toHaveLength(2); // the other one proved the storage
  });

  it('is not said to be missing there', async () => {
    const { deploymentId, id } = await underWay({ proven: true });
    await flink.restart({ keepJobs: true });
    const folder = join(flink.folder, 'savepoints', deploymentId);
    await rename(folder, `${folder}-away`);
    await symlink(folder, folder); // unreadable
    await secondLookAt(stateward, id);
    const { failure } = await hurryTo(stateward, id, 'FAILED');
    expect(failure).toMatchObject({
      code: 'RESULT_LOST',
      message: expect.stringContaining('Its statistics do not show it, and the storage cannot be read from here'),
    });
  });

  it('and that was given up, is looked for in a moment, and not after the next long pause', async () => {
    const { deploymentId, id } = await underWay({ proven: true });
    await flink.restart({ keepJobs: true });
    await secondLookAt(stateward, id);
    await hurryTo(stateward, id, 'FAILED');
    const folder = join(folderOf(deploymentId, id), 'savepoint-late');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, '_metadata'), 'whole');
    const storage = hang(`${flink.folder}/savepoints`);
    try {
      await wake(stateward.services.database, 'savepoint', id);
      await waitFor(() => storage.turnedAway >= 2, { what: 'two looks to be turned away' });
    } finally {
      storage.answer();
    }
    await savepointIn(stateward, id, 'COMPLETED');
  });
});

describe('a savepoint whose trigger id Flink forgets', () => {
  it('is adopted from the history of the job', async () => {
    flink.knobs.writesFiles = false;
    const { id, flinkJobId } = await underWay();
    flink.finishSavepoints(flinkJobId);
    flink.forgetOperations();
    const found = await savepointIn(stateward, id, 'COMPLETED');
    expect(flink.savepointsMade.map(({ location }) => location)).toEqual([found.location]);
  });

  it('is waited for while the job shows a savepoint in progress, and is not sent again', async () => {
    const { id, flinkJobId } = await underWay();
    flink.forgetOperations();
    // However long it has been looked for.
    await stateward.services.database.changed(
      `update savepoint set lost_since = now() - interval '1 h' where id = $1`,
      [id],
    );
    await someMoreLooks(id);
    expect(await savepointNow(stateward, id)).toMatchObject({ state: 'IN_PROGRESS' });
    flink.finishSavepoints(flinkJobId);
    await savepointIn(stateward, id, 'COMPLETED');
    expect(flink.triggersReceived()).toHaveLength(1);
    expect(flink.savepointsMade).toHaveLength(1);
  });

  it('and was given up as lost is adopted when it shows up later', async () => {
    const { deploymentId, id } = await underWay();
    await flink.restart({ keepJobs: true });
    await secondLookAt(stateward, id);
    await hurryTo(stateward, id, 'FAILED');
    const folder = join(folderOf(deploymentId, id), 'savepoint-late');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, '_metadata'), 'whole');
    const found = await hurryTo(stateward, id, 'COMPLETED');
    expect(found).toMatchObject({ failure: null, location: expect.stringContaining(`/${id}/1/savepoint-late`) });
    expect(await eventsOf(stateward, id)).toEqual(expect.arrayContaining(['SAVEPOINT_FAILED', 'SAVEPOINT_FOUND_LATE']));
  });
});

/** Lets Stateward look at the savepoint at once, and once more, and once more. */
async function someMoreLooks(id: string): Promise<void> {
  const polls = () => flink.requests.filter(({ method, path }) => method === 'GET' && POLL.path.test(path)).length;
  const before = polls();
  await waitFor(
    async () => {
      await wake(stateward.services.database, 'savepoint', id);
      return polls() > before + 3;
    },
    { what: 'some more looks' },
  );
}

/** A savepoint that Flink has taken and will not end by itself. `proven`: in a storage that is known to be what it seems. */
async function underWay({ proven = false } = {}) {
  const scenario = await deploymentOn(stateward, flink);
  if (proven)
    expect(await endOfSavepoint(stateward, (await createSavepoint(stateward, scenario.deploymentId)).id)).toMatchObject(
      { data: 'PRESENT' },
    );
  flink.knobs.savepointDurationMs = Infinity;
  const { id } = await createSavepoint(stateward, scenario.deploymentId);
  await acknowledged(stateward, id);
  return { ...scenario, id: id as string };
}
