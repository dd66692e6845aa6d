import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { runCommand } from './run-command.js';

/** The lowest Java that Flink 2.x runs on, and that the jobs are compiled for. */
const LOWEST_JAVA = 11;

/** Full paths of the programs that a local Flink is made with. */
export interface JavaTools {
  java: string;
  javac: string;
  jar: string;
  mvn: string;
}

export interface MissingTools {
  /** Names of the programs that are absent or too old. */
  missing: string[];
  /** One line for a person: what is missing and what to install. */
  remedy: string;
}

/** Looks for a JDK (11 or later) and Maven: in JAVA_HOME first, as Maven does, then on the PATH. */
export async function findJavaTools(): Promise<JavaTools | MissingTools> {
  if (process.platform === 'win32') {
    return {
      missing: ['java', 'mvn'],
      remedy: 'A local Flink runs on Linux and macOS only; on Windows, run this inside WSL.',
    };
  }
  const [java, javac, jar, mvn] = await Promise.all([
    findProgram('java'),
    findProgram('javac'),
    findProgram('jar'),
    findProgram('mvn'),
  ]);
  // macOS puts stubs on the PATH that only ask for an installation, so being there is not enough.
  const [javaVersion, javacVersion] = await Promise.all([majorVersion(java), majorVersion(javac)]);
  const missing: string[] = [];
  const found: string[] = [];
  for (const [name, path, version] of [
    ['java', java, javaVersion],
    ['javac', javac, javacVersion],
  ] as const) {
    if (path === null || version === null) missing.push(name);
    else if (version < LOWEST_JAVA) {
      missing.push(name);
      found.push(`${path} is Java ${version}`);
    }
  }
  if (jar === null) missing.push('jar');
  if (mvn === null) missing.push('mvn');
  if (java !== null && javac !== null && jar !== null && mvn !== null && missing.length === 0) {
    return { java, javac, jar, mvn };
  }
  return { missing, remedy: writeRemedy(missing, found) };
}

function writeRemedy(missing: string[], found: string[]): string {
  const wanted: string[] = [];
  if (missing.some((name) => name !== 'mvn')) wanted.push(`a JDK, version 17 (${LOWEST_JAVA} at least)`);
  if (missing.includes('mvn')) wanted.push('Apache Maven');
  const old = found.length > 0 ? ` (${found.join(', ')})` : '';
  return (
    `A local Flink needs ${missing.join(', ')}${old}: install ${wanted.join(' and ')} ` +
    '(Debian, Ubuntu: apt install openjdk-17-jdk maven; macOS: brew install openjdk@17 maven), or set JAVA_HOME and PATH.'
  );
}

async function findProgram(name: string): Promise<string | null> {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const home = process.env.JAVA_HOME;
  if (home) folders.unshift(join(home, 'bin'));
  for (const folder of folders) {
    const path = join(folder, name);
    if (await isExecutable(path)) return path;
  }
  return null;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    // Absent or not executable: the next folder may have it.
    return false;
  }
}

/** `openjdk version "17.0.15"`, `java version "1.8.0_402"`, `javac 11.0.2`; null when the program does not say. */
async function majorVersion(program: string | null): Promise<number | null> {
  if (program === null) return null;
  const { exitCode, output } = await runCommand(program, ['-version']);
  const version = /(?:version "|javac )(?:1\.)?(\d+)/.exec(output)?.[1];
  return exitCode === 0 && version !== undefined ? Number(version) : null;
}

/** @throws Error with the remedy, when Java or Maven is missing. */
export async function needJavaTools(): Promise<JavaTools> {
  const tools = await findJavaTools();
  if ('missing' in tools) throw new Error(tools.remedy);
  return tools;
}
