import { storagesOfClusterAt } from '../cluster/find-cluster.js';
import { placesOf } from '../cluster/storage-root.js';
import type { Keyset, Placed } from '../db/pages.js';
import { inWordsBytes } from '../deletion/words.js';
import { normaliseLocation } from '../flink/location.js';
import type { Place } from '../savepoint/find-savepoint.js';
import { DriftKind } from './drift.enums.js';
import { isTroubleOfStorage, locate, type Look } from './drift-look.js';
import type { Stretch } from './drift-page.js';
import { placeKey } from './drift.store.js';
import type { DriftEntry } from './drift.types.js';
import { forgetImport, importOf } from './drift-words.js';
import { entryAt } from './entry.js';
import { type ForeignSavepoint, foreignSavepoints, recordedAt } from './foreign-savepoint.store.js';

/** Entries that are taken from the history for one page: those of other storages, and known ones, are left out. */
const CANDIDATES = 200;

interface Candidate extends Placed<ForeignSavepoint & { at: Date }> {
  /** Every storage that it lies in; none: outside all. */
  everywhere: Place[];
  /** Where it is shown; null: in none. */
  home: Place | null;
}

/** Savepoints that somebody else triggered, by Flink's history, where there is no record of them. Gone ones are not shown, where that can be seen. */
export async function unknownSavepointsOf(
  look: Look,
  after: Keyset | null,
  limit: number,
): Promise<Stretch<DriftEntry>> {
  const asked = { storageId: look.storageId, after, limit: CANDIDATES };
  const rows = await foreignSavepoints(look.database, asked);
  const candidates = await inTheirPlaces(look, rows);
  const recorded = await recordedAt(
    look.database,
    candidates.flatMap(({ everywhere }) => everywhere),
    candidates.filter(({ home }) => home === null).map(({ node }) => normaliseLocation(node.location)),
  );
  const found: Placed<DriftEntry>[] = [];
  for (const candidate of candidates) {
    const { everywhere, home, node } = candidate;
    const known = home
      ? everywhere.some((place) => recorded.places.has(placeKey(place)))
      : recorded.locations.has(normaliseLocation(node.location));
    if (known) continue;
    if (found.length >= limit) return { found, horizon: found.at(-1)?.place ?? null };
    const there = await isThere(look, home);
    if (there !== false) found.push(toEntry(look, candidate, there));
  }
  return { found, horizon: rows.length < CANDIDATES ? null : (rows.at(-1)?.place ?? null) };
}

async function inTheirPlaces(
  look: Look,
  rows: readonly Placed<ForeignSavepoint & { at: Date }>[],
): Promise<Candidate[]> {
  const reached = new Map<string, Awaited<ReturnType<typeof storagesOfClusterAt>>['storages']>();
  const candidates: Candidate[] = [];
  for (const row of rows) {
    const { jobId, clusterId, ranSince, location } = row.node;
    const storages = reached.get(jobId) ?? (await storagesOfClusterAt(look.database, clusterId, ranSince)).storages;
    reached.set(jobId, storages);
    const { all } = placesOf(storages, location);
    const home = look.storageId === null ? all[0] : all.find(({ storageId }) => storageId === look.storageId);
    if (home || look.storageId === null) candidates.push({ ...row, everywhere: all, home: home ?? null });
  }
  return candidates;
}

/** null: it cannot be seen. */
async function isThere({ eyes }: Look, home: Place | null): Promise<boolean | null> {
  const reader = home && eyes.get(home.storageId);
  if (!home || !reader) return null;
  try {
    return await reader.exists(`${home.path}/_metadata`);
  } catch (error) {
    if (!isTroubleOfStorage(error)) throw error;
    return null;
  }
}

function toEntry(look: Look, candidate: Candidate, there: boolean | null): Placed<DriftEntry> {
  const { node, home } = candidate;
  const located = home && locate(look, home.storageId, home.path, { clusterId: node.clusterId, uri: null });
  const location = located?.location ?? normaliseLocation(node.location);
  const seen = there === null ? ' Whether it is still there cannot be seen from here.' : '';
  return entryAt(
    candidate,
    {
      kind: DriftKind.UNKNOWN_SAVEPOINT,
      storageId: home?.storageId ?? null,
      deploymentId: node.deploymentId,
      path: home?.path ?? null,
      location,
      snapshots: [location],
      bytes: node.bytes,
      message: `Run ${node.run} of deployment "${node.deploymentName}" on ${node.clusterName} has made savepoint ${location} (${inWordsBytes(node.bytes)}, checkpoint ${node.flinkCheckpointId} of Flink), which somebody else triggered: there is no record of it.${seen}`,
      remedies: [importOf(location, home?.storageId ?? null, located?.reachable ?? false), forgetImport],
    },
    look.now,
  );
}
