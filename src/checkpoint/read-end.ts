import type { Database } from '../db/database.js';
import { failPoint } from '../fail-point.js';
import type { SnapshotEntry } from '../flink/flink.types.js';
import type { SeenStatistics } from './account.types.js';
import type { WatchedCluster } from './checkpoint.store.js';
import {
  type EndReadFrom,
  foreignSavepointsOf,
  type RecordedEntry,
  recordedOf,
  type RetainedToWrite,
  writeEnd,
} from './end.store.js';
import type { FollowedRun } from './followed-run.js';
import { checkpointsIn, dataAt, type Soon } from './look-at-storage.js';
import { ourSavepointAt } from './our-savepoint.js';
import { checkpointDirectory, isGoneFromFlink, isKept, retainedByStatistics, type RunEnd } from './retained-at-end.js';

export interface ReadEnd<S> {
  /** Flink still told of the run: to be recorded before `settle`. */
  seen: S | null;
  /** Writes what the run has left behind. SOON: nothing is written yet; `last`: a storage that is slow then counts as one that cannot be read. */
  settle(last: boolean): Promise<'SETTLED' | Soon>;
}

/**
 * What an ended run has left (SR-2, SR-9): by Flink's statistics, whose cache has passed; where Flink has forgotten the run or
 * went with it, by what lies in its directory; where that cannot be read, by what was recorded last.
 */
export async function readEnd<S extends SeenStatistics>(
  database: Database,
  run: FollowedRun,
  cluster: WatchedCluster,
  ask: () => Promise<S | null>,
): Promise<ReadEnd<S>> {
  const { details } = run;
  const seen = isGoneFromFlink(details.failureCode) ? null : await ask();
  return {
    seen,
    settle: async (last) => {
      const read =
        seen && reachesRecord(seen, run)
          ? await byStatistics(database, run, seen)
          : await byStorageOrRecord(database, run, cluster, last);
      if (read === 'SOON') return read;
      const { retained, from } = read;
      const foreign = await foreignSavepointsOf(database, details.deploymentId, details.id);
      const known = new Set(retained.map(({ id }) => id));
      for (const entry of foreign)
        if (!known.has(entry.id) && entry.location !== null)
          retained.push(ofRecord(entry, entry.location, 'STATISTICS'));
      for (const one of retained) {
        if (one.data !== 'NOT_CHECKED') continue;
        const data = await dataAt(database, details, one.location);
        if (data !== 'SOON') one.data = data;
        else if (!last) return data;
      }
      failPoint('checkpoints.end-read');
      await writeEnd(database, details, retained, from);
      return 'SETTLED';
    },
  };
}

/** After a failover of the JobManager its statistics begin anew: what is recorded may then reach further than what they tell. */
function reachesRecord(
  { statistics: { history, latest } }: SeenStatistics,
  { details, lastCompleted }: FollowedRun,
): boolean {
  if (!lastCompleted || !isKept(details.state as RunEnd, details)) return true;
  return [...history, latest.completed, latest.savepoint].some(
    (entry) => entry !== null && entry.id >= lastCompleted.id,
  );
}

/** Where its checkpoints were last seen; a program may set the place itself, and a cluster's root may have changed since. */
const directoryOf = (location: string | null | undefined): string | null =>
  /^(.+)\/chk-\d+$/.exec(location ?? '')?.[1] ?? null;

interface Read {
  retained: RetainedToWrite[];
  from: EndReadFrom;
}

async function byStatistics(
  database: Database,
  { details }: FollowedRun,
  { statistics }: SeenStatistics,
): Promise<Read> {
  const left = retainedByStatistics(statistics, details.state as RunEnd, details);
  const recorded = new Map(
    (
      await recordedOf(
        database,
        details.id,
        left.map(({ id }) => id),
      )
    ).map((row) => [row.id, row]),
  );
  const retained = left.filter(
    (entry) => !(entry.isSavepoint && isOurs(entry, recorded.get(entry.id), details.deploymentId)),
  );
  return { retained: retained.map(ofEntry), from: 'STATISTICS' };
}

/** A path like ours alone is no proof: the savepoint may be another installation's. */
const isOurs = (entry: SnapshotEntry, recorded: RecordedEntry | undefined, deploymentId: string): boolean =>
  recorded ? recorded.ours : ourSavepointAt(entry.location, deploymentId) !== null;

async function byStorageOrRecord(
  database: Database,
  run: FollowedRun,
  cluster: WatchedCluster,
  last: boolean,
): Promise<Read | Soon> {
  const { details, lastCompleted } = run;
  const { flinkJobId, flinkConfiguration } = details;
  const directory =
    directoryOf(lastCompleted?.location) ??
    checkpointDirectory(flinkJobId, flinkConfiguration, cluster.configuration, cluster.checkpointRoot);
  const looked = directory && (await checkpointsIn(database, details, directory));
  if (looked === 'SOON' && !last) return looked;
  const found = looked === 'SOON' ? null : looked;
  // Nothing where something was recorded is no proof that there is nothing: it may be another place.
  if (found && (found.length > 0 || !lastCompleted?.location)) {
    const recorded = new Map(
      (
        await recordedOf(
          database,
          details.id,
          found.map(({ id }) => id),
        )
      ).map((row) => [row.id, row]),
    );
    const retained = found.map(({ id, location, writtenAt }): RetainedToWrite => {
      const row = recorded.get(id);
      if (row) return { ...ofRecord(row, location, 'STORAGE'), data: 'PRESENT' };
      const times = { triggeredAt: writtenAt, endedAt: writtenAt };
      return {
        id,
        kind: 'CHECKPOINT',
        ...times,
        stateBytes: null,
        checkpointedBytes: null,
        location,
        source: 'STORAGE',
        data: 'PRESENT',
      };
    });
    return { retained, from: 'STORAGE' };
  }
  const known = lastCompleted?.location ? [ofEntry({ ...lastCompleted, isSavepoint: false })] : [];
  return { retained: known, from: 'RECORD' };
}

type Entry = Pick<
  SnapshotEntry,
  'id' | 'isSavepoint' | 'triggeredAt' | 'latestAckAt' | 'stateBytes' | 'checkpointedBytes' | 'location'
>;

const ofEntry = (entry: Entry): RetainedToWrite => ({
  id: entry.id,
  kind: entry.isSavepoint ? 'SAVEPOINT' : 'CHECKPOINT',
  triggeredAt: new Date(entry.triggeredAt),
  endedAt: entry.latestAckAt === null ? null : new Date(entry.latestAckAt),
  stateBytes: entry.stateBytes,
  checkpointedBytes: entry.checkpointedBytes,
  location: entry.location ?? '',
  source: 'STATISTICS',
  data: 'NOT_CHECKED',
});

const ofRecord = (row: RecordedEntry, location: string, source: RetainedToWrite['source']): RetainedToWrite => ({
  id: row.id,
  kind: row.kind,
  triggeredAt: row.triggeredAt,
  endedAt: row.endedAt,
  stateBytes: row.stateBytes,
  checkpointedBytes: row.checkpointedBytes,
  location,
  source,
  data: 'NOT_CHECKED',
});
