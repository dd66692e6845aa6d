import type { Placed } from '../db/pages.js';
import type { DriftKind } from './drift.enums.js';
import type { DriftEntry, DriftForgotten, DriftRemedy } from './drift.types.js';

/** What one source says; the rest is the same for all. */
export type NewEntry = Pick<DriftEntry, 'storageId' | 'deploymentId' | 'path' | 'location' | 'bytes' | 'message'> & {
  kind: DriftKind;
  remedies: DriftRemedy[];
} & Partial<
    Pick<
      DriftEntry,
      'savepointId' | 'otherSavepointId' | 'attempt' | 'snapshots' | 'bytesCutShort' | 'lastWrittenAt' | 'forgotten'
    >
  >;

/** The place in the list names it. */
export function entryAt({ place, node }: Placed<{ at: Date }>, entry: NewEntry, now: number): Placed<DriftEntry> {
  const lastWrittenAt = entry.lastWrittenAt ?? null;
  return {
    place,
    node: {
      savepointId: null,
      otherSavepointId: null,
      attempt: null,
      snapshots: [],
      bytesCutShort: false,
      forgotten: null,
      ...entry,
      id: place.id,
      since: node.at,
      lastWrittenAt,
      ageMs: Math.max(0, Math.round(now - (lastWrittenAt ?? node.at).getTime())),
    },
  };
}

export const forgottenOf = (row: {
  forgottenAt: Date | null;
  forgottenBy: string | null;
  forgottenReason: string | null;
}): DriftForgotten | null =>
  row.forgottenAt === null
    ? null
    : { at: row.forgottenAt, by: row.forgottenBy ?? '', reason: row.forgottenReason ?? '' };

export const dateOf = (epochMs: number | null): Date | null => (epochMs === null ? null : new Date(epochMs));
