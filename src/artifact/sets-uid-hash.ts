import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { type Entry, fromBuffer, open, type ZipFile } from 'yauzl';

/** As it stands in the constants of a class that calls it. */
const METHOD = Buffer.from('setUidHash');
/** Flink's own classes, in a jar that brings them along: they define it. */
const FLINKS_OWN = /^org\/apache\/flink\//;
/** A jar inside the jar, which Flink unpacks from there. */
const NESTED = /^lib\/[^/]+\.jar$/;

/**
 * Whether code in a jar calls `setUidHash`, which gives an operator a second id: state under it is taken, and no plan shows it. A call by
 * reflection is not seen. Throws what the file system, or a damaged archive, throws.
 */
export async function setsUidHash(path: string): Promise<boolean> {
  const zip = await new Promise<ZipFile>((resolve, reject) =>
    open(path, { lazyEntries: true, autoClose: false }, (error, opened) => (error ? reject(error) : resolve(opened))),
  );
  return calledIn(zip).finally(() => zip.close());
}

function calledIn(zip: ZipFile): Promise<boolean> {
  return new Promise((resolve, reject) => {
    zip.on('error', reject);
    zip.on('end', () => resolve(false));
    zip.on('entry', (entry: Entry) => {
      const { fileName } = entry;
      const isCode = (fileName.endsWith('.class') && !FLINKS_OWN.test(fileName)) || NESTED.test(fileName);
      if (!isCode) return zip.readEntry();
      contentOf(zip, entry)
        .then((content) => (NESTED.test(fileName) ? calledInNested(content) : content.includes(METHOD)))
        .then((called) => (called ? resolve(true) : zip.readEntry()), reject);
    });
    zip.readEntry();
  });
}

const contentOf = (zip: ZipFile, entry: Entry) =>
  new Promise<Buffer>((resolve, reject) =>
    zip.openReadStream(entry, (error: Error | null, stream: Readable) =>
      error ? reject(error) : buffer(stream).then(resolve, reject),
    ),
  );

const calledInNested = (content: Buffer) =>
  new Promise<ZipFile>((resolve, reject) =>
    fromBuffer(content, { lazyEntries: true }, (error, zip) => (error ? reject(error) : resolve(zip))),
  ).then(calledIn);
