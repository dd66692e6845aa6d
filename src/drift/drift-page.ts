import type { Keyset, Placed } from '../db/pages.js';
import { DriftKind } from './drift.enums.js';
import type { DriftEntry, DriftSum } from './drift.types.js';

/** What one source has found behind a cursor, newest first. */
export interface Stretch<T> {
  found: Placed<T>[];
  /** It has looked no further than this place, that one included: nothing is known of what is older. null: it looked to its end. */
  horizon: Keyset | null;
}

/** Of a source that was asked for `limit` rows and answers all that it has: it may have more when it gave so many. */
export const stretchOf = <T>(found: Placed<T>[], limit: number): Stretch<T> => ({
  found,
  horizon: found.length < limit ? null : (found.at(-1)?.place ?? null),
});

const isNewer = (a: Keyset, b: Keyset) => (a.at === b.at ? a.id > b.id : a.at > b.at);

export interface MergedPage<T> {
  shown: Placed<T>[];
  /** Where the next page goes on; null: this one is empty, and there is nothing behind it. */
  end: Keyset | null;
  more: boolean;
  /** It ends at a horizon before it is full. */
  cut: boolean;
}

/**
 * One page of several sources, newest first. It goes no further than the source that has looked the least far: what that one would
 * find behind its horizon would come in between. So a page may hold less than was asked for and still have more behind it.
 */
export function mergePage<T>(sources: readonly Stretch<T>[], first: number): MergedPage<T> {
  let horizon: Keyset | null = null;
  for (const source of sources)
    if (source.horizon && (horizon === null || isNewer(source.horizon, horizon))) horizon = source.horizon;
  const within = sources
    .flatMap(({ found }) => found)
    .filter(({ place }) => horizon === null || !isNewer(horizon, place))
    .sort((a, b) => (isNewer(a.place, b.place) ? -1 : 1));
  const shown = within.slice(0, first);
  const full = within.length > first;
  const last = shown.at(-1)?.place ?? null;
  return {
    shown,
    end: full ? last : (horizon ?? last),
    more: full || horizon !== null,
    cut: !full && horizon !== null,
  };
}

/** Of each kind that is among them, in the order of the kinds. */
export function sumsOf(entries: readonly Pick<DriftEntry, 'kind' | 'bytes' | 'bytesCutShort'>[]): DriftSum[] {
  return Object.values(DriftKind).flatMap((kind) => {
    const ofKind = entries.filter((entry) => entry.kind === kind);
    if (ofKind.length === 0) return [];
    return {
      kind,
      entries: ofKind.length,
      bytes: ofKind.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0),
      ofUnknownSize: ofKind.filter(({ bytes, bytesCutShort }) => bytes === null || bytesCutShort).length,
    };
  });
}
