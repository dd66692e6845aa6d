import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { captured } from '../demo/fake-flink/captured-replies.js';
import type { OpenedCluster } from './fake-clusters.js';

/**
 * A process of its own that answers as Flink clusters whose jobs complete a checkpoint at a fixed interval, from `begin` on. What is
 * true is a formula, so that it costs next to nothing to know it; the answers have the shape and size of captured ones.
 */

export type CheckpointQuestion =
  | { ask: 'open'; first: number; clusters: number; jobs: number; intervalMs: number }
  | { ask: 'begin' }
  | { ask: 'slow'; clusters: number; answerMs: number }
  /** Counts from nothing again. */
  | { ask: 'forget' }
  /** What was triggered until so long ago, and all else since `forget`. */
  | { ask: 'tally'; untilAgoMs: number };

export interface CheckpointTally {
  /** Of Date.now(): so many of the clusters that are not slow were triggered until then. */
  until: number;
  made: number;
  /** By address. */
  slow: string[];
  statisticsAnswered: number;
  /** Per completed checkpoint of a cluster that is not slow: until an answer held it, in ms. */
  lagsMs: number[];
  maxConcurrentRequests: number;
}

const HISTORY = 10;
const CACHE_MS = 3_000;
const DURATION_MS = 200;

interface Entry {
  [field: string]: unknown;
}

interface FakeJob {
  id: string;
  /** Jobs of one interval are spread over it. */
  offsetMs: number;
  cachedAt: number;
  cached: string;
  told: number;
}

interface FakeCluster {
  server: Server;
  url: string;
  jobs: Map<string, FakeJob>;
  slowMs: number;
  concurrent: number;
}

const clusters: FakeCluster[] = [];
let begunAt = Infinity;
let intervalMs = 10_000;
let statisticsAnswered = 0;
let lagsMs: number[] = [];
let maxConcurrentRequests = 0;

const shape = captured('2.3.0', 'checkpoints-history-full').body as { history: Entry[]; summary: unknown };
const entryShape = shape.history.find((entry) => entry.status === 'COMPLETED') ?? {};
const version = JSON.stringify(captured('2.3.0', 'config').body);
const overview = JSON.stringify(captured('2.3.0', 'overview').body);

/** How many a job has completed by then. */
const completedBy = (job: FakeJob, now: number): number =>
  Math.max(0, Math.floor((now - begunAt - job.offsetMs - DURATION_MS) / intervalMs) + 1);
const triggeredAt = (job: FakeJob, id: number): number => begunAt + job.offsetMs + (id - 1) * intervalMs;

function statisticsOf(job: FakeJob, now: number, slow: boolean): string {
  if (now - job.cachedAt < CACHE_MS) return job.cached;
  const completed = begunAt > now ? 0 : completedBy(job, now);
  const history: Entry[] = [];
  for (let id = completed; id > Math.max(0, completed - HISTORY); id--) {
    const at = triggeredAt(job, id);
    history.push({
      ...entryShape,
      id,
      trigger_timestamp: at,
      latest_ack_timestamp: at + DURATION_MS,
      end_to_end_duration: DURATION_MS,
      external_path: `s3://bench/checkpoints/${job.id}/chk-${id}`,
      discarded: id !== completed,
    });
  }
  if (!slow) for (let id = job.told + 1; id <= completed; id++) lagsMs.push(now - triggeredAt(job, id) - DURATION_MS);
  job.told = Math.max(job.told, completed);
  job.cachedAt = now;
  job.cached = JSON.stringify({
    counts: { restored: 0, total: completed, in_progress: 0, completed, failed: 0 },
    summary: shape.summary,
    latest: { completed: history[0] ?? null, savepoint: null, failed: null, restored: null },
    history,
  });
  return job.cached;
}

