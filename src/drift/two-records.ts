import type { Asked } from './drift-list.js';
import { DriftKind } from './drift.enums.js';
import type { Look } from './drift-look.js';
import { type Stretch, stretchOf } from './drift-page.js';
import type { DriftEntry } from './drift.types.js';
import { twoRecordsRemedies } from './drift-words.js';
import { entryAt } from './entry.js';
import { sharedRoots } from './shared-roots.js';
import { twoRecords } from './two-records.store.js';

/** Savepoints that are recorded twice, in storages whose roots are one place or may be. */
export async function placesWithTwoRecords(look: Look, asked: Asked): Promise<Stretch<DriftEntry>> {
  const roots = sharedRoots(look.roots);
  if (roots.length === 0) return { found: [], horizon: null };
  const rows = await twoRecords(look.database, roots, asked);
  const entries = rows.map((row) => {
    const { node } = row;
    const location = node.text.replace(/^\S+ /, ''); // of a folder, the cluster that it is compared for stands before it
    const records = [
      { id: node.id, origin: node.origin },
      { id: node.otherId, origin: node.otherOrigin },
    ];
    const imports = records.filter(({ origin }) => origin === 'IMPORTED').map(({ id }) => id);
    return entryAt(
      row,
      {
        kind: DriftKind.TWO_RECORDS,
        storageId: node.storageId,
        deploymentId: node.deploymentId,
        savepointId: node.id,
        otherSavepointId: node.otherId,
        path: node.path,
        location,
        bytes: node.bytes,
        message:
          `Savepoints ${node.id} and ${node.otherId} are recorded in two storages, ` +
          (node.certain
            ? `and lie at one place: ${location}. Deleting one with its data deletes those of the other.`
            : `and their locations have one text: ${location}. That may be one place, and then deleting one with its data deletes those of the other; or it is two of one name, and nothing is wrong.`),
        remedies: twoRecordsRemedies(imports, {
          certain: node.certain,
          storageIds: [node.storageId, node.otherStorageId],
        }),
      },
      look.now,
    );
  });
  return stretchOf(entries, asked.limit);
}
