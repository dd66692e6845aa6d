import type { ClusterState } from '../cluster/cluster.entity.js';
import type { Claim } from '../db/claims.js';
import type { Sql, Transaction } from '../db/database.js';
import { type Page, pageOf } from '../db/pages.js';
import { wakeUpFor } from '../db/wake-up.js';
import type { RunSettings } from '../deployment/run-settings.js';
import { liveJobStates } from '../job/job.lifecycle.js';
import type { RestorePoint } from '../run/restore-choice.js';
import type { Place } from '../savepoint/find-savepoint.js';
import { CompatibilityCheck } from './check.entity.js';
import { CheckState, type PlanSource } from './check.enums.js';

/** The states in which something is left to do. */
export const underWay = [CheckState.PENDING, CheckState.IN_PROGRESS];

export const checkPage = (sql: Sql, page: Page, deploymentId: string) =>
  pageOf(sql, CompatibilityCheck, 'compatibility_check', page, ['deployment_id = $1'], [deploymentId]);

export interface NewCheck {
  id: string;
  deploymentId: string | null;
  clusterId: string;
  artifactId: string;
  settings: RunSettings;
  allowNonRestoredState: boolean;
  fresh: boolean;
  point: RestorePoint;
  /** As the cluster reaches it. */
  location: string;
  why: string;
  /** null: it lies in no known storage. */
  place: Place | null;
  actor: string;
}

export async function insertCheck(tx: Transaction, check: NewCheck, lookInMs: number): Promise<void> {
  const { settings, place } = check;
  await tx.changed(
    `insert into compatibility_check (id, deployment_id, cluster_id, artifact_id, entry_class, program_arguments, parallelism, flink_configuration,
        allow_non_restored_state, fresh, state, waiting_for, point, location, why, storage_id, path, event_before, actor, look_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'PENDING', 'a worker', $11, $12, $13, $14, $15,
             (select last_event from deployment where id = $2), $16, now() + $17 * interval '1 ms')`,
    [
      check.id,
      check.deploymentId,
      check.clusterId,
      check.artifactId,
      settings.entryClass,
      settings.programArguments,
      settings.parallelism,
      JSON.stringify(settings.flinkConfiguration),
      check.allowNonRestoredState,
      check.fresh,
      JSON.stringify(check.point),
      check.location,
      check.why,
      place?.storageId ?? null,
      place?.path ?? null,
      check.actor,
      lookInMs,
    ],
  );
}

/** Everything that a step of a check needs to know, read at once; ages by the database's clock. */
export interface CheckAtWork {
  id: string;
  deployment: { id: string; name: string } | null;
  cluster: {
    id: string;
    name: string;
    url: string;
    state: ClusterState;
    processMark: string | null;
    flinkVersion: string | null;
    configuration: Record<string, string>;
  };
  artifact: { name: string; sha256: string };
  settings: RunSettings;
  allowNonRestoredState: boolean;
  fresh: boolean;
  state: CheckState;
  point: RestorePoint;
  location: string;
  why: string;
  place: Place | null;
  /** The run that made the state is live, or was when the check was accepted. */
  makerLived: boolean;
  /** null: it has not been looked at yet. */
  metadataLook: 'READ' | 'GONE' | 'NOT_READ' | null;
  /** Why it could not be read; beside READ, what of its files was not there while its job was live. */
  metadataTrouble: string | null;
  /** The plan is known, or is not to be. */
  planned: boolean;
  planSource: PlanSource | null;
  tries: number;
  /** A plan call left, or was about to, and its end is not known. */
  planSent: boolean;
  processMark: string | null;
  uploads: number;
  jarId: string | null;
  troubleForMs: number | null;
  failures: number;
}

/** null: the claim is not held any more. */
export async function checkAtWork(sql: Sql, claim: Claim): Promise<CheckAtWork | null> {
  const row = await sql.row<{ work: CheckAtWork }>(
    `select jsonb_build_object(
        'id', q.id, 'deployment', case when d.id is null then null else jsonb_build_object('id', d.id, 'name', d.name) end,
        'cluster', jsonb_build_object('id', c.id, 'name', c.name, 'url', c.url, 'state', c.state, 'processMark', c.process_mark,
                     'flinkVersion', c.flink_version, 'configuration', c.configuration),
        'artifact', jsonb_build_object('name', a.name, 'sha256', a.sha256),
        'settings', jsonb_build_object('artifactId', q.artifact_id, 'entryClass', q.entry_class, 'programArguments', to_jsonb(q.program_arguments),
                     'parallelism', q.parallelism, 'flinkConfiguration', q.flink_configuration),
        'allowNonRestoredState', q.allow_non_restored_state, 'fresh', q.fresh, 'state', q.state, 'point', q.point, 'location', q.location, 'why', q.why,
        'makerLived', exists (select 1 from job j where j.id = (q.point->>'jobId')::uuid and (j.state = any($3) or j.state_since >= q.created_at)),
        'place', case when q.storage_id is null then null else jsonb_build_object('storageId', q.storage_id, 'path', q.path) end,
        'metadataLook', q.metadata_look, 'metadataTrouble', q.metadata_trouble, 'planned', q.planned, 'planSource', q.plan_source,
        'tries', q.tries, 'planSent', q.plan_sent_at is not null, 'processMark', q.process_mark, 'uploads', q.uploads, 'jarId', q.jar_id,
        'troubleForMs', (extract(epoch from now() - q.trouble_since) * 1000)::float8, 'failures', q.failures) as work
       from compatibility_check q
       join cluster c on c.id = q.cluster_id
       join artifact a on a.id = q.artifact_id
       left join deployment d on d.id = q.deployment_id
      where q.id = $1 and q.claim = $2`,
    [claim.id, claim.claim, liveJobStates],
  );
  return row?.work ?? null;
}

/** Wakes whoever waits for the end of a check, when the transaction commits. */
export const wakeWaiters = (tx: Transaction, id: string) => tx.rows(wakeUpFor(`select 'check:' || $1::text`), [id]);
