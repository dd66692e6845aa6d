import { normaliseLocation, pathBelow } from '../flink/location.js';

/** Where a savepoint lies, to be found again in what Flink shows of runs. */
export interface LyingSavepoint {
  id: string;
  storageId: string | null;
  path: string | null;
  location: string | null;
}

/** Under which text a cluster reaches a storage. */
export interface Root {
  storageId: string;
  uri: string;
}

/** The last folder of a location: what tells the few that may name one of ours from the many. Indexes have it in the same text. */
export const folderName = (column: string) =>
  `(substring(rtrim(regexp_replace(${column}, '/_metadata/*$', ''), '/') from '[^/\\\\]+$'))`;
export const lastFolder = (location: string) => normaliseLocation(location).split('/').at(-1) ?? '';

/** Savepoints, and by what is asked for whatever may lie at their places or name these. */
export interface PlaceIndex {
  ids: ReadonlySet<string>;
  storageIds: readonly string[];
  /** The last folders of all their texts. */
  folders: readonly string[];
  /** The savepoints that a location may name, which somebody writes who reaches storages under these roots. */
  at(location: string, roots: readonly Root[]): string[];
}

/**
 * Found by storage and path, and by the text of the location alone: two storages may be one place that nobody has said to be one.
 * Several may lie at one place.
 */
export function placeIndex(savepoints: readonly LyingSavepoint[]): PlaceIndex {
  let maps: Maps | null = null; // of very many it takes a while, and mostly no location is asked for
  return {
    ids: new Set(savepoints.map(({ id }) => id)),
    storageIds: [...new Set(savepoints.flatMap(({ storageId }) => storageId ?? []))],
    folders: [
      ...new Set(
        savepoints.flatMap(({ path, location }) => [path, location].flatMap((it) => (it ? lastFolder(it) : []))),
      ),
    ],
    at(location, roots) {
      const { byPlace, byLocation, byFolder } = (maps ??= mapsOf(savepoints));
      const text = normaliseLocation(location);
      const below = roots.flatMap(
        ({ storageId, uri }) => byPlace.get(`${storageId}/${pathBelow(uri, location)}`) ?? [],
      );
      // Another cluster may reach the same folder by a text that nobody has told of; the path of one of ours holds two ids and stands alone.
      const alike = (byFolder.get(lastFolder(location)) ?? []).filter(({ path }) => text.endsWith(`/${path}`));
      return [...new Set([...(byLocation.get(text) ?? []), ...below, ...alike.map(({ id }) => id)])];
    },
  };
}

interface Maps {
  byPlace: Map<string, string[]>;
  byLocation: Map<string, string[]>;
  byFolder: Map<string, { id: string; path: string }[]>;
}

function mapsOf(savepoints: readonly LyingSavepoint[]): Maps {
  const maps: Maps = { byPlace: new Map(), byLocation: new Map(), byFolder: new Map() };
  for (const { id, storageId, path, location } of savepoints) {
    add(maps.byPlace, `${storageId}/${path}`, id);
    if (location !== null) add(maps.byLocation, normaliseLocation(location), id);
    if (path?.includes('/')) add(maps.byFolder, lastFolder(path), { id, path });
  }
  return maps;
}

function add<T>(index: Map<string, T[]>, key: string, one: T): void {
  const before = index.get(key);
  if (before) before.push(one);
  else index.set(key, [one]);
}
