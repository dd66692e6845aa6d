import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { keepRunning, type Kept } from '../../src/supervise.js';
import { waitFor } from '../support/wait-for.js';

const LIVES_ON = `process.send({ type: 'ready', round: process.env.ROUND }); setInterval(() => {}, 1000);`;

let folder: string;
let kept: Kept;
let said: string[];
let messages: { round?: string }[];
let round: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stateward-supervise-'));
  said = [];
  messages = [];
  round = 0;
});

afterEach(async () => {
  await kept.stop(0);
  rmSync(folder, { recursive: true, force: true });
});

describe('a child that is kept running', () => {
  it('is started again when it is killed, with the environment of that moment', async () => {
    keep(LIVES_ON);
    const first = await waitFor(() => messages.length === 1 && kept.pid, { what: 'the first start' });
    process.kill(first, 'SIGKILL');
    await waitFor(() => messages.length === 2, { what: 'the second start' });
    expect(kept.pid).not.toBe(first);
    expect(messages.map((message) => message.round)).toEqual(['1', '2']);
    expect(said).toEqual(['The test process ended (SIGKILL); it is started again in 100 ms.']);
  });

  it('waits twice as long each time while it keeps dying young', async () => {
    keep('process.exit(3);');
    await waitFor(() => said.length === 3, { what: 'three ends' });
    expect(said.map((text) => /\((\d+)\).* (\d+) ms/.exec(text)?.slice(1).join(' after '))).toEqual([
      '3 after 100',
      '3 after 200',
      '3 after 400',
    ]);
  });

  it('waits the shortest time again once it has grown up', async () => {
    keep('setTimeout(() => process.exit(3), 100);', { grownUpMs: 50 });
    await waitFor(() => said.length === 3, { what: 'three ends' });
    expect(said.every((text) => text.endsWith(' 100 ms.'))).toBe(true);
  });

  it.each([78, 69])('is given up when it ends with %d, which another start would not change', async (code) => {
    keep(`process.exit(${code});`);
    expect(await kept.hopeless).toBe(code);
    expect(kept.pid).toBeUndefined();
    expect(round).toBe(1);
    expect(said).toEqual([]);
  });

  it('can be asked to start afresh', async () => {
    keep(LIVES_ON);
    await waitFor(() => messages.length === 1, { what: 'the first start' });
    kept.restart();
    await waitFor(() => messages.length === 2, { what: 'the second start' });
  });

  it('is asked to end, and not started again', async () => {
    keep(`process.on('SIGTERM', () => process.exit(0)); ${LIVES_ON}`);
    await waitFor(() => messages.length === 1, { what: 'the start' });
    await kept.stop(30_000);
    expect(kept.pid).toBeUndefined();
    expect(round).toBe(1);
    expect(said).toEqual([]);
  });

  it('is killed when it does not end', async () => {
    keep(`process.on('SIGTERM', () => process.send({ deaf: true })); ${LIVES_ON}`);
    const pid = await waitFor(() => messages.length === 1 && kept.pid, { what: 'the start' });
    await kept.stop(200);
    expect(messages).toContainEqual({ deaf: true });
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('is not waited for while it pauses', async () => {
    keep('process.exit(3);');
    await waitFor(() => said.length === 4, { what: 'a pause of 800 ms' });
    const startedAt = Date.now();
    await kept.stop(30_000);
    expect(Date.now() - startedAt).toBeLessThan(500);
  });
});

function keep(script: string, options: { grownUpMs?: number } = {}): void {
  const path = join(folder, 'child.mjs');
  writeFileSync(path, script);
  kept = keepRunning({
    name: 'test',
    script: path,
    env: () => ({ ROUND: String(++round) }),
    onMessage: (message) => messages.push(message as { round?: string }),
    say: (text) => said.push(text),
    ...options,
  });
}
