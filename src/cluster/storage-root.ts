import { isAbsolute } from 'node:path';
import { normaliseLocation, pathBelow, schemeOf } from '../flink/location.js';
import { problemOfS3Root } from '../storage/s3-root.js';

/** What is wrong with a text that should be the root of a storage; null: nothing. */
export function problemOfRoot(uri: string): string | null {
  if (uri.length > 2_000) return 'it is longer than 2,000 characters.';
  if (uri.split(/[/\\]/).includes('..')) return 'it holds "..", which would lead out of the place that it names.';
  if (/\p{Cc}/u.test(uri)) return 'it holds a control character.';
  const scheme = schemeOf(uri);
  if (scheme === '' || !/^[a-z][a-z0-9+.-]*$/.test(scheme)) {
    return `"${uri}" is not a location. Write it as a job of the cluster would, such as s3://bucket/savepoints or file:///shared/savepoints.`;
  }
  const place = normaliseLocation(uri);
  if (place === 'file:/') return 'it is the root of a whole machine. Name the folder.';
  if (/^[a-z0-9+.-]+:\/\/\/?$/.test(place)) return 'it names no bucket and no folder.';
  return null;
}

const S3_WRITTEN = /^s3[ap]?:\/*/i;

/** What a storage is read by, as it is kept: of a place in S3 one spelling. */
export const readRootOfText = (text: string): string =>
  S3_WRITTEN.test(text) ? text.replace(S3_WRITTEN, 's3://').replace(/(?<=[^/])\/$/, '') : text;

/** What is wrong with a text that Stateward should read a storage by: a folder of this machine, or a place in S3; null: nothing. */
export function problemOfReadRoot(text: string): string | null {
  return S3_WRITTEN.test(text) ? problemOfS3Root(readRootOfText(text)) : problemOfFolder(text);
}

function problemOfFolder(path: string): string | null {
  if (!isAbsolute(path)) return `"${path}" is neither an absolute path nor s3://bucket/prefix.`;
  if (path.split('/').includes('..') || /\p{Cc}/u.test(path)) return 'it holds ".." or a control character.';
  return path.replaceAll('/', '') === '' ? 'it is the root of the whole machine. Name the folder.' : null;
}

export interface ComparedRoot {
  storageId: string;
  uri: string;
}

/**
 * For each storage those that have a root of equal text, in any spelling. A proposal and never a fact: one bucket name may be two
 * buckets of two object stores. `file:` roots are never compared: equal paths of two hosts say nothing.
 */
export function equalTexts(roots: readonly ComparedRoot[]): Map<string, string[]> {
  const byText = new Map<string, Set<string>>();
  for (const { storageId, uri } of roots) {
    if (schemeOf(uri) === 'file') continue;
    const text = normaliseLocation(uri);
    byText.set(text, (byText.get(text) ?? new Set()).add(storageId));
  }
  const same = new Map<string, Set<string>>();
  for (const ids of byText.values()) {
    for (const id of ids) {
      const others = same.get(id) ?? new Set();
      for (const other of ids) if (other !== id) others.add(other);
      same.set(id, others);
    }
  }
  return new Map([...same].map(([id, others]) => [id, [...others].sort()]));
}

/** Where a location may lie: a storage with the path below its root there. */
export interface PlaceBelow {
  storageId: string;
  name: string;
  path: string;
}

/**
 * The storages that a location may lie in, the innermost root first; only those at the innermost level are equally good. Two
 * storages may have roots of one text (each the folder of its own host): then a person must say which.
 */
export function placesOf(
  roots: readonly { storageId: string; name: string; uri: string }[],
  location: string,
): { best: PlaceBelow[]; all: PlaceBelow[] } {
  const places = new Map<string, PlaceBelow>();
  for (const { storageId, name, uri } of roots) {
    const path = pathBelow(uri, location);
    const known = places.get(storageId);
    if (path && (!known || path.length < known.path.length)) places.set(storageId, { storageId, name, path });
  }
  const all = [...places.values()].sort((a, b) => a.path.length - b.path.length);
  return { best: all.filter(({ path }) => path.length === all[0]?.path.length), all };
}
