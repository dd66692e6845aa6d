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
 * The same where something else is seen in that storage, so that a folder may be gone with what lay in it: the next above that is there
 * holds something. The place of a mount that is missing is empty.
 */
export async function isLyingBelow(reader: Eyes, path: string): Promise<boolean> {
  let above = folderAbove(path);
  while (above !== '' && !(await reader.exists(above))) above = folderAbove(above);
  return (await reader.list(above)).length > 0;
}

const folderAbove = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
