import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { deserialize } from 'node:v8';

/** The file of each part of @graphql-yoga/render-graphiql, which has them as strings. */
const parts = {
  js: 'graphiql.js',
  css: 'graphiql.css',
  editorWorkerService: 'editorWorkerService.worker.js',
  jsonWorker: 'json.worker.js',
  graphqlWorker: 'graphql.worker.js',
};

const MOST_BYTES = 16 * 1024 * 1024;
const WITHIN_MS = 60_000;

/** Run by a Node of its own: zips each part of the package (argument 1) that the list (argument 2) names. */
const ZIP_PARTS = `
  const [path, names] = process.argv.slice(1);
  const parts = require(path);
  const zipped = JSON.parse(names).map((name) => [name, require('node:zlib').gzipSync(parts[name])]);
  process.stdout.write(require('node:v8').serialize(zipped));
`;

let loading: Promise<Map<string, Buffer>> | undefined;

/**
 * GraphiQL's files by their names, each zipped. Measured: imported here, its 9 MB of text keep 70 MiB of memory for good;
 * zipped by a process of its own when the first browser comes, they keep 4 MiB and cost that browser 0.6 s.
 */
export function loadGraphiql(): Promise<Map<string, Buffer>> {
  loading ??= zipParts().catch((error: unknown) => {
    loading = undefined; // the next browser tries again
    throw error;
  });
  return loading;
}

async function zipParts(): Promise<Map<string, Buffer>> {
  const path = createRequire(import.meta.url).resolve('@graphql-yoga/render-graphiql/graphiql');
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['-e', ZIP_PARTS, path, JSON.stringify(Object.keys(parts))],
    { encoding: 'buffer', maxBuffer: MOST_BYTES, timeout: WITHIN_MS },
  );
  const zipped = deserialize(stdout) as [keyof typeof parts, Buffer][];
  return new Map(zipped.map(([name, bytes]) => [parts[name], bytes]));
}
