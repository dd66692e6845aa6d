import type { Keyset, Placed } from '../db/pages.js';
import { lastFolder } from '../deletion/place-index.js';
import { inWordsBytes } from '../deletion/words.js';
import { sameLocation } from '../flink/location.js';
import { DriftKind } from './drift.enums.js';
import { isTroubleOfStorage, type Look } from './drift-look.js';
import type { Asked } from './drift-list.js';
import { type Stretch, stretchOf } from './drift-page.js';
import { deletionsFailed, deletionsForgotten, mayHaveClaimed, type RecordRow, withoutData } from './drift.store.js';
import type { DriftEntry } from './drift.types.js';
import { byHand, forgetLeftover, remediesOfDeletion, remediesWithoutData } from './drift-words.js';
import { dateOf, entryAt, forgottenOf } from './entry.js';
import { lookBelow, type Part, totalOf } from './look-below.js';

type Row = Placed<RecordRow & { at: Date }>;

const about = ({ id, storageId, deploymentId, attempt, path, location }: RecordRow) => ({
  savepointId: id,
  storageId,
  deploymentId,
  attempt,
  path,
  location,
});

/** Ours, complete by the record, and not where they should be. */
export async function missingData(look: Look, asked: Asked): Promise<Stretch<DriftEntry>> {
  const rows = await withoutData(look.database, asked);
  const entries: Placed<DriftEntry>[] = [];
  const claims = await mayHaveClaimed(
    look.database,
    rows.flatMap(({ node: { location } }) => (location === null ? [] : lastFolder(location))),
  );
  for (const row of rows) {
    const { node } = row;
    const back = await isBack(look, node);
    const claim = claims.find(({ location }) => node.location !== null && sameLocation(location, node.location));
    const what =
      node.data === 'DAMAGED'
        ? 'its _metadata cannot be read, or files that it points to are gone or of another size (fingerprint.damages)'
        : back
          ? 'its _metadata was missing, and is there again: recheckSavepoint has it recorded'
          : 'its _metadata is not there';
    entries.push(
      entryAt(
        row,
        {
          ...about(node),
          kind: DriftKind.MISSING_DATA,
          bytes: node.bytes,
          message: `Savepoint ${node.id} (${inWordsBytes(node.bytes)}) is recorded at ${node.location}, and ${what}. It is not restored from.${claim ? claimedBy(claim) : ''}`,
          remedies: remediesWithoutData(node.id, node.location, node.origin === 'IMPORTED'),
        },
        look.now,
      ),
    );
  }
  return stretchOf(entries, asked.limit);
}

const claimedBy = ({ run, deploymentName }: { run: number; deploymentName: string }): string =>
  ` Somebody else started run ${run} of deployment "${deploymentName}" from it: with claim mode CLAIM Flink deletes it by itself when that run needs it no more.`;

async function isBack({ eyes }: Look, { storageId, path, data }: RecordRow): Promise<boolean> {
  const reader = storageId === null ? undefined : eyes.get(storageId);
  if (!reader || path === null || data === 'DAMAGED') return false;
  try {
    return await reader.exists(`${path}/_metadata`);
  } catch (error) {
    if (!isTroubleOfStorage(error)) throw error;
    return false;
  }
}

export async function failedDeletions(look: Look, asked: Asked): Promise<Stretch<DriftEntry>> {
  const rows = await deletionsFailed(look.database, asked);
  const entries = rows.map((row) => {
    const { node } = row;
    const location = node.leftLocation ?? node.location;
    return entryAt(
      row,
      {
        ...about(node),
        location,
        kind: DriftKind.DELETION_FAILED,
        bytes: node.leftBytes,
        message: `Savepoint ${node.id} could not be deleted (${node.failureCode}): ${node.failureMessage}`,
        remedies: remediesOfDeletion(node.id, location),
      },
      look.now,
    );
  });
  return stretchOf(entries, asked.limit);
}

/** Given up by a person. Where the storage can be read and nothing is left, somebody has dealt with it. */
export async function forgottenDeletions(look: Look, asked: Asked): Promise<Stretch<DriftEntry>> {
  const rows = await deletionsForgotten(look.database, asked, look.includeForgotten);
  const entries: Placed<DriftEntry>[] = [];
  let last: Keyset | null = null;
  for (const row of rows) {
    if (last !== null && look.isOver()) return { found: entries, horizon: last };
    last = row.place;
    const rest = await restOf(look, row.node);
    if (rest !== 'NOTHING') entries.push(toForgotten(look, row, rest));
  }
  return { found: entries, horizon: stretchOf(rows, asked.limit).horizon };
}

interface Rest extends Pick<Part, 'files' | 'bytes' | 'newest'> {
  cutShort: boolean;
}

/** null: it cannot be seen. */
async function restOf({ eyes, tally }: Look, { storageId, path }: RecordRow): Promise<Rest | 'NOTHING' | null> {
  const reader = storageId === null ? undefined : eyes.get(storageId);
  if (!reader || path === null) return null;
  tally.directories += 1;
  try {
    const { parts, cutShort } = await lookBelow(reader, path);
    if (parts.length === 0) return 'NOTHING';
    const total = totalOf(parts);
    tally.files += total.files;
    return { ...total, cutShort };
  } catch (error) {
    if (!isTroubleOfStorage(error)) throw error;
    return null;
  }
}

function toForgotten(look: Look, row: Row, rest: Rest | null): Placed<DriftEntry> {
  const { node } = row;
  const location = node.leftLocation ?? node.location;
  const left = rest
    ? `${rest.cutShort ? 'more than ' : ''}${rest.files} files (${inWordsBytes(rest.bytes)}) are left at ${location}`
    : `its data (${inWordsBytes(node.leftBytes ?? node.bytes)}) may be left at ${location}, which cannot be seen from here`;
  return entryAt(
    row,
    {
      ...about(node),
      location,
      kind: DriftKind.FORGOTTEN,
      bytes: rest ? rest.bytes : (node.leftBytes ?? node.bytes),
      bytesCutShort: rest?.cutShort ?? false,
      lastWrittenAt: dateOf(rest?.newest ?? null),
      forgotten: forgottenOf(node),
      message: `The deletion of savepoint ${node.id} was given up: ${left}.`,
      remedies: [
        ...(location === null ? [] : [byHand(location)]),
        ...(node.attempt === null ? [] : [forgetLeftover(node.id, node.attempt)]),
      ],
    },
    look.now,
  );
}
