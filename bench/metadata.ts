import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readMetadata } from '../src/flink/metadata/read-metadata.js';
import { benchmark, type Open } from './benchmark.js';
import { judge, mebibytes, percentile, printTable } from './figures.js';
import { madeMetadata } from './made-metadata.js';
import { makeFolder } from './servers.js';

/** What it takes to read a large `_metadata`: the files that it points to go to a callback, and are not kept. */

const { values } = parseArgs({
  options: {
    operators: { type: 'string', default: '100' },
    subtasks: { type: 'string', default: '128' },
    files: { type: 'string', default: '42' },
    samples: { type: 'string', default: '5' },
    parse: { type: 'string' },
    check: { type: 'boolean', default: false },
  },
});

const LEAST_PER_MS = 150_000;
const MEMORY_BYTES = 64 * 1024 ** 2;
const PIECE_BYTES = 256 * 1024;

interface Parsed {
  ms: number;
  /** Of all its threads. */
  cpuMs: number;
  files: number;
  baseBytes: number;
  peakBytes: number;
}

/** In a process of its own, which has nothing else in its memory. */
async function parse(file: string): Promise<Parsed> {
  await pause(200); // until what starting has left behind is settled
  const baseBytes = process.memoryUsage.rss();
  let peakBytes = baseBytes;
  const sampling = setInterval(() => (peakBytes = Math.max(peakBytes, process.memoryUsage.rss())), 5);
  let files = 0;
  const cpu = process.cpuUsage();
  const began = performance.now();
  await readMetadata(createReadStream(file, { highWaterMark: PIECE_BYTES }) as AsyncIterable<Buffer>, () => files++);
  const ms = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  clearInterval(sampling);
  return {
    ms,
    cpuMs: (user + system) / 1_000,
    files,
    baseBytes,
    peakBytes: Math.max(peakBytes, process.memoryUsage.rss()),
  };
}

async function measure(open: Open): Promise<boolean> {
  const file = join(makeFolder(open), '_metadata');
  const size = { operators: Number(values.operators), subtasks: Number(values.subtasks), files: Number(values.files) };
  await pipeline(Readable.from(madeMetadata(size)), createWriteStream(file));
  const { size: bytes } = await stat(file);

  const runs: Parsed[] = [];
  for (let sample = 0; sample < Number(values.samples); sample++) {
    const child = fork(fileURLToPath(import.meta.url), ['--parse', file]);
    open('a reading process', () => void child.kill());
    const [answer] = (await once(child, 'message')) as [Parsed];
    runs.push(answer);
  }
  const ms = percentile(
    runs.map((run) => run.ms),
    0.5,
  );
  const memory = Math.max(...runs.map(({ peakBytes, baseBytes }) => peakBytes - baseBytes));
  const speed = (took: number) => `${(bytes / 1_000 / took).toFixed(0)} MB/s`;
  printTable(`_metadata of ${mebibytes(bytes)}: ${size.operators} operators, ${runs[0]?.files ?? 0} files`, [
    ['', 'time', 'CPU time', 'speed', 'memory above the empty process'],
    ...runs.map((run, at) => [
      `reading ${at + 1}`,
      `${run.ms.toFixed(0)} ms`,
      `${run.cpuMs.toFixed(0)} ms`,
      speed(run.ms),
      mebibytes(run.peakBytes - run.baseBytes),
    ]),
  ]);
  const passed = judge([
    { what: 'reading it, median', value: ms, atMost: bytes / LEAST_PER_MS, show: speed },
    { what: 'memory, most of all readings', value: memory, atMost: MEMORY_BYTES, show: mebibytes },
  ]);
  return passed || !values.check;
}

if (values.parse === undefined) await benchmark(measure);
else process.send?.(await parse(values.parse));
