import type { ClusterState } from '../cluster/cluster.entity.js';
import type { Claim } from '../db/claims.js';
import type { Sql, Transaction } from '../db/database.js';
import { type Page, pageOf } from '../db/pages.js';
import type { SavepointFormat } from '../deployment/savepoint-format.js';
import type { CheckpointConfig } from '../flink/flink.types.js';
import type { JobFailureCode, JobState } from '../job/job.entity.js';
import type { SavepointFailureCode, SavepointState } from '../savepoint/savepoint.enums.js';
import type { RemainingState, StartState } from './state-at-cancel.js';
import { Stop } from './stop.entity.js';
import { StopFailureCode, type StopMode, StopOutcome, type StopState, type WhenSavepointRuns } from './stop.enums.js';

const underWay = `state in ('WAITING', 'IN_PROGRESS')`;

export const stopPage = (sql: Sql, page: Page, deploymentId: string) =>
  pageOf(sql, Stop, 'stop', page, ['deployment_id = $1'], [deploymentId]);

/** The one under way of a run, locked. */
export const lockStopOf = (tx: Transaction, jobId: string) =>
  tx.entity(Stop, `select * from stop where job_id = $1 and ${underWay} for no key update`, [jobId]);

export async function insertStop(
  tx: Transaction,
  s: Pick<
    Stop,
    | 'id'
    | 'deploymentId'
    | 'jobId'
    | 'clusterId'
    | 'mode'
    | 'state'
    | 'waitingFor'
    | 'format'
    | 'description'
    | 'whenSavepointRuns'
    | 'cancelIfYoungerMs'
    | 'acceptStateLoss'
    | 'waitsForSavepointId'
    | 'actor'
  >,
  lookInMs: number,
): Promise<void> {
  await tx.changed(
    `insert into stop (id, deployment_id, job_id, cluster_id, mode, state, waiting_for, format, description, when_savepoint_runs,
                       cancel_if_younger_ms, accept_state_loss, waits_for_savepoint_id, actor, look_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, now() + $15 * interval '1 ms')`,
    [
      s.id,
      s.deploymentId,
      s.jobId,
      s.clusterId,
      s.mode,
      s.state,
      s.waitingFor,
      s.format,
      s.description,
      s.whenSavepointRuns,
      s.cancelIfYoungerMs,
      s.acceptStateLoss,
      s.waitsForSavepointId,
      s.actor,
      lookInMs,
    ],
  );
}

/** A later stop takes its place: taken away from whoever looks at it. */
export async function supersede(tx: Transaction, id: string, message: string): Promise<void> {
  await tx.changed(
    `update stop set state = 'FAILED', state_since = now(), ended_at = now(), outcome = $2, failure_code = $3, failure_message = $4,
            waiting_for = null, claim = claim + 1, claimed_until = null, look_at = null
      where id = $1 and ${underWay}`,
    [id, StopOutcome.CANCELLED_INSTEAD, StopFailureCode.SUPERSEDED, message],
  );
}

/** The stops under way of a run, or of all runs of a cluster, are due now. */
export async function wakeStops(tx: Transaction, of: { jobId: string } | { clusterId: string }): Promise<void> {
  const [column, id] = 'jobId' in of ? ['job_id', of.jobId] : ['cluster_id', of.clusterId];
  await tx.rows(
    `with woken as (update stop set wakes = wakes + 1, look_at = least(look_at, now())
                     where ${column} = $1 and ${underWay} and look_at is not null returning 1)
     select pg_notify('stateward', 'due') from woken limit 1`,
    [id],
  );
}

/** What is recorded of a run that a cancel would end. */
export interface RecordedState {
  /** null: not observed yet. */
  checkpointing: CheckpointConfig | null;
  /** The newest completed one; on the JobManager's clock, in epoch ms. */
  completed: { triggeredAt: number; location: string | null } | null;
  startState: StartState;
  /** The newest that would remain whatever a cancel deletes. */
  remaining: RemainingState | null;
}

const epochOf = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

/** What a run was started from is gone when a savepoint of ours is not COMPLETED any more, or its data were seen to be missing. */
const START_STATE = `case when j.start_location is null then 'NONE'
   when exists (select 1 from savepoint s where s.id = j.start_savepoint_id and (s.state <> 'COMPLETED' or s.data in ('MISSING', 'DAMAGED'))) then 'GONE'
   when exists (select 1 from retained_checkpoint r where r.job_id = j.start_job_id and r.flink_checkpoint_id = j.start_checkpoint_id and r.data = 'MISSING') then 'GONE'
   else 'EXISTS' end`;

