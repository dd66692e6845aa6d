import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { endLeftOvers, recordPids } from '../../demo/local-flink/left-overs.js';
import { FlinkClient } from '../../src/flink/flink-client.js';
import { REAL_FLINK_START_MS, startRealFlink, whyNoRealFlink, type RealFlink } from '../support/real-flink.js';
import { waitFor } from '../support/wait-for.js';

const PARALLELISM = 3;
const WAIT_MS = 60_000;

const reason = await whyNoRealFlink();

describe('a local Flink', () => {
  if (reason !== null) {
    it.skip(`starts, makes savepoints and comes back (skipped: ${reason})`, () => undefined);
    return;
  }

  let real: RealFlink;
  let client: FlinkClient;
  beforeAll(async () => {
    // Flink's statistics come from a cache; with its default of 3 s a short savepoint can be over unseen.
    real = await startRealFlink({ configuration: { 'web.refresh-interval': '100' } });
    client = new FlinkClient(real.flink.url);
  }, REAL_FLINK_START_MS);
  afterAll(async () => {
    await client?.close();
    await real?.stop();
  }, 30_000);

  async function startCounter(programArguments: string[], savepointPath?: string): Promise<string> {
    const uploaded = await client.uploadJar({ path: real.jars.StatefulCounter ?? '', name: 'counter.jar' });
    if (uploaded.outcome === 'REFUSED') throw new Error(JSON.stringify(uploaded));
    const jobId = newId();
    const started = await client.runJar(uploaded.jarId, {
      jobId,
      entryClass: null,
      programArguments,
      parallelism: PARALLELISM,
      flinkConfiguration: {},
      ...(savepointPath !== undefined && { savepointPath }),
    });
    expect(started).toEqual({ outcome: 'ACCEPTED', jobId });
    return jobId;
  }

  /** Waits for the end of a savepoint below a directory of its own; counts what was acknowledged on the way. */
  async function makeSavepoint(jobId: string): Promise<{ path: string; acknowledged: Set<number> }> {
    const triggerId = newId();
    const targetDirectory = `file://${join(real.flink.savepointFolder, triggerId)}`;
    // Until every task runs, Flink answers with a failure.
    await waitFor(async () => (await taskStates(real.flink.url, jobId)).every((state) => state === 'RUNNING'), {
      timeoutMs: WAIT_MS,
      what: 'every task to run',
    });
    const triggered = await client.triggerSavepoint(jobId, { targetDirectory, format: 'CANONICAL', triggerId });
    expect(triggered).toEqual({ outcome: 'ACCEPTED', requestId: triggerId });
    const acknowledged = new Set<number>();
    const location = await waitFor(
      async () => {
        const statistics = await client.checkpoints(jobId);
        const ours = statistics?.history.find((entry) => entry.isSavepoint);
        if (ours) acknowledged.add(ours.acknowledgedSubtasks);
        const operation = await client.savepointOperation(jobId, triggerId);
        return operation.status === 'COMPLETED' && operation.location;
      },
      { timeoutMs: WAIT_MS, what: `savepoint ${triggerId}` },
    );
    return { path: location.replace(/^file:\/*/, '/'), acknowledged };
  }

  it('shows how a savepoint advances subtask by subtask, and has its data on disk', async () => {
    const jobId = await startCounter(['--keys', '10', '--state-bytes', '1000', '--slow-snapshot-ms', '600']);
    const { path, acknowledged } = await makeSavepoint(jobId);
    expect(acknowledged.size).toBeGreaterThanOrEqual(PARALLELISM);
    expect(path.startsWith(real.flink.savepointFolder)).toBe(true);
    expect(existsSync(join(path, '_metadata'))).toBe(true);
    await client.cancelJob(jobId);
  }, 120_000);

  it('comes back at the same address after its JobManager was killed, and continues from a savepoint', async () => {
    const output = join(real.folder, 'counts.txt');
    const options = ['--keys', '5', '--rate', '200', '--output-file', output];
    const jobId = await startCounter(options);
    await waitFor(async () => highestCount(await readCounts(output)) > 20, { timeoutMs: WAIT_MS, what: 'counts' });
    const { path } = await makeSavepoint(jobId);
    await client.cancelJob(jobId);

    const before = real.flink.jobManagerPid;
    await real.flink.killJobManager();
    expect(real.flink.jobManagerPid).toBeNull();
    await expect(client.jobs()).rejects.toMatchObject({ code: 'FLINK_UNREACHABLE' });
    await real.flink.startJobManager();
    await real.flink.waitForSlots();
    expect(real.flink.jobManagerPid).not.toBe(before);
    expect(await client.jobs()).toEqual([]);

    const written = (await readCounts(output)).length;
    const restoredId = await startCounter(options, path);
    const counts = await waitFor(
      async () => {
        const lines = (await readCounts(output)).slice(written);
        return lines.length > 0 && lines;
      },
      { timeoutMs: WAIT_MS, what: 'counts of the restored job' },
    );
    // A job that had lost its state would begin with 1.
    expect(Math.min(...counts)).toBeGreaterThan(3);
    await client.cancelJob(restoredId);
  }, 180_000);

  it('leaves no process and no open port when it is stopped, even while it is paused', async () => {
    const { flink, stop, folder } = await startRealFlink({ slots: 1 });
    const pids = [flink.jobManagerPid, flink.taskManagerPid];
    expect(pids.every(isAlive)).toBe(true);
    expect(await accepts(flink.url)).toBe(true);
    flink.pauseJobManager();
    await stop();
    expect(pids.some(isAlive)).toBe(false);
    expect(await accepts(flink.url)).toBe(false);
    expect(existsSync(folder)).toBe(false);
  }, 120_000);
});

describe('endLeftOvers', () => {
  it('leaves a process alone that is not the Flink of its folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stateward-pids-'));
    const stranger = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)']);
    try {
      recordPids(folder, [stranger.pid ?? 0]);
      expect(await endLeftOvers(folder)).toEqual([]);
      expect(isAlive(stranger.pid ?? null)).toBe(true);
    } finally {
      stranger.kill();
      await once(stranger, 'exit');
      await rm(folder, { recursive: true });
    }
  });
});

function newId(): string {
  return randomBytes(16).toString('hex');
}

async function taskStates(url: string, jobId: string): Promise<string[]> {
  const reply = await fetch(`${url}/jobs/${jobId}`);
  const { vertices } = (await reply.json()) as { vertices: { status: string }[] };
  return vertices.map(({ status }) => status);
}

/** Lines are `key=count`; the last one may be half written. */
async function readCounts(file: string): Promise<number[]> {
  if (!existsSync(file)) return [];
  const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1);
  return lines.map((line) => Number(line.split('=')[1]));
}

function highestCount(counts: number[]): number {
  return counts.reduce((highest, count) => Math.max(highest, count), 0);
}

function isAlive(pid: number | null): boolean {
  if (pid === null) return false;
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function accepts(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
