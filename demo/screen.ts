/** The demo's own words: what it shows on stdout, what goes wrong on stderr. */

let lineOpen = false;
let shown = '';
let mark = '';

/** From now on every line begins with this word, empty lines and those of the processes that were started too. */
export function markEveryLine(word: string): void {
  mark = word;
}

function marked(text: string): string {
  if (!mark) return text;
  return text
    .split('\n')
    .map((line) => `${mark} ${line}`.trimEnd())
    .join('\n');
}

function closeLine(): void {
  if (lineOpen) process.stdout.write('\n');
  lineOpen = false;
}

export function title(text: string): void {
  closeLine();
  process.stdout.write(`${marked(`\n${text}`)}\n`);
}

export function say(text: string): void {
  closeLine();
  process.stdout.write(`${marked(`  ${text}`)}\n`);
}

/** What went wrong, and what a process that was started says on its stderr. */
export function complain(text: string): void {
  closeLine();
  process.stderr.write(`${marked(text)}\n`);
}

/** One line that changes in place on a terminal, and is written again where stdout is a file. */
export function live(text: string): void {
  if (text === shown) return;
  shown = text;
  if (!process.stdout.isTTY) return say(text);
  process.stdout.write(`\r\x1b[2K${marked(`  ${text}`)}`);
  lineOpen = true;
}

/** Columns as wide as their widest cell. */
export function table(rows: string[][]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows)
    say(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}

/** For {@link live}, which would write each second into a file. */
export function countdown(ms: number): string {
  const step = process.stdout.isTTY ? 1 : 10;
  return `${Math.max(0, Math.ceil(ms / 1000 / step) * step)} s`;
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = count;
  let unit = 0;
  for (; size >= 1000 && unit < units.length - 1; unit++) size /= 1000;
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}