export async function recordedState(sql: Sql, jobId: string): Promise<RecordedState> {
  const row = await sql.row<{ recorded: RecordedState }>(
    `select jsonb_build_object(
        'checkpointing', j.checkpointing,
        'completed', case when a.last_completed_triggered_at is null then null else jsonb_build_object(
           'triggeredAt', ${epochOf('a.last_completed_triggered_at')}, 'location', a.last_completed_location) end,
        'startState', ${START_STATE},
        'remaining', (select jsonb_build_object('what', r.what, 'location', r.location,
                              'ageMs', round(greatest(0, ${epochOf('now()')} + coalesce(c.clock_offset_ms, 0) - ${epochOf('r.triggered_at')})))
                        from (select 'savepoint ' || s.id as what, s.location, s.triggered_at from savepoint s
                               where s.job_id = j.id and s.state = 'COMPLETED' and s.origin <> 'IMPORTED' and s.data not in ('MISSING', 'DAMAGED')
                                 and not s.drained and s.location is not null
                              union all
                              select 'the state that it was started from', j.start_location, j.start_triggered_at where ${START_STATE} = 'EXISTS') r
                       order by r.triggered_at desc nulls last limit 1)) as recorded
       from job j join cluster c on c.id = j.cluster_id left join job_checkpoints a on a.job_id = j.id
      where j.id = $1`,
    [jobId],
  );
  if (!row) throw new Error(`Job ${jobId} has vanished`);
  return row.recorded;
}

/** Everything that a step of a stop needs to know, read at once; ages by the database's clock. */
export interface StopAtWork {
  id: string;
  deploymentId: string;
  deploymentName: string;
  mode: StopMode;
  state: StopState;
  stateAgeMs: number;
  /** Since it was accepted. */
  ageMs: number;
  format: SavepointFormat | null;
  description: string | null;
  whenSavepointRuns: WhenSavepointRuns;
  cancelIfYoungerMs: number | null;
  acceptStateLoss: boolean;
  actor: string;
  /** Since the last cancel left, or was about to; null: none. */
  cancelSentAgoMs: number | null;
  cancels: number;
  failures: number;
  waitingFor: string | null;
  /** The one that was running when it was accepted. */
  waitsFor: { id: string; state: SavepointState } | null;
  savepoint: {
    id: string;
    state: SavepointState;
    stateAgeMs: number;
    location: string | null;
    stopFailedAfter: boolean;
    failureCode: SavepointFailureCode | null;
    failureMessage: string | null;
    failureRootCause: string | null;
    /** Of the first call, on the JobManager's clock; null before it. */
    sentAt: number | null;
    /** The JobManager process that was asked is the one that answers. */
    sameProcess: boolean;
  } | null;
  job: {
    id: string;
    run: number;
    flinkJobId: string;
    state: JobState;
    /** Flink has taken it. */
    submitted: boolean;
    started: boolean;
    failureCode: JobFailureCode | null;
    startLocation: string | null;
    failureMessage: string | null;
    failureRootCause: string | null;
  };
  cluster: { id: string; name: string; url: string; state: ClusterState; configuration: Record<string, string> };
}

const ageOf = (column: string) => `(extract(epoch from now() - ${column}) * 1000)::float8`;

/** null: the claim is not held any more. */
export async function stopAtWork(sql: Sql, claim: Claim): Promise<StopAtWork | null> {
  const row = await sql.row<{ work: StopAtWork }>(
    `select jsonb_build_object(
        'id', s.id, 'deploymentId', s.deployment_id, 'deploymentName', d.name, 'mode', s.mode, 'state', s.state, 'stateAgeMs', ${ageOf('s.state_since')}, 'ageMs', ${ageOf('s.created_at')},
        'format', s.format, 'description', s.description, 'whenSavepointRuns', s.when_savepoint_runs, 'cancelIfYoungerMs', s.cancel_if_younger_ms,
        'acceptStateLoss', s.accept_state_loss, 'actor', s.actor, 'cancelSentAgoMs', ${ageOf('s.cancel_sent_at')}, 'cancels', s.cancels,
        'failures', s.failures, 'waitingFor', s.waiting_for,
        'waitsFor', case when w.id is null then null else jsonb_build_object('id', w.id, 'state', w.state) end,
        'savepoint', case when p.id is null then null else jsonb_build_object(
            'id', p.id, 'state', p.state, 'stateAgeMs', ${ageOf('p.state_since')}, 'location', p.location, 'stopFailedAfter', p.stop_failed_after,
            'failureCode', p.failure_code, 'failureMessage', p.failure_message, 'failureRootCause', p.failure_root_cause,
            'sentAt', ${epochOf('a.sent_at')} + coalesce(c.clock_offset_ms, 0),
            'sameProcess', a.process_mark is not distinct from c.process_mark) end,
        'job', jsonb_build_object('id', j.id, 'run', j.run, 'flinkJobId', j.flink_job_id, 'state', j.state, 'submitted', j.submitted_at is not null,
            'started', j.started_at is not null,
            'startLocation', j.start_location, 'failureCode', j.failure_code, 'failureMessage', j.failure_message, 'failureRootCause', j.failure_root_cause),
        'cluster', jsonb_build_object('id', c.id, 'name', c.name, 'url', c.url, 'state', c.state, 'configuration', c.configuration)) as work
       from stop s
       join deployment d on d.id = s.deployment_id
       join job j on j.id = s.job_id
       join cluster c on c.id = s.cluster_id
       left join savepoint w on w.id = s.waits_for_savepoint_id
       left join savepoint p on p.id = s.savepoint_id
       left join savepoint_attempt a on a.savepoint_id = p.id and a.number = p.attempt
      where s.id = $1 and s.claim = $2`,
    [claim.id, claim.claim],
  );
  return row?.work ?? null;
}
