import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { ask, firstMade, onDisk, textOf, trigger, until } from '../support/fake-flink-requests.js';
import { writeCheckpoint } from '../support/left-behind-scenario.js';

let flink: FakeFlink;
let location: string;
beforeEach(async () => {
  flink = await startFakeFlink();
  await trigger(flink, flink.addJob());
  location = firstMade(flink);
  writeFileSync(join(onDisk(location), 'data'), 'state');
});
afterEach(() => flink.stop());

async function asked(): Promise<string> {
  const { body } = await ask(flink, 'POST /savepoint-disposal', { 'savepoint-path': location });
  return `GET /savepoint-disposal/${(body as { 'request-id': string })['request-id']}`;
}

describe('a disposal at the fake Flink', () => {
  it.each([
    ['DIE_HALF_WAY', ['data'], 'is not empty'],
    ['LEAVE_DATA', ['_metadata', 'data'], '"operation":{}'],
    ['FAIL', ['_metadata', 'data'], 'to not be deleted'],
  ] as const)('may %s', async (disposals, left, said) => {
    flink.knobs.disposals = disposals;
    expect(textOf(await ask(flink, await asked()))).toContain(said);
    expect(readdirSync(onDisk(location)).sort()).toEqual(left);
    expect(flink.disposed).toEqual([]);
  });

  it('deletes every file that its _metadata names, those that others use too, and nothing outside of its own folder', async () => {
    const root = location.replace(/[^/]*$/, '');
    const outside = `file:${join(tmpdir(), 'of-nobody')}`;
    writeCheckpoint(`${root}chk-1`, 1, [`${root}shared/a`, `${root}shared/b`, outside]);
    writeCheckpoint(`${root}chk-2`, 2, [`${root}shared/b`, `${root}shared/c`]);
    location = `${root}chk-1`;
    await ask(flink, await asked());
    const left = ['chk-1', 'shared/a', 'shared/b', 'shared/c', 'chk-2/_metadata'];
    expect(left.map((name) => existsSync(onDisk(`${root}${name}`)))).toEqual([false, false, false, true, true]);
    expect(existsSync(onDisk(outside))).toBe(true);
    rmSync(onDisk(outside));
  });

  it('takes its time, and its effect comes with its end', async () => {
    flink.knobs.disposalDurationMs = 50;
    const path = await asked();
    expect((await ask(flink, path)).body).toEqual({ status: { id: 'IN_PROGRESS' }, operation: null });
    expect(flink.disposed).toEqual([]);
    await until(
      () => ask(flink, path),
      (answer) => textOf(answer).includes('COMPLETED'),
    );
    expect(flink.disposed).toEqual([location]);
  });
});
