import { LIVE } from '../checkpoint/checkpoint-page.js';
import type { Sql } from '../db/database.js';
import { checkpointRun } from '../deletion/runs-from.js';
import { normaliseLocation } from '../flink/location.js';
import { SnapshotKind } from '../job/snapshot-kind.js';
import { kindByName } from '../savepoint/import-location.js';
import { mayGoOn } from './end-of-run.js';
import type { KeptSnapshot, LeftCheckpoint } from './left-behind-choice.js';
import { epoch, lastCompletedOf, leftOf, named } from './left-in-sql.js';

/** A snapshot that is kept, and where its `_metadata` is read. */
export interface Kept {
  kept: KeptSnapshot;
  /** null: nobody knows. */
  place: PlaceToRead | null;
  /** Of the run that has it; null: it is recorded by itself. */
  clusterId: string | null;
}

/** As a run on a cluster wrote it at a time, or in a storage. */
export type PlaceToRead =
  | {
      clusterId: string;
      createdAt: number;
      location: string;
      /** The run that made it; null: not known. */
      jobId: string | null;
      /** Flink may have removed it by now, since a newer one is complete: that lies beside it then. */
      live: boolean;
    }
  | { storageId: string | null; path: string | null; location: string };

/** A run that may use files of another one. */
export interface MayUse {
  jobId: string;
  /** For a person. */
  named: string;
  /** It may go on: Flink shows it, or nobody saw it end. */
  mayGoOn: boolean;
  clusterId: string;
  createdAt: number;
  lastCompleted: { id: number; location: string | null } | null;
  left: readonly LeftCheckpoint[];
}

/** What is kept of such a run: what it has left, and the one that it would go back to while it may go on. */
export function snapshotsOf({ jobId, named: run, mayGoOn, clusterId, createdAt, lastCompleted, left }: MayUse): Kept[] {
  const name = `a checkpoint of ${run}`;
  const one = (key: string, location: string, live: boolean): Kept => ({
    kept: { key, of: jobId, named: name, location, selfContained: false },
    place: { jobId, clusterId, createdAt, location, live },
    clusterId,
  });
  const all = left.map((entry) => one(`${jobId}:${entry.flinkCheckpointId}`, entry.location, false));
  if (!mayGoOn || lastCompleted === null) return all;
  // Under one key, however far it has gone on: what one of its own does not use, those after it do not either.
  const key = `${jobId}:live`;
  if (lastCompleted.location !== null) return [...all, one(key, lastCompleted.location, true)];
  const location = `Flink has not told where checkpoint ${lastCompleted.id} lies`;
  return [...all, { kept: { key, of: jobId, named: name, location, selfContained: false }, place: null, clusterId }];
}

/** Snapshots that may use files of any run of these clusters, whoever made them: each is read. */
export async function keptOfAnybody(
  sql: Sql,
  imports: readonly Import[],
  clusterIds: readonly string[],
): Promise<Kept[]> {
  const reaching = await reachingClusters(sql, clusterIds);
  return [
    ...imports.flatMap(importToRead),
    ...(await notSelfContained(sql)),
    ...[...(await ofAdopted(sql)), ...(await ofCopies(sql))].map((one) =>
      one.clusterId !== null && !reaching.has(one.clusterId) ? { ...one, kept: { ...one.kept, elsewhere: true } } : one,
    ),
  ];
}

/** Clusters that have, or had, a storage in common with these; and those of which no storage is known. */
async function reachingClusters(sql: Sql, clusterIds: readonly string[]): Promise<Set<string>> {
  const rows = await sql.rows<{ id: string }>(
    `select r.cluster_id as id from storage_root o join storage_root r on r.storage_id = o.storage_id where o.cluster_id = any($1)
     union
     select c.id from cluster c where not exists (select 1 from storage_root r where r.cluster_id = c.id)`,
    [clusterIds],
  );
  return new Set([...clusterIds, ...rows.map(({ id }) => id)]);
}

export interface Import {
  id: string;
  kind: string;
  /** As its `_metadata` told; null: not known. */
  selfContained: boolean | null;
  missing: boolean;
  storageId: string | null;
  path: string | null;
  location: string;
}

export const importsRecorded = (sql: Sql) =>
  sql.rows<Import>(
    `select s.id, s.kind, c.self_contained as "selfContained", s.data = 'MISSING' as missing, s.storage_id as "storageId", s.path, s.location
       from savepoint s left join snapshot_contents c on c.savepoint_id = s.id
      where s.origin = 'IMPORTED' and s.state = 'COMPLETED' and s.location is not null order by s.id`,
  );

/** A copy of a checkpoint under another name uses the files of the first one, and a reference may name any. */
function importToRead({ id, kind, selfContained, missing, storageId, path, location }: Import): Kept[] {
  if (missing) return [];
  const kept = {
    key: id,
    of: null,
    named: `imported savepoint ${id}`,
    location: normaliseLocation(location),
    selfContained: kind === 'SAVEPOINT' && selfContained !== false,
  };
  return [{ kept, place: { storageId, path, location }, clusterId: null }];
}

