import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { operatorIdsIn, uidHashesIn } from '../../src/artifact/uid-hashes.js';
import { zipOf } from '../support/jars.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stateward-jars-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let count = 0;
async function seenIn(entries: Record<string, string | Buffer>) {
  const path = join(folder, `${count++}.jar`);
  await writeFile(path, zipOf(entries));
  return uidHashesIn(path);
}
const ID = '0da08f51eaa85fc298e176a139b3649a';
const CALL = 'some constants \u0001\0\nsetUidHash\u0001 (Ljava/lang/String;)';
const NONE = { calls: false, ids: [] };

describe('what a jar shows of setUidHash', () => {
  it('is that its classes call it, and the ids that stand anywhere in it', async () => {
    const id = `\u0001\0 ${ID.toUpperCase()}\u0007`;
    expect(await seenIn({ 'a/Job.class': CALL, 'a/Ids.class': id })).toEqual({ calls: true, ids: [ID] });
    expect(await seenIn({ 'a/Job.class': CALL, 'ids.properties': `counter=${ID}\n` })).toEqual({
      calls: true,
      ids: [ID],
    });
    expect(await seenIn({ 'a/Job.class': CALL })).toEqual({ calls: true, ids: [] });
    expect((await seenIn({ 'a/Job.class': 'CustomSinkOperatorUidHashes$Builder' })).calls).toBe(true);
  });

  it('is nothing where no code calls it, whatever else it says', async () => {
    expect(await seenIn({ 'a/Job.class': ID, 'README.md': CALL })).toEqual(NONE);
    const flinks = { 'org/apache/flink/streaming/api/datastream/SingleOutputStreamOperator.class': CALL };
    expect(await seenIn({ 'a/Job.class': 'uid', ...flinks })).toEqual(NONE);
  });

  it('takes no part of a longer number for an id', async () => {
    expect(await seenIn({ 'a/Job.class': `${CALL} ${ID}0 ${ID.slice(1)}` })).toEqual({ calls: true, ids: [] });
  });

  it('shows in a jar inside it too', async () => {
    const inner = { 'b/B.class': CALL, 'b/C.class': ID };
    expect(await seenIn({ 'a/Job.class': 'uid', 'lib/inner.jar': zipOf(inner) })).toEqual({ calls: true, ids: [ID] });
  });

  it('cannot be told of what is no jar', async () => {
    const path = join(folder, 'text.jar');
    await writeFile(path, 'no jar');
    await expect(uidHashesIn(path)).rejects.toThrow();
    await expect(uidHashesIn(join(folder, 'absent.jar'))).rejects.toThrow('ENOENT');
  });
});

it('finds ids in arguments and settings', () => {
  expect(operatorIdsIn(['--hash', ID, `a=${ID.toUpperCase()};b`, 'nothing'])).toEqual([ID, ID]);
});
