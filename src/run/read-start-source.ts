import type { Claim } from '../db/claims.js';
import type { Sql } from '../db/database.js';
import { contentsOf } from '../savepoint/snapshot-contents.js';
import { readContents } from '../savepoint/snapshot-contents.store.js';
import { type LookingDeps, lookWhileWanted } from './look-while-wanted.js';
import type { OwnLookAtWork } from './own-look.store.js';
import { type NotRead, notRead, type ReadSnapshot, whyNot } from './read-own-snapshot.js';
import { pointOfRestored } from './restored-point.js';
import { startStatePlace } from './start-state-place.js';
import type { StateToLookAt } from './state-finding.js';

/** NONE: it was started without state, as far as is known. */
export type SourceRead =
  { kind: 'NONE' } | { kind: 'READ'; snapshot: Pick<ReadSnapshot, 'location' | 'contents'> } | NotRead;

/** What the state held that a run was started from: as it was read before, else read now. */
export async function readStartSource(deps: LookingDeps, work: OwnLookAtWork, claim: Claim): Promise<SourceRead> {
  const source = await sourceOf(deps.database, work);
  if (source === null) return { kind: 'NONE' };
  if ('kind' in source) return source;
  const { savepointId, location, place } = source;
  const places = place ? [place] : [];
  const kept = await readContents(deps.database, { savepointId, places });
  if (kept?.contents.source === 'METADATA') return { kind: 'READ', snapshot: { location, contents: kept.contents } };
  if (!place) return notRead(`${location} lies in no storage that Stateward knows, or in more than one`, 'NO');
  const look = await lookWhileWanted(deps, claim, { place, location, ownFolderOnly: true });
  if (look === 'STOPPED' || look.kind !== 'READ') return whyNot(look, location);
  return { kind: 'READ', snapshot: { location, contents: contentsOf(look.inspection) } };
}

async function sourceOf(
  sql: Sql,
  work: OwnLookAtWork,
): Promise<(StateToLookAt & { savepointId: string | null }) | NotRead | null> {
  const { cluster, startLocation, startSavepointId, restoredLocation, restoredCheckpointId } = work;
  if (work.origin === 'STARTED') {
    if (startLocation === null) return null;
    const state = await startStatePlace(sql, cluster.id, startSavepointId, startLocation);
    return { ...state, savepointId: startSavepointId };
  }
  if (restoredLocation === null) return null;
  if (restoredLocation.includes(`/${work.flinkJobId}/`))
    return notRead('it has recovered by itself before it was adopted, and what it began with is not known', 'NO');
  const point = await pointOfRestored(sql, {
    location: restoredLocation,
    flinkCheckpointId: restoredCheckpointId,
    clusterId: cluster.id,
    at: work.createdAt,
  });
  const { savepointId, storage, location } = point;
  return { savepointId, location, place: storage && { storageId: storage.id, path: storage.path } };
}
