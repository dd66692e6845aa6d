import { text } from 'node:stream/consumers';
import { open, type Entry, type ZipFile } from 'yauzl';

/** What a jar holds, as far as a submission needs it; or why it is none. */
export type JarContents = { mainClass: string | null } | { problem: string };

const MANIFEST = 'META-INF/MANIFEST.MF';
const MANIFEST_MAX_BYTES = 1024 * 1024;

/** Reads the table of contents of a file: a jar is a zip archive with at least one class in it. */
export async function readJar(path: string): Promise<JarContents> {
  let zip: ZipFile;
  try {
    zip = await openZip(path);
  } catch {
    return {
      problem:
        'it is not a zip archive, hence no jar. Build the job with Maven, Gradle or the jar command and upload the result.',
    };
  }
  try {
    return await readEntries(zip);
  } catch (error) {
    return {
      problem: `its table of contents is damaged (${(error as Error).message}). Upload it again, or build it anew.`,
    };
  } finally {
    zip.close();
  }
}

const openZip = (path: string) =>
  new Promise<ZipFile>((resolve, reject) =>
    open(path, { lazyEntries: true, autoClose: false }, (error, zip) => (error ? reject(error) : resolve(zip))),
  );

function readEntries(zip: ZipFile): Promise<JarContents> {
  return new Promise((resolve, reject) => {
    let hasClasses = false;
    let mainClass: string | null = null;
    zip.on('error', reject);
    zip.on('end', () =>
      resolve(
        hasClasses
          ? { mainClass }
          : { problem: 'there is no class in it. Upload the jar that holds the job, not its sources or resources.' },
      ),
    );
    zip.on('entry', (entry: Entry) => {
      if (entry.fileName.endsWith('.class')) hasClasses = true;
      if (entry.fileName !== MANIFEST || entry.uncompressedSize > MANIFEST_MAX_BYTES) return zip.readEntry();
      readText(zip, entry).then((manifest) => {
        mainClass = mainClassOf(manifest);
        zip.readEntry();
      }, reject);
    });
    zip.readEntry();
  });
}

const readText = (zip: ZipFile, entry: Entry) =>
  new Promise<string>((resolve, reject) =>
    zip.openReadStream(entry, (error, stream) => (error ? reject(error) : text(stream).then(resolve, reject))),
  );

/** Lines of a manifest are cut at 72 bytes and go on after a blank. Flink's own `program-class` comes before Main-Class. */
export function mainClassOf(manifest: string): string | null {
  const attributes = new Map(
    manifest
      .replace(/\r?\n /g, '')
      .split(/\r?\n/)
      .map((line) => line.split(/:\s*/, 2))
      .filter((pair): pair is [string, string] => pair.length === 2)
      .map(([key, value]) => [key.toLowerCase(), value.trim()]),
  );
  return attributes.get('program-class') ?? attributes.get('main-class') ?? null;
}
