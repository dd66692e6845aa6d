import { savepointIdIn } from '../checkpoint/our-savepoint.js';
import { rootsOfStorages } from '../cluster/find-cluster.js';
import type { Sql } from '../db/database.js';
import { joinLocation, normaliseLocation } from '../flink/location.js';
import { folderName, lastFolder, type LyingSavepoint, type PlaceIndex } from './place-index.js';
import type { RecordBeside, SavepointFacts } from './protection.js';

interface Recorded {
  facts: Pick<SavepointFacts, 'id' | 'origin'>;
  lies: LyingSavepoint;
}

type Other = Pick<RecordBeside, 'deploymentName'> & { facts: RecordBeside['other']; lies: LyingSavepoint };

/**
 * Other COMPLETED records at the places of these savepoints. One storage holds one record of a place; but roots of two may lie in each
 * other, or be one place that nobody has said to be one. One of two records was imported: what Flink wrote for us lies in a directory
 * that has the id of its savepoint. Texts are compared under every root, and not the ends of paths: a copy elsewhere is another place.
 */
export async function recordsBeside(
  sql: Sql,
  savepoints: readonly Recorded[],
  { folders: named }: PlaceIndex,
): Promise<RecordBeside[]> {
  const others = await othersLike(sql, savepoints, named);
  if (others.length === 0) return [];
  const folders = new Set(others.flatMap(({ lies }) => (lies.location === null ? [] : [lastFolder(lies.location)])));
  const alike = savepoints.filter(({ lies }) => lies.location !== null && folders.has(lastFolder(lies.location)));
  const textsOf = await textsUnderRoots(
    sql,
    [...others, ...alike].map(({ lies }) => lies),
  );
  const byText = new Map<string, Other[]>();
  for (const other of others)
    for (const text of textsOf(other.lies)) byText.set(text, [...(byText.get(text) ?? []), other]);
  return alike.flatMap(({ facts: { id, origin }, lies }) => {
    const beside = new Set([...textsOf(lies)].flatMap((text) => byText.get(text) ?? []));
    return [...beside]
      .filter(({ facts }) => facts.id !== id)
      .map(({ facts: other, deploymentName }) => ({
        savepointId: id,
        recordMayEnd: origin === 'IMPORTED',
        other,
        deploymentName,
      }));
  });
}

const columns = `jsonb_build_object('deploymentName', d.name,
    'lies', jsonb_build_object('id', s.id, 'storageId', s.storage_id, 'path', s.path, 'location', s.location),
    'facts', jsonb_build_object('id', s.id, 'origin', s.origin, 'pinned', s.pinned,
                                'heldUntil', (extract(epoch from s.held_until) * 1000)::float8, 'holdReason', s.hold_reason)) as other`;

/** Imported ones whose folder has the name of one of theirs; and those of ours whose id is in the path of an imported one. */
async function othersLike(sql: Sql, savepoints: readonly Recorded[], folders: readonly string[]): Promise<Other[]> {
  const imported = savepoints.filter(({ facts }) => facts.origin === 'IMPORTED');
  const ours = imported.flatMap(({ lies }) => savepointIdIn(normaliseLocation(lies.location ?? '')) ?? []);
  const rows = await sql.rows<{ other: Other }>(
    `select ${columns} from savepoint s left join deployment d on d.id = s.deployment_id
      where s.origin = 'IMPORTED' and s.state = 'COMPLETED' and ${folderName('s.location')} = any($1)
     union all
     select ${columns} from savepoint s left join deployment d on d.id = s.deployment_id
      where s.id = any($2) and s.origin <> 'IMPORTED' and s.state = 'COMPLETED'`,
    [folders, ours],
  );
  return rows.map(({ other }) => other);
}

async function textsUnderRoots(sql: Sql, lying: readonly LyingSavepoint[]) {
  const roots = await rootsOfStorages(sql, [...new Set(lying.flatMap(({ storageId }) => storageId ?? []))]);
  return ({ storageId, path, location }: LyingSavepoint): Set<string> => {
    const reached = path === null ? [] : roots.filter((root) => root.storageId === storageId);
    return new Set([
      ...(location === null ? [] : [normaliseLocation(location)]),
      ...reached.map(({ uri }) => normaliseLocation(joinLocation(uri, path ?? ''))),
    ]);
  };
}
