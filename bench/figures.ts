/** Figures as a person reads them. */

/** The smallest value that at least this share (0 to 1) of the values does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
}

export const milliseconds = (value: number): string => `${value.toFixed(1)} ms`;
export const seconds = (valueMs: number): string => `${(valueMs / 1000).toFixed(1)} s`;
export const mebibytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
/** CPU time over wall time, in cores. */
export const cores = (cpuMs: number, wallMs: number): string => `${(cpuMs / wallMs).toFixed(3)} cores`;

/** p50, p99 and max of times in ms. */
export const spread = (values: readonly number[]): string[] =>
  [percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1)].map(milliseconds);

/** Columns of equal width, the first line being their names. */
export function printTable(title: string, rows: readonly (readonly string[])[]): void {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)));
  const line = (row: readonly string[]) =>
    widths.map((width, at) => (at === 0 ? (row[at] ?? '').padEnd(width) : (row[at] ?? '').padStart(width))).join('  ');
  console.log(`\n${title}\n${rows.map((row) => `  ${line(row)}`.trimEnd()).join('\n')}`);
}

export interface Target {
  what: string;
  /** In the unit that `show` knows. */
  value: number;
  atMost: number;
  show: (value: number) => string;
}

/** Prints a PASS or FAIL line for each target; answers whether all were met. What could not be measured is missed. */
export function judge(targets: readonly Target[]): boolean {
  console.log('');
  const met = targets.map(({ what, value, atMost, show }) => {
    const passes = value <= atMost;
    console.log(`${passes ? 'PASS' : 'FAIL'}  ${what}: ${show(value)} (target: at most ${show(atMost)})`);
    return passes;
  });
  return met.every(Boolean);
}
