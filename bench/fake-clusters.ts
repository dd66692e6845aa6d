import { type FakeFlink, startFakeFlink } from '../demo/fake-flink/fake-flink.js';
import type { RecordedRequest } from '../demo/fake-flink/rest-server.js';

/** A process of its own that holds fake Flink clusters, so that what they cost is told apart. Driven over IPC by fake-fleet.ts. */

export interface OpenClusters {
  /** Number of the first, for storage roots that differ between processes. */
  first: number;
  clusters: number;
  jobs: number;
  savepointMs: number;
  /** How long an answer takes. 0 would let requests arrive, but never be under way, at the same time. */
  answerMs: number;
  /** Savepoints are written to the disk of this machine; otherwise they pretend to lie on S3, which costs nobody anything. */
  writesFiles: boolean;
}

export interface OpenedCluster {
  url: string;
  processMark: string;
  jobIds: string[];
}

export type RequestKind = 'trigger' | 'status' | 'statistics' | 'overview' | 'other';

export interface ClusterTally {
  requests: Record<RequestKind, number>;
  maxConcurrentRequests: number;
  /** Flink job ids, one per savepoint that really came into being. */
  madeOf: string[];
  triggers: ArrivedTrigger[];
}

/** One request for a savepoint, whatever it was answered. */
export interface ArrivedTrigger {
  flinkJobId: string;
  triggerId: string;
  /** Epoch ms. */
  at: number;
}

export type FleetQuestion =
  ({ ask: 'open' } & OpenClusters) | { ask: 'progress' } | { ask: 'tally' } | { ask: 'forget'; savepointMs: number };

export interface FleetProgress {
  triggered: number;
  made: number;
}

/** As a real cluster: its statistics come from a cache that old. */
const STATISTICS_CACHE_MS = 3_000;
/** Longer than any run: the reference asks for the same trigger ids at its end. */
const REMEMBERED_MS = 3_600_000;
/** The fake keeps every request that it was asked; a million of them would be memory and garbage of the bench's own. */
const TALLY_EVERY_MS = 500;

const TRIGGER = /^POST (?:\/v1)?\/jobs\/([^/]+)\/savepoints$/;
const kinds: [RequestKind, RegExp][] = [
  ['trigger', TRIGGER],
  ['status', /^GET (?:\/v1)?\/jobs\/[^/]+\/savepoints\/[^/]+$/],
  ['statistics', /^GET (?:\/v1)?\/jobs\/[^/]+\/checkpoints$/],
  ['overview', /^GET (?:\/v1)?\/jobs\/overview$/],
];
const none = (): Record<RequestKind, number> => ({ trigger: 0, status: 0, statistics: 0, overview: 0, other: 0 });

interface Counted {
  flink: FakeFlink;
  requests: Record<RequestKind, number>;
  /** Noted as they come, and read later: a body is filled in when it has arrived. */
  triggers: RecordedRequest[];
  /** Savepoints made before the last `forget`. */
  madeBefore: number;
}

const counted: Counted[] = [];

function countRequests(): void {
  for (const { flink, requests, triggers } of counted) {
    for (const request of flink.requests.splice(0)) {
      const kind = kinds.find(([, pattern]) => pattern.test(lineOf(request)))?.[0] ?? 'other';
      requests[kind] += 1;
      if (kind === 'trigger') triggers.push(request);
    }
  }
}

const lineOf = ({ method, path }: RecordedRequest) => `${method} ${path}`;

const toTrigger = (request: RecordedRequest): ArrivedTrigger => ({
  flinkJobId: TRIGGER.exec(lineOf(request))?.[1] ?? '',
  triggerId: String((request.body as { triggerId?: unknown } | null)?.triggerId),
  at: request.at,
});

async function openClusters(options: OpenClusters): Promise<OpenedCluster[]> {
  const opened: OpenedCluster[] = [];
  for (let number = options.first; number < options.first + options.clusters; number++) {
    const flink = await startFakeFlink({
      statisticsCacheMs: STATISTICS_CACHE_MS,
      slots: options.jobs,
      asyncStoreDurationMs: REMEMBERED_MS,
      ...(!options.writesFiles && {
        savepointRoot: `s3://bench/${number}/savepoints`,
        checkpointRoot: `s3://bench/${number}/checkpoints`,
      }),
    });
    flink.knobs.savepointDurationMs = options.savepointMs;
    flink.knobs.latencyMs = options.answerMs;
    flink.knobs.writesFiles = options.writesFiles;
    const jobIds = Array.from({ length: options.jobs }, () => flink.addJob({ tasks: 2, parallelism: 1 }));
    counted.push({ flink, requests: none(), triggers: [], madeBefore: 0 });
    opened.push({ url: flink.url, processMark: flink.processMark, jobIds });
  }
  return opened;
}

function forget(savepointMs: number): void {
  countRequests();
  for (const one of counted) {
    one.requests = none();
    one.triggers = [];
    one.madeBefore = one.flink.savepointsMade.length;
    one.flink.knobs.savepointDurationMs = savepointMs;
  }
}

function progress(): FleetProgress {
  countRequests();
  return {
    triggered: counted.reduce((sum, { requests }) => sum + requests.trigger, 0),
    made: counted.reduce((sum, { flink, madeBefore }) => sum + flink.savepointsMade.length - madeBefore, 0),
  };
}

function tally(): ClusterTally[] {
  countRequests();
  return counted.map(({ flink, requests, triggers, madeBefore }) => ({
    requests,
    triggers: triggers.map(toTrigger),
    maxConcurrentRequests: flink.maxConcurrentRequests,
    madeOf: flink.savepointsMade.slice(madeBefore).map(({ jobId }) => jobId),
  }));
}

async function answer(question: FleetQuestion): Promise<unknown> {
  switch (question.ask) {
    case 'open':
      return openClusters(question);
    case 'progress':
      return progress();
    case 'tally':
      return tally();
    case 'forget':
      return forget(question.savepointMs);
  }
}

const counting = setInterval(countRequests, TALLY_EVERY_MS);
process.on('message', (question: FleetQuestion) => {
  answer(question).then(
    (value) => process.send?.({ value }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  );
});
// The bench has gone, or wants us to.
for (const sign of ['disconnect', 'SIGTERM'] as const) {
  process.on(sign, () => {
    clearInterval(counting);
    void Promise.all(counted.map(({ flink }) => flink.stop())).finally(() => process.exit(0));
  });
}
