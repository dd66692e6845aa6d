import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import type { AssembleOptions, FlinkDistribution } from './assemble.js';
import { fillFolder, flinkCacheFolder } from './flink-cache.js';
import { projectFolder } from '../project-folder.js';
import { needJavaTools, type JavaTools } from './java-tools.js';
import { lastLines, runCommand } from './run-command.js';

const MAIN_METHOD = /public static void main\(/;

/** Paths of jars by the name of their main class without its package: `StatefulCounter`. */
export type FlinkJobs = Record<string, string>;

interface Source {
  /** Relative to the folder of sources, with its package: `stateward/jobs/StatefulCounter.java`. */
  path: string;
  content: string;
}

/**
 * Compiles the jobs below test/flink-jobs against one version of Flink: one jar for each class with a main method.
 * Kept in the cache until a source changes.
 * @throws Error with the compiler's words.
 */
export async function compileFlinkJobs(flink: FlinkDistribution, options: AssembleOptions = {}): Promise<FlinkJobs> {
  const sourceFolder = join(projectFolder(), 'test', 'flink-jobs', 'src');
  const sources = await readSources(sourceFolder);
  const hash = createHash('sha256').update(flink.version);
  for (const { path, content } of sources) hash.update(`\0${path}\0${content}`);
  const name = `jobs-${flink.version}-${hash.digest('hex').slice(0, 12)}`;
  const folder = join(options.cacheFolder ?? flinkCacheFolder(), name);
  if (!existsSync(folder)) {
    const startedAt = performance.now();
    await fillFolder(folder, (aside) => compile(flink, sourceFolder, sources, aside, options.signal));
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    options.onProgress?.(`Jobs compiled for Flink ${flink.version}, ${seconds} s`);
  }
  return Object.fromEntries(mainClasses(sources).map(({ name }) => [name, join(folder, `${name}.jar`)]));
}

async function readSources(folder: string): Promise<Source[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.java'));
  const paths = files.map((file) => relative(folder, join(file.parentPath, file.name))).sort();
  return Promise.all(paths.map(async (path) => ({ path, content: await readFile(join(folder, path), 'utf8') })));
}

function mainClasses(sources: Source[]): { name: string; fullName: string }[] {
  return sources
    .filter(({ content }) => MAIN_METHOD.test(content))
    .map(({ path }) => {
      const name = basename(path, '.java');
      return { name, fullName: [...dirname(path).split('/'), name].join('.') };
    });
}

async function compile(
  flink: FlinkDistribution,
  sourceFolder: string,
  sources: Source[],
  folder: string,
  signal?: AbortSignal,
): Promise<void> {
  const tools = await needJavaTools();
  const classes = join(folder, 'classes');
  await mkdir(classes);
  const files = sources.map(({ path }) => join(sourceFolder, path));
  // 11 is the lowest Java of Flink 2.x, so the jars run wherever that Flink does.
  const flags = ['--release', '11', '-nowarn', '-proc:none', '-cp', `${flink.libFolder}/*`, '-d', classes];
  await run(tools, 'javac', [...flags, ...files], signal);
  for (const { name, fullName } of mainClasses(sources)) {
    const file = join(folder, `${name}.jar`);
    await run(tools, 'jar', ['--create', '--file', file, '--main-class', fullName, '-C', classes, '.'], signal);
  }
}

async function run(tools: JavaTools, name: 'javac' | 'jar', args: string[], signal?: AbortSignal): Promise<void> {
  const { exitCode, output } = await runCommand(tools[name], args, signal ? { signal } : {});
  if (exitCode === 0) return;
  throw new Error(`${name} could not make the jobs (exit code ${exitCode}):\n${lastLines(output, 30)}`);
}
