import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { mainClassOf, readJar } from '../../src/artifact/jar-contents.js';
import { jarOf, zipOf } from '../support/jars.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stateward-jars-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let count = 0;
async function read(bytes: Buffer) {
  const path = join(folder, `${count++}.jar`);
  await writeFile(path, bytes);
  return readJar(path);
}

describe('a jar', () => {
  it('names the main class of its manifest', async () => {
    expect(await read(jarOf('org.example.Job'))).toEqual({ mainClass: 'org.example.Job' });
  });

  it('may have no main class, and no manifest', async () => {
    expect(await read(jarOf(null))).toEqual({ mainClass: null });
    expect(await read(zipOf({ 'a/B.class': 'x' }))).toEqual({ mainClass: null });
  });

  it.each([
    ['nothing', Buffer.alloc(0), /not a zip/],
    ['text', Buffer.from('#!/bin/sh\necho no jar\n'.repeat(100)), /not a zip/],
    ['a jar that was cut off', jarOf().subarray(0, -40), /not a zip|damaged/],
    ['the first half of a jar', jarOf().subarray(0, 100), /not a zip|damaged/],
    ['an empty archive', zipOf({}), /no class/],
    ['an archive without classes', zipOf({ 'a/B.java': 'class B {}' }), /no class/],
  ])('is not %s', async (_what, bytes, problem) => {
    expect(await read(bytes)).toEqual({ problem: expect.stringMatching(problem) });
  });

  it('that is damaged anywhere is still answered, never thrown at', async () => {
    const whole = jarOf();
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), async (at, value) => {
        const bytes = Buffer.from(whole);
        bytes[at] = value;
        const contents = await read(bytes);
        expect('mainClass' in contents || typeof contents.problem === 'string').toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('whose manifest is larger than a megabyte keeps its classes and names no main class', async () => {
    const manifest = `Main-Class: a.B\n${'x'.repeat(1024 * 1024)}`;
    expect(await read(zipOf({ 'META-INF/MANIFEST.MF': manifest, 'a/B.class': 'x' }))).toEqual({ mainClass: null });
  });
});

describe('a manifest', () => {
  it.each([
    ['Main-Class: a.B', 'a.B'],
    ['Manifest-Version: 1.0\r\nMain-Class: a.B\r\n\r\n', 'a.B'],
    ['main-class:a.B  \n', 'a.B'],
    ['Main-Class: a.very.long.pack\r\n age.Name\r\n', 'a.very.long.package.Name'],
    ['program-class: a.Flink\nMain-Class: a.Other\n', 'a.Flink'],
    ['X-Main-Class: a.B\n', null],
    ['', null],
  ])('%j names %s', (manifest, mainClass) => {
    expect(mainClassOf(manifest)).toBe(mainClass);
  });

  it('gives back a name of any length, cut at 72 bytes as the jar command does', () => {
    const part = fc.stringMatching(/^[A-Za-z_$][A-Za-z0-9_$]{0,30}$/);
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 12 }), (parts) => {
        const name = parts.join('.');
        const line = `Main-Class: ${name}`;
        const cut = [line.slice(0, 72), ...(line.slice(72).match(/.{1,71}/g) ?? []).map((rest) => ` ${rest}`)];
        expect(mainClassOf(`Manifest-Version: 1.0\r\n${cut.join('\r\n')}\r\n\r\n`)).toBe(name);
      }),
    );
  });
});
