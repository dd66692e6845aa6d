import type { Keyset, Placed } from '../db/pages.js';
import { pathBelow } from '../flink/location.js';
import { type AttemptRow, attemptsThatMayHaveLeft } from './attempt-left.store.js';
import { DriftKind } from './drift.enums.js';
import { isTroubleOfStorage, locate, type Look } from './drift-look.js';
import type { Stretch } from './drift-page.js';
import { keptAt, placeKey, sourcesOfRuns } from './drift.store.js';
import type { DriftEntry } from './drift.types.js';
import { byHand, forgetLeftover, leftMessage, leftRemedies, type LeftWords, unseenMessage } from './drift-words.js';
import { dateOf, entryAt, forgottenOf } from './entry.js';
import { type Below, lookBelow, totalOf } from './look-below.js';

/** Attempts that are taken from the record for one page; not each of them is looked at. */
const CANDIDATES = 500;

type Attempt = Placed<AttemptRow & { at: Date }>;

/** What was found of one attempt. */
interface Finding extends Attempt {
  /** What is there and is not the savepoint itself; `TOLD`: by Flink's history alone; else why it cannot be seen. */
  seen: Below | 'TOLD' | { why: string };
  /** The savepoint that is recorded lies there, too. */
  besideIts: boolean;
}

/**
 * What attempts have left below the directories that were named to Flink for them. Where the storage can be read they are looked
 * into, newest first, until the page is full or the look is over; elsewhere Flink's history may tell of a savepoint there.
 */
export async function leftoversOf(look: Look, after: Keyset | null, limit: number): Promise<Stretch<DriftEntry>> {
  const asked = { storageId: look.storageId, after, limit: CANDIDATES };
  const rows = await attemptsThatMayHaveLeft(look.database, asked, {
    readable: [...look.eyes.keys()],
    includeForgotten: look.includeForgotten,
  });
  const findings: Finding[] = [];
  let last: Keyset | null = null;
  for (const row of rows) {
    // The first one is looked at in any case: a page that goes nowhere could not be gone on from.
    if (last !== null && (findings.length >= limit || look.isOver())) break;
    last = row.place;
    const finding = await lookAt(look, row);
    if (finding) findings.push(finding);
  }
  const toTheEnd = rows.length < CANDIDATES && (last === null || last === rows.at(-1)?.place);
  return { found: await judge(look, findings), horizon: toTheEnd ? null : last };
}

/** null: there is nothing, or tasks may still be writing it. */
async function lookAt(look: Look, row: Attempt): Promise<Finding | null> {
  const { directory, storageId, toldLocation, heartbeatMs, path, homeId } = row.node;
  const reader = look.eyes.get(storageId);
  if (!reader) return toldLocation === null ? null : { ...row, seen: 'TOLD', besideIts: false };
  look.tally.directories += 1;
  try {
    const below = await lookBelow(reader, directory);
    look.tally.files += totalOf(below.parts).files;
    const parts = below.parts.filter(({ name }) => homeId !== storageId || `${directory}/${name}` !== path);
    if (parts.length === 0) return null;
    const { newest } = totalOf(parts);
    if (newest !== null && newest > look.now - heartbeatMs) {
      look.tally.stillWritten += 1;
      return null;
    }
    return { ...row, seen: { ...below, parts }, besideIts: parts.length < below.parts.length };
  } catch (error) {
    if (!isTroubleOfStorage(error)) throw error;
    return { ...row, seen: { why: error.message }, besideIts: false };
  }
}

/** Without what has been imported since; nothing is left to say of an attempt that left nothing else. */
async function judge(look: Look, findings: readonly Finding[]): Promise<Placed<DriftEntry>[]> {
  const places = findings.flatMap((finding) => wholePlacesOf(finding));
  const kept = places.length > 0 ? await keptAt(look.database, places) : new Set<string>();
  const used = places.length > 0 ? await usedPlaces(look) : new Map<string, string>();
  return findings.flatMap((finding) => toEntry(look, finding, kept, used) ?? []);
}

