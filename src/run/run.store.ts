import type { ClusterState } from '../cluster/cluster.entity.js';
import type { Claim } from '../db/claims.js';
import type { Sql, Transaction } from '../db/database.js';
import type { Job, JobState } from '../job/job.entity.js';
import type { StateLookResult } from './state-finding.js';

export async function insertJob(
  tx: Transaction,
  job: Pick<
    Job,
    | 'id'
    | 'deploymentId'
    | 'clusterId'
    | 'run'
    | 'flinkJobId'
    | 'strategy'
    | 'artifactId'
    | 'entryClass'
    | 'programArguments'
    | 'parallelism'
    | 'flinkConfiguration'
    | 'allowNonRestoredState'
    | 'allowSecondRun'
    | 'ignoreFindings'
    | 'startSavepointId'
    | 'startJobId'
    | 'startCheckpointId'
    | 'startLocation'
    | 'startTriggeredAt'
    | 'startWhy'
    | 'actor'
  > & { startWarnings: readonly object[] },
  lookInMs: number,
): Promise<void> {
  await tx.changed(
    `insert into job (id, deployment_id, cluster_id, run, flink_job_id, state, strategy, artifact_id, entry_class, program_arguments,
                      parallelism, flink_configuration, actor, waiting_for, look_at, allow_non_restored_state, allow_second_run,
                      start_savepoint_id, start_job_id, start_checkpoint_id, start_location, start_triggered_at, start_why, start_warnings, ignore_findings)
     values ($1, $2, $3, $4, $5, 'SUBMITTING', $6, $7, $8, $9, $10, $11, $12, 'a worker to submit it', now() + $13 * interval '1 ms',
             $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)`,
    [
      job.id,
      job.deploymentId,
      job.clusterId,
      job.run,
      job.flinkJobId,
      job.strategy,
      job.artifactId,
      job.entryClass,
      job.programArguments,
      job.parallelism,
      JSON.stringify(job.flinkConfiguration),
      job.actor,
      lookInMs,
      job.allowNonRestoredState,
      job.allowSecondRun,
      job.startSavepointId,
      job.startJobId,
      job.startCheckpointId,
      job.startLocation,
      job.startTriggeredAt,
      job.startWhy,
      JSON.stringify(job.startWarnings),
      job.ignoreFindings,
    ],
  );
}

/** Everything that a step of a submission needs to know, read at once; ages by the database's clock. */
export interface SubmissionAtWork {
  id: string;
  deploymentId: string;
  deploymentName: string;
  run: number;
  state: JobState;
  flinkJobId: string;
  submission: number;
  jarId: string | null;
  entryClass: string | null;
  programArguments: string[];
  parallelism: number | null;
  flinkConfiguration: Record<string, string>;
  /** null: without state. */
  startLocation: string | null;
  /** The savepoint of ours that lies there, or what a run of ours has left. */
  startSavepointId: string | null;
  startJobId: string | null;
  startCheckpointId: number | null;
  allowNonRestoredState: boolean;
  allowSecondRun: boolean;
  ignoreFindings: boolean;
  /** How its state was found, and how long ago; null: it was not looked at yet. */
  stateLook: { result: StateLookResult; why: string | null } | null;
  stateLookedAgoMs: number | null;
  /** How long it has waited for a place among the looks of a worker. */
  stateLookAwaitedMs: number | null;
  /** A stop was accepted: nothing is submitted any more. */
  stopId: string | null;
  /** Since the run call left, or was about to; null before it. */
  runSentAgoMs: number | null;
  processMark: string | null;
  failures: number;
  cluster: {
    id: string;
    name: string;
    url: string;
    state: ClusterState;
    flinkVersion: string | null;
    processMark: string | null;
  };
  artifact: { name: string; sha256: string } | null;
}

/** null: the claim is not held any more. */
export async function submissionAtWork(sql: Sql, claim: Claim): Promise<SubmissionAtWork | null> {
  const row = await sql.row<{ work: SubmissionAtWork }>(
    `select jsonb_build_object(
        'id', j.id, 'deploymentId', j.deployment_id, 'deploymentName', d.name, 'run', j.run, 'state', j.state, 'flinkJobId', j.flink_job_id,
        'submission', j.submission, 'jarId', j.jar_id, 'entryClass', j.entry_class, 'programArguments', to_jsonb(j.program_arguments),
        'parallelism', j.parallelism, 'flinkConfiguration', j.flink_configuration, 'startLocation', j.start_location,
        'startSavepointId', j.start_savepoint_id, 'startJobId', j.start_job_id, 'startCheckpointId', j.start_checkpoint_id,
        'allowNonRestoredState', j.allow_non_restored_state, 'allowSecondRun', j.allow_second_run, 'ignoreFindings', j.ignore_findings,
        'stateLook', j.state_look, 'stateLookedAgoMs', (extract(epoch from now() - j.state_looked_at) * 1000)::float8,
        'stateLookAwaitedMs', (extract(epoch from now() - j.state_look_awaited_since) * 1000)::float8,
        'stopId', (select s.id from stop s where s.job_id = j.id and s.state in ('WAITING', 'IN_PROGRESS')),
        'runSentAgoMs', (extract(epoch from now() - j.run_sent_at) * 1000)::float8, 'processMark', j.process_mark, 'failures', j.failures,
        'cluster', jsonb_build_object('id', c.id, 'name', c.name, 'url', c.url, 'state', c.state, 'flinkVersion', c.flink_version, 'processMark', c.process_mark),
        'artifact', case when a.id is null then null else jsonb_build_object('name', a.name, 'sha256', a.sha256) end) as work
       from job j
       join deployment d on d.id = j.deployment_id
       join cluster c on c.id = j.cluster_id
       left join artifact a on a.id = j.artifact_id
      where j.id = $1 and j.claim = $2`,
    [claim.id, claim.claim],
  );
  return row?.work ?? null;
}