/** Savepoints of ours that were read, and have files outside of their own folders. */
async function notSelfContained(sql: Sql): Promise<Kept[]> {
  const rows = await sql.rows<Pick<Import, 'id' | 'storageId' | 'path' | 'location'>>(
    `select s.id, s.storage_id as "storageId", s.path, s.location
       from snapshot_contents c join savepoint s on s.id = c.savepoint_id
      where not c.self_contained and s.origin <> 'IMPORTED' and s.state = 'COMPLETED' and s.data <> 'MISSING' and s.location is not null order by s.id`,
  );
  return rows.map(({ id, ...place }) => ({
    kept: {
      key: id,
      of: null,
      named: `savepoint ${id}`,
      location: normaliseLocation(place.location),
      selfContained: false,
    },
    place,
    clusterId: null,
  }));
}

/**
 * Adopted runs, of whichever deployment and cluster: somebody else started them, with CLAIM or LEGACY it may be, from what Flink does not
 * show any more once they have recovered, or from a job that was never recorded. Without a checkpoint of their own they go back to the one
 * that Flink showed as restored. Of one that has ended just now, what it has left may not be recorded yet.
 */
async function ofAdopted(sql: Sql): Promise<Kept[]> {
  const rows = await sql.rows<{ run: MayUse }>(
    `select jsonb_build_object('jobId', j.id, 'named', ${named('j', 'd')}, 'mayGoOn', ${mayGoOn('j')} or j.end_read_from is null,
        'clusterId', j.cluster_id, 'createdAt', ${epoch('j.created_at')},
        'lastCompleted', coalesce(${lastCompletedOf('a')},
                                  case when ${inRecordedRun('j.restored_location')}
                                       then jsonb_build_object('id', coalesce(j.restored_checkpoint_id, 0), 'location', j.restored_location) end),
        'left', case when j.state in ${LIVE} then '[]' else ${leftOf('j')} end) as run
       from job j join deployment d on d.id = j.deployment_id left join job_checkpoints a on a.job_id = j.id
      where j.origin = 'ADOPTED'
        and (${mayGoOn('j')} or j.end_read_from is null
             or exists (select 1 from retained_checkpoint r where r.job_id = j.id and r.kind = 'CHECKPOINT' and r.data <> 'MISSING'))
      order by j.id`,
  );
  return rows.flatMap(({ run }) => snapshotsOf(run));
}

/** A location is that of a checkpoint in the directory of a run that is recorded. */
const inRecordedRun = (location: string) =>
  `exists (select 1 from job o where o.flink_job_id = ${checkpointRun(location)})`;

/**
 * What runs were started or restored from that lies in no directory of a recorded run and is no savepoint that is looked at by its record,
 * such as a checkpoint that was copied: of runs that may go back to it, and of the last one of a deployment, which may be started from it
 * again.
 */
async function ofCopies(sql: Sql): Promise<Kept[]> {
  const rows = await sql.rows<{ jobId: string; named: string; clusterId: string; createdAt: number; location: string }>(
    `with concerned(id) as materialized (
       select j.id from job j left join job_checkpoints a on a.job_id = j.id
        where ${mayGoOn('j')} and (a.first_completed_id is null or j.checkpoint_interval_ms is null)
       union
       select j.id
         from deployment d
        cross join lateral (select coalesce((select o.run from job o where o.deployment_id = d.id and o.took_hold_at is not null
                                              order by o.run desc limit 1), 0) as run) last
         join job j on j.deployment_id = d.id and j.run >= last.run
        where d.archived_at is null and j.state not in ${LIVE})
     select j.id as "jobId", ${named('j', 'd')} as named, j.cluster_id as "clusterId", ${epoch('j.created_at')} as "createdAt", l.location
       from concerned c
       join job j on j.id = c.id
       join deployment d on d.id = j.deployment_id
      cross join lateral (select j.start_location as location, j.start_savepoint_id as savepoint
                          union
                          select j.restored_location, null where j.origin = 'ADOPTED') l
      where l.location is not null and not ${inRecordedRun('l.location')}
        and not exists (select 1 from savepoint s where s.id = l.savepoint and (s.origin <> 'IMPORTED' or s.state = 'COMPLETED'))
      order by j.id, l.location`,
  );
  return rows.map(({ named: run, location, jobId, ...at }) => ({
    kept: {
      key: `${jobId}:from:${location}`,
      of: null,
      named: `what ${run} was started from`,
      location: normaliseLocation(location),
      selfContained: kindByName(normaliseLocation(location)).kind === SnapshotKind.SAVEPOINT,
    },
    place: { ...at, location, jobId: null, live: false },
    clusterId: at.clusterId,
  }));
}
