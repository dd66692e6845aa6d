import { cursorOf, type Connection } from '../api/connection.js';
import type { Database } from '../db/database.js';
import { asWrongCursor, type Page } from '../db/pages.js';
import { DriftKind } from './drift.enums.js';
import { beginLook, type Look } from './drift-look.js';
import type { Asked } from './drift-list.js';
import { mergePage, type Stretch, sumsOf } from './drift-page.js';
import type { DriftEntry, DriftLook, DriftSum } from './drift.types.js';
import { leftoversOf } from './leftovers.js';
import { failedDeletions, forgottenDeletions, missingData } from './record-drift.js';
import { placesWithTwoRecords } from './two-records.js';
import { unknownSavepointsOf } from './unknown-savepoints.js';

export interface DriftFilter {
  /** null: of all storages. */
  storageId: string | null;
  /** null: all. */
  kinds: readonly DriftKind[] | null;
  includeForgotten: boolean;
}

export type DriftPage = Connection<DriftEntry> & { sums: DriftSum[]; look: DriftLook };

type Source = (look: Look, asked: Asked) => Promise<Stretch<DriftEntry>>;

/** Each with the kinds that it may find. The one that reads buckets comes last: the others cost little. */
const sources: { kinds: DriftKind[]; read: Source }[] = [
  { kinds: [DriftKind.MISSING_DATA], read: missingData },
  { kinds: [DriftKind.DELETION_FAILED], read: failedDeletions },
  { kinds: [DriftKind.FORGOTTEN], read: forgottenDeletions },
  { kinds: [DriftKind.TWO_RECORDS], read: placesWithTwoRecords },
  {
    kinds: [DriftKind.UNKNOWN_SAVEPOINT],
    read: (look, { after, limit }) => unknownSavepointsOf(look, after, limit),
  },
  {
    kinds: [DriftKind.LEFTOVER, DriftKind.TWO_RECORDS],
    read: (look, { after, limit }) => leftoversOf(look, after, limit),
  },
];

/** A page of what differs between the record and the storages, newest first. Changes nothing. */
export async function readDrift(database: Database, filter: DriftFilter, page: Page): Promise<DriftPage> {
  const { storageId, kinds, includeForgotten } = filter;
  const look = await beginLook(database, storageId, includeForgotten);
  const asked: Asked = { storageId, after: page.after, limit: page.first + 1 };
  const wanted = (kind: DriftKind) => kinds === null || kinds.includes(kind);
  const stretches: Stretch<DriftEntry>[] = [];
  try {
    for (const { kinds: found, read } of sources) if (found.some(wanted)) stretches.push(await read(look, asked));
  } catch (error) {
    throw asWrongCursor(page, error);
  }
  const ofKinds = stretches.map(({ found, horizon }) => ({
    found: found.filter(({ node }) => wanted(node.kind)),
    horizon,
  }));
  const { shown, end, more, cut } = mergePage(ofKinds, page.first);
  return {
    edges: shown.map(({ node, place }) => ({ cursor: cursorOf(place), node })),
    pageInfo: { hasNextPage: more, endCursor: end && cursorOf(end) },
    sums: sumsOf(shown.map(({ node }) => node)),
    look: { ...look.tally, truncated: cut },
  };
}
