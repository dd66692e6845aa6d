import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { hasCode } from './error-code.js';
import { dropFolder, fillFolder, flinkCacheFolder } from './flink-cache.js';
import { needJavaTools } from './java-tools.js';
import { lastLines, runCommand } from './run-command.js';

/** flink-dist itself is not published; these and what they pull in are a whole session cluster (1.20.5 and 2.3.0). */
const FLINK_MODULES = ['flink-clients', 'flink-runtime-web', 'flink-statebackend-rocksdb', 'flink-connector-datagen'];
const LOG_MODULES = ['log4j-slf4j-impl', 'log4j-core'];
const LOG4J_VERSION = '2.24.3';
const DEPENDENCY_PLUGIN_VERSION = '3.8.1';
const STILL_WORKING_MS = 10_000;

export interface FlinkDistribution {
  version: string;
  /** Holds all jars; they go on the class path as `<libFolder>/*`. */
  libFolder: string;
}

export interface AssembleOptions {
  /** Defaults to `.cache/flink` in the project, or to STATEWARD_FLINK_CACHE. */
  cacheFolder?: string;
  /** One plain line at a time. */
  onProgress?: (line: string) => void;
  signal?: AbortSignal;
}

/**
 * Gathers the jars of one version of Flink with Maven, once: afterwards they come from the cache.
 * @throws Error when Java or Maven is missing, or when Maven fails (no network, no such version); it holds Maven's words.
 */
export async function assembleFlink(version: string, options: AssembleOptions = {}): Promise<FlinkDistribution> {
  if (!/^\d+\.\d+\.\d+[\w.-]*$/.test(version)) {
    throw new Error(`"${version}" is not a version of Flink; give one like 2.3.0.`);
  }
  const folder = join(options.cacheFolder ?? flinkCacheFolder(), `flink-${version}`);
  const pom = writePom(version);
  const kept = await readKeptPom(folder);
  if (kept !== pom) {
    if (kept !== null) await dropFolder(folder); // Gathered for another list of modules.
    await fillFolder(folder, (aside) => gatherJars(version, pom, aside, options));
  }
  return { version, libFolder: join(folder, 'lib') };
}

async function readKeptPom(folder: string): Promise<string | null> {
  try {
    return await readFile(join(folder, 'pom.xml'), 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}

async function gatherJars(version: string, pom: string, folder: string, options: AssembleOptions): Promise<void> {
  const { onProgress, signal } = options;
  const { mvn } = await needJavaTools();
  await writeFile(join(folder, 'pom.xml'), pom);
  const lib = join(folder, 'lib');
  const startedAt = performance.now();
  const elapsed = () => ((performance.now() - startedAt) / 1000).toFixed(1);
  onProgress?.(`Gathering the jars of Flink ${version} with Maven (100 to 150 MB, once)`);
  const ticker = setInterval(() => onProgress?.(`Maven is still at work, ${elapsed()} s`), STILL_WORKING_MS);
  try {
    const goal = ['-B', '-q', 'dependency:copy-dependencies', `-DoutputDirectory=${lib}`];
    const { exitCode, output } = await runCommand(mvn, goal, { cwd: folder, ...(signal && { signal }) });
    if (exitCode !== 0) {
      throw new Error(
        `Maven could not gather the jars of Flink ${version} (exit code ${exitCode}). ` +
          `Is the version right, and does Maven reach its repository from here? It says:\n${mavenErrors(output)}`,
      );
    }
  } finally {
    clearInterval(ticker);
  }
  const jars = (await readdir(lib)).filter((name) => name.endsWith('.jar'));
  const sizes = await Promise.all(jars.map(async (name) => (await stat(join(lib, name))).size));
  const sizeBytes = sizes.reduce((sum, size) => sum + size, 0);
  onProgress?.(`Flink ${version}: ${jars.length} jars, ${Math.round(sizeBytes / 1e6)} MB, ${elapsed()} s`);
}

/** Maven ends its errors with advice for its own users. */
function mavenErrors(output: string): string {
  const plain = stripVTControlCharacters(output);
  const errors = plain.split('\n').filter((line) => /\[ERROR\] (?!To see|Re-run|For more|\[Help)\S/.test(line));
  return lastLines(errors.length > 0 ? errors.join('\n') : plain, 8);
}

function writePom(version: string): string {
  const dependency = (group: string, artifact: string, ofVersion: string) =>
    `    <dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${ofVersion}</version></dependency>`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>stateward</groupId>
  <artifactId>local-flink</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
${FLINK_MODULES.map((name) => dependency('org.apache.flink', name, version)).join('\n')}
${LOG_MODULES.map((name) => dependency('org.apache.logging.log4j', name, LOG4J_VERSION)).join('\n')}
  </dependencies>
  <build>
    <plugins>
      <plugin>
        <groupId>org.apache.maven.plugins</groupId>
        <artifactId>maven-dependency-plugin</artifactId>
        <version>${DEPENDENCY_PLUGIN_VERSION}</version>
      </plugin>
    </plugins>
  </build>
</project>
`;
}
