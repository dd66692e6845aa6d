import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { storageReaders } from '../../src/storage/storage-readers.js';
import { checked } from '../support/check-scenario.js';
import type { Data } from '../support/graphql-client.js';
import { heldByCounter } from '../support/held-state.js';
import type { Scenario } from '../support/scenario.js';
import { deploymentOn } from '../support/savepoint-scenario.js';
import { jobIn } from '../support/start-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

let stateward: Stateward;
let flink: FakeFlink;
let scenario: Scenario;
beforeAll(async () => {
  stateward = await startStateward();
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  flink = await startFakeFlink();
  flink.knobs.held = heldByCounter;
  scenario = await deploymentOn(stateward, flink);
});
afterEach(async () => {
  jest.restoreAllMocks();
  await flink.stop();
});

const database = () => stateward.services.database;
const complete = (): string => {
  const location = flink.job(scenario.flinkJobId).completeCheckpoint();
  if (location === null) throw new Error('The checkpoint lies nowhere');
  return location;
};
const folderOf = (location: string) => location.replace(/^file:/, '');

/** One that Stateward knows of, and looks at no more, in a storage that is known to be the one that Flink writes to. */
async function recordedCheckpoint(): Promise<string> {
  const location = complete();
  await waitFor(
    () =>
      database().row(
        `select 1 from checkpoint c join job j on j.id = c.job_id where j.id = $1 and c.location = $2 and j.own_look = 'DONE'`,
        [scenario.jobId, location],
      ),
    { what: 'the checkpoint to be recorded', timeoutMs: 20_000 },
  );
  await database().changed(
    `update storage set read_state = 'PROVEN' where id in (select storage_id from storage_root where cluster_id = $1)`,
    [scenario.clusterId],
  );
  return location;
}

/** Flink completes another one, and deletes that before it, right before somebody reads a `_metadata` or lists the files beside it: so often. */
function completeBefore(what: 'read' | 'list', times: number): { left: number; last: string } {
  const reader = storageReaders.reader.bind(storageReaders);
  const more = { left: times, last: '' };
  const completeNow = (path: string) => {
    if (more.left === 0 || !/chk-\d+(\/_metadata)?$/.test(path)) return;
    more.left -= 1;
    more.last = complete();
  };
  jest.spyOn(storageReaders, 'reader').mockImplementation(async (root) => {
    const real = await reader(root);
    const read: typeof real.read = (path) => {
      if (what === 'read') completeNow(path);
      return real.read(path);
    };
    const list: typeof real.list = (path) => {
      if (what === 'list') completeNow(path);
      return real.list(path);
    };
    return Object.assign(Object.create(real) as typeof real, { read, list });
  });
  return more;
}

const check = (more: object = {}) => checked(stateward, { deploymentId: scenario.deploymentId, ...more });
const codesOf = ({ verdict }: Data): string[] => verdict.findings.map(({ code }: Data) => code);
const findingOf = ({ verdict }: Data, wanted: string): Data =>
  verdict.findings.find(({ code }: Data) => code === wanted);

describe('a checkpoint of a live job that Flink has deleted before it was read', () => {
  it.each([
    ['chosen', () => ({})],
    ['named', () => ({ checkpointId: `${scenario.jobId}:1` })],
    ['named by its location', (location: string) => ({ location })],
  ])('when it was %s, gives its place to the newest of its job, and the check shows that', async (_, how) => {
    const first = await recordedCheckpoint();
    const more = completeBefore('read', 1);
    const seen = await check(how(first));
    expect(more.left).toBe(0);
    expect(seen.verdict).toMatchObject({ mapping: 'FULLY_COMPATIBLE', notChecked: [], stateBytes: 500 });
    expect(seen.snapshot).toMatchObject({ kind: 'CHECKPOINT', location: more.last });
    expect(seen.snapshot.why).toContain('Flink had deleted chk-1 before it was read');
  });

  it('while its files were looked for, too', async () => {
    await recordedCheckpoint();
    const more = completeBefore('list', 2);
    const seen = await check();
    expect(more.left).toBe(0);
    expect(seen.verdict).toMatchObject({ mapping: 'FULLY_COMPATIBLE', notChecked: [] });
    expect(codesOf(seen)).not.toContain('FILES_DAMAGED');
    expect(seen.snapshot.location).toBe(more.last);
  });

  it('again and again, is judged by what was read, and its files are left open', async () => {
    await recordedCheckpoint();
    const more = completeBefore('list', 99);
    const seen = await check();
    expect(more.left).toBe(99 - 4);
    expect(seen.verdict).toMatchObject({ mapping: 'FULLY_COMPATIBLE', notChecked: ['FILES'] });
    expect(codesOf(seen)).not.toContain('FILES_DAMAGED'); // the whole folder has gone, which proves nothing of its files
    more.left = 0;
    expect((await check()).verdict.notChecked).toEqual([]); // of the newest: nothing that was seen then is held against it
  });

  it('again and again before anything was read, is not known, and never INCOMPATIBLE', async () => {
    await recordedCheckpoint();
    completeBefore('read', 99);
    const seen = await check();
    expect(seen.verdict).toMatchObject({ mapping: 'UNKNOWN', metadataReadAt: null });
    expect(findingOf(seen, 'NO_METADATA')).toMatchObject({
      severity: 'WARNING',
      message: expect.stringContaining('Flink deletes a checkpoint of a live job'),
    });
  });

  it('with its whole directory, is judged by what was read before; else it is not known', async () => {
    const location = await recordedCheckpoint();
    await rm(join(folderOf(location), '..'), { recursive: true });
    const seen = await check();
    expect(seen.verdict).toMatchObject({ mapping: 'FULLY_COMPATIBLE', notChecked: ['FILES'] });
    expect(findingOf(seen, 'NO_METADATA').message).toContain(`read of it at ${seen.verdict.metadataReadAt}`);
    await database().changed('delete from snapshot_contents');
    expect((await check()).verdict.mapping).toBe('UNKNOWN');
  });
});

it('a checkpoint that an ended job has left, and that is gone, is INCOMPATIBLE', async () => {
  const location = await recordedCheckpoint();
  flink.job(scenario.flinkJobId).setState('CANCELED');
  await jobIn(stateward, scenario.jobId, 'CANCELLED');
  await waitFor(
    () => database().row('select 1 from job where id = $1 and end_read_from is not null', [scenario.jobId]),
    {
      what: 'what the run has left to be read',
    },
  );
  await rm(join(folderOf(location), '_metadata'));
  const seen = await check({ checkpointId: `${scenario.jobId}:1` });
  expect(seen.verdict.mapping).toBe('INCOMPATIBLE');
  expect(seen.snapshot.location).toBe(location);
});
