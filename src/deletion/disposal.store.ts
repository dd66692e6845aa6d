import { assign } from '../db/assign.js';
import type { Claim } from '../db/claims.js';
import type { Sql, Transaction } from '../db/database.js';
import type { SavepointState } from '../savepoint/savepoint.enums.js';
import type { Disposer } from './choose-disposer.js';
import type { WhereItLies } from './containment.js';
import type { DeletionState } from './deletion.enums.js';

/** Everything that a step of a deletion needs to know, read at once; ages by the database's clock. */
export interface DeletionAtWork {
  /** Of the savepoint too. */
  id: string;
  deploymentId: string | null;
  jobId: string | null;
  state: DeletionState;
  /** The cluster that is asked, or is to be; null: none can be now. */
  clusterId: string | null;
  /** How often Flink was, or may have been, asked. */
  disposals: number;
  /** One of these has, or may have, deleted a part of it. */
  mayHaveBegun: boolean;
  /** What Flink was asked to dispose of last; null: it was not asked. */
  location: string | null;
  requestId: string | null;
  /** Since it was, or was about to be, asked last; null: it was not. */
  sentAgoMs: number | null;
  failedTimes: number;
  /** Since it failed last; null: it has not. */
  failedAgoMs: number | null;
  waitingFor: string | null;
  /** In a row: Flink was, or may have been, asked, and no answer came back. */
  repliesLost: number;
  /** Errors of our own in a row, and of others. */
  failures: number;
  savepoint: WhereItLies & {
    state: SavepointState;
    /** As the cluster that made it writes it. */
    location: string | null;
    sizeBytes: number | null;
    flinkVersion: string | null;
    madeBy: string | null;
    storageName: string | null;
  };
  /** Clusters that reach its storage now. */
  disposers: Disposer[];
  /** The cluster that was asked. */
  asked: Asked | null;
}

export interface Asked {
  name: string;
  url: string;
  /** It was removed, or is not what it was then. */
  gone: boolean;
  /** Since it is known not to answer; null: it does. */
  silentMs: number | null;
  /** How long its Flink keeps the result of what it was asked for; 0: for ever. */
  keepsResultsMs: number;
}

/** The directories that were named to Flink for savepoint `s`. */
export const ATTEMPTS = `coalesce((select jsonb_agg(jsonb_build_object('storageId', a.storage_id, 'directory', a.directory))
                                     from savepoint_attempt a where a.savepoint_id = s.id), '[]')`;

/** Whether all files of savepoint `s` lie in its folder, as far as that is known: of its `_metadata`, and of its storage. */
export const CONTAINED = `'selfContained', (select h.self_contained from snapshot_contents h where h.savepoint_id = s.id),
  'injectsEntropy', coalesce((select g.injects_entropy from storage g where g.id = s.storage_id), false)`;

