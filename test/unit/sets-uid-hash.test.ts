import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setsUidHash } from '../../src/artifact/sets-uid-hash.js';
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
  return setsUidHash(path);
}
const CALL = 'some constants \u0001 setUidHash (Ljava/lang/String;)';

describe('whether a jar calls setUidHash', () => {
  it('shows in its classes', async () => {
    expect(await seenIn({ 'a/Job.class': 'uid', 'a/Other.class': CALL })).toBe(true);
    expect(await seenIn({ 'a/Job.class': 'uid' })).toBe(false);
  });

  it('is nothing that its other files, or the Flink that it brings along, can say', async () => {
    const classes = { 'org/apache/flink/streaming/api/datastream/SingleOutputStreamOperator.class': CALL };
    expect(await seenIn({ 'a/Job.class': 'uid', 'README.md': CALL, ...classes })).toBe(false);
  });

  it('shows in a jar inside it too', async () => {
    const inner = (text: string) => ({ 'a/Job.class': 'uid', 'lib/inner.jar': zipOf({ 'b/B.class': text }) });
    expect(await seenIn(inner(CALL))).toBe(true);
    expect(await seenIn(inner('uid'))).toBe(false);
  });

  it('cannot be told of what is no jar', async () => {
    const path = join(folder, 'text.jar');
    await writeFile(path, 'no jar');
    await expect(setsUidHash(path)).rejects.toThrow();
    await expect(setsUidHash(join(folder, 'absent.jar'))).rejects.toThrow('ENOENT');
  });
});