function wholePlacesOf({ node, seen }: Finding): { storageId: string; path: string }[] {
  const { storageId, directory } = node;
  if (seen === 'TOLD') return [{ storageId, path: toldPath(node) }];
  if ('why' in seen) return [];
  return seen.parts.filter(({ whole }) => whole).map(({ name }) => ({ storageId, path: `${directory}/${name}` }));
}

/** The history has the whole location; below the root it is what begins with the directory. */
const toldPath = ({ directory, toldLocation }: AttemptRow) =>
  (toldLocation ?? '').slice((toldLocation ?? '').indexOf(`/${directory}/`) + 1);

/** By place, the run that was started from it. */
async function usedPlaces({ database, roots }: Look): Promise<Map<string, string>> {
  const used = new Map<string, string>();
  for (const { clusterId, location, run, deploymentName } of await sourcesOfRuns(database))
    for (const { storageId, clusterId: reachedBy, uri } of roots) {
      const path = reachedBy === clusterId ? pathBelow(uri, location) : null;
      if (path !== null) used.set(placeKey({ storageId, path }), `run ${run} of deployment "${deploymentName}"`);
    }
  return used;
}

function toEntry(
  look: Look,
  finding: Finding,
  kept: ReadonlySet<string>,
  used: ReadonlyMap<string, string>,
): Placed<DriftEntry> | null {
  const { node: row, seen, besideIts } = finding;
  const { savepointId, number: attempt, storageId, directory } = row;
  const at = (path: string) => locate(look, storageId, path, { clusterId: row.clusterId, uri: row.rootUri });
  const about = { storageId, savepointId, deploymentId: row.deploymentId, attempt, forgotten: forgottenOf(row) };
  if (seen !== 'TOLD' && 'why' in seen) {
    const location = at(directory)?.location ?? directory;
    const message = unseenMessage(savepointId, attempt, location, seen.why);
    const remedies = [byHand(location), forgetLeftover(savepointId, attempt)];
    const unseen = { kind: DriftKind.LEFTOVER, path: directory, location, bytes: null, message, remedies };
    return entryAt(finding, { ...about, ...unseen }, look.now);
  }
  const whole = wholePlacesOf(finding).filter((place) => !kept.has(placeKey(place)));
  const parts =
    seen === 'TOLD'
      ? []
      : seen.parts.filter(({ name }) => !kept.has(placeKey({ storageId, path: `${directory}/${name}` })));
  if (parts.length === 0 && whole.length === 0) return null;

  const [only, ...others] = parts;
  const path = seen === 'TOLD' ? toldPath(row) : only && others.length === 0 ? `${directory}/${only.name}` : directory;
  const located = at(path);
  const total = totalOf(parts);
  const words: LeftWords = {
    savepointId,
    attempt,
    outcome: row.outcome,
    becameAnother: row.outcome !== 'COMPLETED' && row.path !== null,
    location: located?.location ?? path,
    storageId,
    reachable: located?.reachable ?? false,
    files: total.files,
    bytes: seen === 'TOLD' ? row.toldBytes : total.bytes,
    cutShort: seen !== 'TOLD' && seen.cutShort,
    snapshots: whole.map((place) => at(place.path)?.location ?? place.path),
    told: seen === 'TOLD',
    usedBy: [...new Set(whole.flatMap((place) => used.get(placeKey(place)) ?? []))],
    adoptable: row.adoptable && !row.clusterRemoved && seen !== 'TOLD',
    sought: row.sought,
  };
  return entryAt(
    finding,
    {
      ...about,
      kind: row.outcome === 'COMPLETED' && besideIts ? DriftKind.TWO_RECORDS : DriftKind.LEFTOVER,
      path,
      location: located?.location ?? null,
      snapshots: words.snapshots.slice(),
      bytes: words.bytes,
      bytesCutShort: words.cutShort,
      lastWrittenAt: seen === 'TOLD' ? row.toldAt : dateOf(total.newest),
      message: leftMessage(words),
      remedies: leftRemedies(words),
    },
    look.now,
  );
}
