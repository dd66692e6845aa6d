import { type Child, messageOf, startScript } from './child.js';
import type {
  ArrivedTrigger,
  ClusterTally,
  FleetProgress,
  FleetQuestion,
  OpenClusters,
  OpenedCluster,
  RequestKind,
} from './fake-clusters.js';
import type { Open } from './benchmark.js';

/** Fake Flink clusters in child processes, seen from the bench. */
export interface FakeFleet {
  /** What its processes cost together. */
  readonly cpu: Record<string, () => number>;
  readonly clusters: OpenedCluster[];
  /** Since the last `forget`. */
  progress(): Promise<FleetProgress>;
  tally(): Promise<FleetTally>;
  /** Counts from nothing again, and lets the savepoints to come last that long. */
  forget(savepointMs: number): Promise<void>;
}

export interface FleetTally {
  requests: Record<RequestKind, number>;
  total: number;
  /** Requests at once at one cluster, at most; over its whole life. */
  maxConcurrentRequests: number;
  /** How many savepoints each job has made. */
  madeOf: Map<string, number>;
  triggers: ArrivedTrigger[];
}

/** Shares the clusters out over so many processes. */
export async function startFleet(
  open: Open,
  folder: string,
  processes: number,
  options: Omit<OpenClusters, 'first'>,
): Promise<FakeFleet> {
  const children: Child[] = [];
  const clusters: OpenedCluster[] = [];
  for (let number = 0; number < processes; number++) {
    const child = startScript('./fake-clusters.js', { name: `fake-clusters-${number}`, folder });
    open(`Fake clusters ${number}`, () => child.stop());
    children.push(child);
    const first = Math.floor((options.clusters * number) / processes);
    const share = Math.floor((options.clusters * (number + 1)) / processes) - first;
    clusters.push(...(await ask<OpenedCluster[]>(child, { ask: 'open', ...options, first, clusters: share })));
  }
  const askAll = <T>(question: FleetQuestion) => Promise.all(children.map((child) => ask<T>(child, question)));
  return {
    cpu: { 'fake clusters': () => children.reduce((sum, child) => sum + child.cpuMs(), 0) },
    clusters,
    progress: async () =>
      (await askAll<FleetProgress>({ ask: 'progress' })).reduce((sum, { triggered, made }) => ({
        triggered: sum.triggered + triggered,
        made: sum.made + made,
      })),
    tally: async () => sumUp((await askAll<ClusterTally[]>({ ask: 'tally' })).flat()),
    forget: async (savepointMs) => void (await askAll({ ask: 'forget', savepointMs })),
  };
}

/** One question at a time to one child: an answer names no question. */
const lastQuestion = new Map<Child, Promise<unknown>>();

function ask<T>(child: Child, question: FleetQuestion): Promise<T> {
  const before = lastQuestion.get(child) ?? Promise.resolve();
  const answer = before
    .catch(() => undefined) // whoever asked that one has been told
    .then(() => askNow<T>(child, question));
  lastQuestion.set(child, answer);
  return answer;
}

async function askNow<T>(child: Child, question: FleetQuestion): Promise<T> {
  const answering = messageOf<{ value?: T; error?: string }>(child, 'A process of fake clusters');
  child.process.send(question);
  const { value, error } = await answering;
  if (error !== undefined) throw new Error(`A process of fake clusters failed: ${error}`);
  return value as T;
}

function sumUp(tallies: ClusterTally[]): FleetTally {
  const requests: FleetTally['requests'] = { trigger: 0, status: 0, statistics: 0, overview: 0, other: 0 };
  const madeOf = new Map<string, number>();
  for (const tally of tallies) {
    for (const kind of Object.keys(requests) as RequestKind[]) requests[kind] += tally.requests[kind];
    for (const jobId of tally.madeOf) madeOf.set(jobId, (madeOf.get(jobId) ?? 0) + 1);
  }
  return {
    requests,
    total: Object.values(requests).reduce((sum, count) => sum + count, 0),
    maxConcurrentRequests: Math.max(...tallies.map((tally) => tally.maxConcurrentRequests)),
    madeOf,
    triggers: tallies.flatMap(({ triggers }) => triggers),
  };
}
