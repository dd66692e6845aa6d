import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { type Entry, fromBuffer, open, type ZipFile } from 'yauzl';

/** What a jar shows of `setUidHash`, which gives an operator a second id: state under it is taken, and no plan shows it. */
export interface UidHashes {
  /** Code in it calls the method. A call by reflection is not seen. */
  calls: boolean;
  /** Ids of operators that it may be called with, as they stand in the jar: 32 hex digits, in small letters. */
  ids: string[];
}

/** As they stand in the constants of a class that uses them: the method, and what gives ids to the parts of a sink. */
const CALLS = ['setUidHash', 'CustomSinkOperatorUidHashes'].map((name) => Buffer.from(name));
const ID = /(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])/gi;
/** Flink's own classes, in a jar that brings them along: they define it. */
const FLINKS_OWN = /^org\/apache\/flink\//;
/** A jar inside the jar, which Flink unpacks from there. */
const NESTED = /^lib\/[^/]+\.jar$/;
/** What is no class and larger holds data. */
const RESOURCE_BYTES = 1024 * 1024;
const MOST_IDS = 10_000;

/** Looks through the classes and small resources of a jar. Throws what the file system, or a damaged archive, throws. */
export async function uidHashesIn(path: string): Promise<UidHashes> {
  const zip = await new Promise<ZipFile>((resolve, reject) =>
    open(path, { lazyEntries: true, autoClose: false }, (error, opened) => (error ? reject(error) : resolve(opened))),
  );
  const found = { calls: false, ids: new Set<string>() };
  await lookThrough(zip, found).finally(() => zip.close());
  return { calls: found.calls, ids: found.calls ? [...found.ids].slice(0, MOST_IDS) : [] };
}

/** Ids of operators in texts that a program is given. */
export const operatorIdsIn = (texts: readonly string[]): string[] =>
  texts.flatMap((text) => text.match(ID) ?? []).map((id) => id.toLowerCase());

interface Found {
  calls: boolean;
  ids: Set<string>;
}

function lookThrough(zip: ZipFile, found: Found): Promise<void> {
  return new Promise((resolve, reject) => {
    zip.on('error', reject);
    zip.on('end', () => resolve());
    zip.on('entry', (entry: Entry) => {
      if (!isLookedAt(entry)) return zip.readEntry();
      contentOf(zip, entry)
        .then((content) => note(entry.fileName, content, found))
        .then(() => zip.readEntry(), reject);
    });
    zip.readEntry();
  });
}

function isLookedAt({ fileName, uncompressedSize }: Entry): boolean {
  if (FLINKS_OWN.test(fileName) || fileName.endsWith('/')) return false;
  return fileName.endsWith('.class') || NESTED.test(fileName) || uncompressedSize <= RESOURCE_BYTES;
}

async function note(fileName: string, content: Buffer, found: Found): Promise<void> {
  if (NESTED.test(fileName)) return lookThrough(await openNested(content), found);
  if (fileName.endsWith('.class') && CALLS.some((name) => content.includes(name))) found.calls = true;
  for (const id of operatorIdsIn([content.toString('latin1')])) found.ids.add(id);
}

const contentOf = (zip: ZipFile, entry: Entry) =>
  new Promise<Buffer>((resolve, reject) =>
    zip.openReadStream(entry, (error: Error | null, stream: Readable) =>
      error ? reject(error) : buffer(stream).then(resolve, reject),
    ),
  );

const openNested = (content: Buffer) =>
  new Promise<ZipFile>((resolve, reject) =>
    fromBuffer(content, { lazyEntries: true }, (error, zip) => (error ? reject(error) : resolve(zip))),
  );