/** null: the claim is not held any more. */
export async function deletionAtWork(sql: Sql, claim: Claim): Promise<DeletionAtWork | null> {
  const row = await sql.row<{ work: DeletionAtWork }>(
    `select jsonb_build_object('id', d.id, 'deploymentId', d.deployment_id, 'jobId', s.job_id, 'state', d.state, 'clusterId', d.cluster_id,
        'disposals', d.disposals, 'mayHaveBegun', d.may_have_begun, 'location', d.location, 'requestId', d.request_id,
        'sentAgoMs', (extract(epoch from now() - d.sent_at) * 1000)::float8, 'failedTimes', d.failed_times,
        'failedAgoMs', (extract(epoch from now() - d.failed_at) * 1000)::float8, 'waitingFor', d.waiting_for, 'repliesLost', d.replies_lost, 'failures', d.failures,
        'savepoint', jsonb_build_object('state', s.state, 'kind', s.kind, 'origin', s.origin, 'verified', s.verified, 'storageId', s.storage_id,
           'path', s.path, 'location', s.location, 'sizeBytes', s.size_bytes, 'flinkVersion', s.flink_version, 'madeBy', s.cluster_id,
           'storageName', t.name, 'attempts', ${ATTEMPTS}, ${CONTAINED}),
        'disposers', coalesce((select jsonb_agg(jsonb_build_object('clusterId', c.id, 'name', c.name, 'url', c.url, 'state', c.state,
                                  'flinkVersion', c.flink_version, 'processMark', c.process_mark, 'uri', r.uri))
                                from storage_root r join cluster c on c.id = r.cluster_id
                               where r.storage_id = s.storage_id and r.left_at is null and c.removed_at is null), '[]'),
        'asked', (select jsonb_build_object('name', c.name, 'url', c.url, 'gone', c.removed_at is not null or coalesce(c.replaced_at > d.sent_at, false),
                     'silentMs', case when c.state = 'UNREACHABLE' then (extract(epoch from now() - c.state_since) * 1000)::float8 end,
                     'keepsResultsMs', c.async_store_duration_ms)
                    from cluster c where c.id = d.cluster_id)) as work
       from deletion d
       join savepoint s on s.id = d.id
       left join storage t on t.id = s.storage_id
      where d.id = $1 and d.claim = $2`,
    [claim.id, claim.claim],
  );
  return row?.work ?? null;
}

/** What Flink was asked for, and has not told the end of. */
export interface Disposal {
  location: string;
  askedAt: Date;
  /** The cluster that is asked for the end. */
  clusterName: string | null;
  /** Nobody can tell the end any more: it counts as under way until then. */
  untoldUntil: Date | null;
}

/** null: Flink has told the end of all that it was asked for, or has had the time to come to it. */
export const disposalUnderWay = (sql: Sql, id: string) =>
  sql.row<Disposal>(
    `select d.location, d.sent_at as "askedAt", case when d.state = 'DISPOSING' then c.name end as "clusterName",
            case when d.state <> 'DISPOSING' then d.untold_until end as "untoldUntil"
       from deletion d left join cluster c on c.id = d.cluster_id
      where d.id = $1 and (d.state = 'DISPOSING' or d.untold_until > now())`,
    [id],
  );

/** How long Flink keeps a result where it was not told otherwise; and where it was told to keep it for ever, since its process may be gone. */
export const KEPT_BY_DEFAULT_MS = 300_000;

/** The end of what its cluster was asked for last is not told any more. The caller has just written to the row under its claim. */
export const leaveUntold = (tx: Transaction, id: string) =>
  tx.changed(
    `update deletion d set untold_until = greatest(d.untold_until, d.sent_at + interval '1 ms' *
        coalesce((select nullif(c.async_store_duration_ms, 0) from cluster c where c.id = d.cluster_id), $2))
      where d.id = $1`,
    [id, KEPT_BY_DEFAULT_MS],
  );

/** Before its deletion's row in the order of locks: whoever would retry or forget it waits. */
export const lockSavepointRow = (tx: Transaction, id: string) =>
  tx.changed('select 1 from savepoint where id = $1 for no key update', [id]);

/** The savepoint of a deletion; the row is locked. */
export async function moveSavepoint(
  tx: Transaction,
  id: string,
  from: readonly SavepointState[],
  set: Record<string, unknown>,
): Promise<boolean> {
  const values: unknown[] = [id, from];
  const columns = [...assign(set, values), 'state_since = now()'];
  return (
    (await tx.changed(`update savepoint set ${columns.join(', ')} where id = $1 and state = any($2)`, values)) === 1
  );
}

/** Without a claim: taken away from whoever looks at it, whose late writes are refused. */
export const takeOver = (tx: Transaction, id: string, set: Record<string, unknown>, then: 'LOOK_NOW' | 'REST') => {
  const values: unknown[] = [id];
  const columns = assign(set, values);
  return tx.changed(
    `update deletion set ${[...columns, 'claim = claim + 1', 'claimed_until = null', `look_at = ${then === 'REST' ? 'null' : 'now()'}`].join(', ')}
      where id = $1 and state <> 'DONE'`,
    values,
  );
};
