import { setTimeout as sleep } from 'node:timers/promises';
import { printTable, seconds } from './figures.js';
import { cpuMsOfMachine, residentBytesOf } from './process-cost.js';

/** CPU of every process of a benchmark, told apart, over named spans of time. */

export interface Watched {
  /** By name: reads what it has used so far, in ms. The bench's own, and that of all others on the machine, come on top. */
  cpuMs: Record<string, () => number>;
  /** Whose memory is sampled. */
  memoryOf: number;
}

export interface Sample {
  /** Of performance.now(). */
  at: number;
  cpuMs: Record<string, number>;
  residentBytes: number;
}

export interface Span {
  name: string;
  wallMs: number;
  cpuMs: Record<string, number>;
}

export interface CostWatch {
  readonly spans: Span[];
  /** One a second, oldest first. */
  readonly samples: Sample[];
  /** The costs as they are now. */
  take(): Sample;
  /** Keeps the span between two samples. */
  note(name: string, from: Sample, to?: Sample): Span;
  /** Measures while nothing is done for that long. */
  during(name: string, durationMs: number): Promise<Span>;
  stop(): void;
}

const SAMPLE_EVERY_MS = 1_000;
const OTHERS = 'all others';

/** Takes a sample each second, for the peak of the memory and for spans that are known only afterwards. */
export function watchCosts({ cpuMs, memoryOf }: Watched): CostWatch {
  const spans: Span[] = [];
  const samples: Sample[] = [];
  const take = (): Sample => ({
    at: performance.now(),
    cpuMs: withOthers({
      ...Object.fromEntries(Object.entries(cpuMs).map(([name, read]) => [name, read()])),
      bench: ownCpuMs(),
    }),
    residentBytes: residentBytesOf(memoryOf),
  });
  const timer = setInterval(() => samples.push(take()), SAMPLE_EVERY_MS);
  const note = (name: string, from: Sample, to = take()): Span => {
    const used = Object.entries(to.cpuMs).map(([who, ms]) => [who, ms - (from.cpuMs[who] ?? 0)]);
    const span = { name, wallMs: to.at - from.at, cpuMs: Object.fromEntries(used) as Record<string, number> };
    spans.push(span);
    return span;
  };
  return {
    spans,
    samples,
    take,
    note,
    during: async (name, durationMs) => {
      const from = take();
      await sleep(durationMs);
      return note(name, from);
    },
    stop: () => clearInterval(timer),
  };
}

/** What else runs on the machine takes its share from all that is measured, and must be seen beside it. */
function withOthers(cpuMs: Record<string, number>): Record<string, number> {
  const ours = Object.values(cpuMs).reduce((sum, ms) => sum + ms, 0);
  return { ...cpuMs, [OTHERS]: cpuMsOfMachine() - ours };
}

function ownCpuMs(): number {
  const { user, system } = process.cpuUsage(); // in µs
  return (user + system) / 1000;
}

/** How many cores one of the watched has used in a span. */
export const coresOf = (span: Span | null | undefined, who: string): number =>
  span ? (span.cpuMs[who] ?? Number.NaN) / span.wallMs : Number.NaN;

export function printCosts(spans: readonly Span[]): void {
  const names = Object.keys(spans[0]?.cpuMs ?? {}); // PostgreSQL is missing where it is not ours, and counts as another
  printTable('CPU in cores', [
    ['', 'wall', ...names],
    ...spans.map((span) => [
      span.name,
      seconds(span.wallMs),
      ...names.map((who) => Math.max(0, coresOf(span, who)).toFixed(3)),
    ]),
  ]);
}