async function openClusters(options: { first: number; clusters: number; jobs: number }): Promise<OpenedCluster[]> {
  const opened: OpenedCluster[] = [];
  for (let number = options.first; number < options.first + options.clusters; number++) {
    const jobs = new Map<string, FakeJob>();
    for (let index = 0; index < options.jobs; index++) {
      const id = (number * 1_000_000 + index + 1).toString(16).padStart(32, '0');
      jobs.set(id, { id, offsetMs: (index * 997 + number * 131) % intervalMs, cachedAt: 0, cached: '', told: 0 });
    }
    const mark = `flink-web-bench-${number}`;
    const configuration = JSON.stringify(
      Object.entries({
        'web.tmpdir': `/tmp/${mark}`,
        'execution.checkpointing.dir': `s3://bench/${number}/checkpoints`,
        'execution.checkpointing.savepoint-dir': `s3://bench/${number}/savepoints`,
      }).map(([key, value]) => ({ key, value })),
    );
    const startTime = Date.now();
    const running = JSON.stringify({
      jobs: [...jobs.keys()].map((jid) => ({
        jid,
        name: 'bench',
        state: 'RUNNING',
        'start-time': startTime,
        'end-time': -1,
        duration: 1,
        'last-modification': startTime,
        tasks: { running: 2, total: 2 },
      })),
    });
    const cluster: FakeCluster = { server: createServer(), url: '', jobs, slowMs: 0, concurrent: 0 };
    cluster.server.on('request', ({ url = '/' }, response: ServerResponse) => {
      cluster.concurrent += 1;
      maxConcurrentRequests = Math.max(maxConcurrentRequests, cluster.concurrent);
      response.once('close', () => (cluster.concurrent -= 1));
      const send = () => answer(url.replace(/^\/v1(?=\/)/, ''), cluster, { configuration, running }, response);
      if (cluster.slowMs > 0) setTimeout(send, cluster.slowMs);
      else send();
    });
    cluster.server.listen(0, '127.0.0.1');
    await once(cluster.server, 'listening');
    cluster.url = `http://127.0.0.1:${(cluster.server.address() as AddressInfo).port}`;
    clusters.push(cluster);
    opened.push({ url: cluster.url, processMark: mark, jobIds: [...jobs.keys()] });
  }
  return opened;
}

function answer(
  path: string,
  cluster: FakeCluster,
  texts: { configuration: string; running: string },
  response: ServerResponse,
): void {
  const [, jobId = ''] = /^\/jobs\/([0-9a-f]{32})\/checkpoints$/.exec(path) ?? [];
  const job = cluster.jobs.get(jobId);
  let text: string | undefined;
  if (job) {
    statisticsAnswered += 1;
    text = statisticsOf(job, Date.now(), cluster.slowMs > 0);
  } else if (path === '/config') text = version;
  else if (path === '/overview') text = overview;
  else if (path === '/jobmanager/config') text = texts.configuration;
  else if (path === '/taskmanagers') text = '{"taskmanagers":[]}';
  else if (path === '/jobs/overview') text = texts.running;
  response.writeHead(text === undefined ? 404 : 200, { 'content-type': 'application/json; charset=UTF-8' });
  response.end(text ?? '{"errors":["Not found."]}');
}

function forget(): void {
  statisticsAnswered = 0;
  lagsMs = [];
  maxConcurrentRequests = 0;
}

async function reply(question: CheckpointQuestion): Promise<unknown> {
  switch (question.ask) {
    case 'open':
      intervalMs = question.intervalMs;
      return openClusters(question);
    case 'begin':
      begunAt = Date.now();
      return begunAt;
    case 'slow':
      for (const cluster of clusters.slice(0, question.clusters)) cluster.slowMs = question.answerMs;
      return forget();
    case 'forget':
      return forget();
    case 'tally': {
      const slow = clusters.filter(({ slowMs }) => slowMs > 0).map(({ url }) => url);
      const until = Date.now() - question.untilAgoMs;
      const jobs = clusters.filter(({ slowMs }) => slowMs === 0).flatMap((cluster) => [...cluster.jobs.values()]);
      const madeOf = ({ offsetMs }: FakeJob) => Math.max(0, Math.floor((until - begunAt - offsetMs) / intervalMs) + 1);
      const tally: CheckpointTally = {
        until,
        made: jobs.reduce((sum, job) => sum + madeOf(job), 0),
        slow,
        statisticsAnswered,
        lagsMs,
        maxConcurrentRequests,
      };
      return tally;
    }
  }
}

process.on('message', (question: CheckpointQuestion) => {
  reply(question).then(
    (value) => process.send?.({ value }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  );
});
for (const sign of ['disconnect', 'SIGTERM'] as const) process.on(sign, () => process.exit(0));
