import type { StorageReader } from './storage-reader.js';

type Eyes = Pick<StorageReader, 'impliesDirectories' | 'list' | 'exists'>;

/**
 * Whether this is where something lay that is not there: whoever removes a file or a snapshot leaves the folder above, as Flink does
 * (1.20.5, 2.3.0). Without that, nothing being there may as well mean that a mount is missing or that the root was moved, and then it
 * proves nothing.
 */
export async function isLyingHere(reader: Eyes, path: string): Promise<boolean> {
  if (reader.impliesDirectories) return true; // it has answered, and is proven to be the place
  const above = folderAbove(path);
  return above === '' ? (await reader.list('')).length > 0 : reader.exists(above);
}

/**
 * Whether what is not there is gone, also where the folder above has gone with it: then the next above that is there holds something, and
 * lies below the root. The place of a mount that is missing is empty, and a root may be another one by now, unless something else was
 * just seen in it (`rootIsSeen`).
 */
export async function isGoneFrom(reader: Eyes, path: string, { rootIsSeen = false } = {}): Promise<boolean> {
  if (await isLyingHere(reader, path)) return true;
  let above = folderAbove(path);
  while (above !== '' && !(await reader.exists(above))) above = folderAbove(above);
  return (above !== '' || rootIsSeen) && (await reader.list(above)).length > 0;
}

const folderAbove = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
