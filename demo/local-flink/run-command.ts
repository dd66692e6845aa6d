import { spawn } from 'node:child_process';

export interface CommandResult {
  /** null when a signal ended it. */
  exitCode: number | null;
  /** stdout and stderr together, in the order of arrival. */
  output: string;
}

/**
 * Runs one program to its end, without a shell.
 * @throws the operating system's error when it cannot be started, and an AbortError after `signal`; never because of an exit code.
 */
export function runCommand(
  program: string,
  args: string[],
  options: { cwd?: string; signal?: AbortSignal } = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, output: Buffer.concat(chunks).toString('utf8') }));
  });
}

/** The last lines of a program's output or log, indented, for an error message. */
export function lastLines(text: string, count: number): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines
    .slice(-count)
    .map((line) => `  ${line.trimEnd()}`)
    .join('\n');
}
