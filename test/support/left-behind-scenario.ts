import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { claimOne } from '../../src/db/claims.js';
import { advanceLeftBehind } from '../../src/left-behind/advance-left-behind.js';
import { sweepRetention } from '../../src/retention/sweep-retention.js';
import { deletionDeps } from './deletion-scenario.js';
import type { Data } from './graphql-client.js';
import { insertJob } from './job-rows.js';
import {
  absolute,
  checkpointProperties,
  incremental,
  metadata,
  operator,
  pair,
  relative,
  subtask,
} from './metadata-writer.js';
import type { Stateward } from './stateward.js';

export interface LeftRunRows {
  jobId: string;
  flinkJobId: string;
  /** Of its checkpoints, oldest first. */
  locations: string[];
}

const HOUR_MS = 3_600_000;
export const AFTER_MS = 24 * HOUR_MS;

export const onDisk = (location: string): string => location.replace(/^file:/, '');
export const isThere = (location: string): boolean => existsSync(onDisk(location));
/** With one slash, as Flink writes it. */
export const checkpointRootOf = (flink: FakeFlink): string =>
  (flink.checkpointRoot ?? '').replace(/^file:\/+/, 'file:/');

/** A `_metadata` as an incremental checkpoint of RocksDB has it: some of its files lie elsewhere. Writes those too. */
export function writeCheckpoint(location: string, checkpointId: number, filesElsewhere: readonly string[]): void {
  for (const file of filesElsewhere) {
    mkdirSync(dirname(onDisk(file)), { recursive: true });
    writeFileSync(onDisk(file), 'x'.repeat(100));
  }
  writeCheckpointAlone(location, checkpointId, filesElsewhere);
}

/** The same without the files elsewhere. */
export function writeCheckpointAlone(location: string, checkpointId: number, filesElsewhere: readonly string[]): void {
  mkdirSync(onDisk(location), { recursive: true });
  const shared = filesElsewhere.map((file, at) => pair(`${at}.sst`, absolute(file, 100)));
  const keyed = incremental(11, relative('own', 10), shared, []);
  writeFileSync(join(onDisk(location), 'own'), 'x'.repeat(10));
  const bytes = metadata(6, [operator(6, { subtasks: [subtask(6, { index: 0, keyed })] })], {
    checkpointId,
    properties: checkpointProperties(),
  });
  writeFileSync(join(onDisk(location), '_metadata'), bytes);
}

/** An ended run with checkpoints that share a file, on disk and as rows. */
export async function leaveBehind(
  stateward: Stateward,
  flink: FakeFlink,
  { deploymentId, clusterId }: { deploymentId: string; clusterId: string },
  { ids = [1, 2], alsoUses = [] as string[], columns = {} as Record<string, unknown> } = {},
): Promise<LeftRunRows> {
  const { database } = stateward.services;
  const jobId = await insertJob(stateward, deploymentId, clusterId, 'CANCELLED');
  const flinkJobId = jobId.replaceAll('-', '');
  const set = {
    ended_at: new Date(),
    started_at: new Date(),
    took_hold_at: new Date(),
    checkpoint_interval_ms: 1000,
    end_read_at: new Date(),
    end_read_from: 'STATISTICS',
    ...columns,
  };
  const names = Object.keys(set);
  await database.changed(`update job set ${names.map((name, at) => `${name} = $${at + 2}`).join(', ')} where id = $1`, [
    jobId,
    ...Object.values(set),
  ]);
  const directory = `${checkpointRootOf(flink)}/${flinkJobId}`;
  const locations: string[] = [];
  for (const id of ids) {
    const location = `${directory}/chk-${id}`;
    locations.push(location);
    writeCheckpoint(location, id, [`${directory}/shared/common`, `${directory}/shared/of-${id}`, ...alsoUses]);
    await database.changed(
      `insert into retained_checkpoint (job_id, deployment_id, flink_checkpoint_id, kind, triggered_at, ended_at, state_bytes, checkpointed_bytes, location, source)
       values ($1, $2, $3, 'CHECKPOINT', now(), now(), 1000, 500, $4, 'STATISTICS')`,
      [jobId, deploymentId, id, location],
    );
  }
  return { jobId, flinkJobId, locations };
}

/** The run that goes on now; `hoursAgo` it was seen to have completed its first checkpoint. */
export async function runLater(
  stateward: Stateward,
  { deploymentId, clusterId }: { deploymentId: string; clusterId: string },
  hoursAgo: number | null = 25,
): Promise<string> {
  const { database } = stateward.services;
  const jobId = await insertJob(stateward, deploymentId, clusterId, 'RUNNING');
  await database.changed(
    'update job set started_at = now(), took_hold_at = now(), checkpoint_interval_ms = 1000 where id = $1',
    [jobId],
  );
  await database.changed('update deployment set observed_at = now() where id = $1', [deploymentId]);
  if (hoursAgo !== null)
    await database.changed(
      `insert into job_checkpoints (job_id, deployment_id, looked_at, first_completed_id, first_completed_seen_at)
       values ($1, $2, now(), 7, now() - $3 * interval '1 hour')`,
      [jobId, deploymentId, hoursAgo],
    );
  return jobId;
}

/** What is read here is that storage, as a savepoint or a checkpoint that was seen in it would have proven. */
export const proveStorages = ({ services: { database } }: Stateward, clusterId: string, state = 'PROVEN') =>
  database.changed(
    `update storage set read_state = $2 where id in (select storage_id from storage_root where cluster_id = $1)`,
    [clusterId, state],
  );

export const disposePolicy = ({ services: { database } }: Stateward, deploymentId: string) =>
  database.changed(
    `insert into retention_policy (deployment_id, max_count, left_behind, actor) values ($1, 100, 'DISPOSE', 'test')
     on conflict (deployment_id) do update set left_behind = 'DISPOSE'`,
    [deploymentId],
  );

export const sweep = ({ services: { database } }: Stateward, deploymentId: string): Promise<void> =>
  sweepRetention(database, deploymentId, { afterMs: AFTER_MS });

/** Steps of the disposal of what a run has left, without waiting until it is due, until it comes to no other state. */
export async function stepsOfDisposal(stateward: Stateward, jobId: string, most = 20): Promise<void> {
  for (let step = 0; step < most; step += 1) {
    const before = await disposalNow(stateward, jobId);
    if (before === null || before.state === 'DONE' || before.state === 'FAILED') return;
    await stepOfDisposal(stateward, jobId);
    const after = await disposalNow(stateward, jobId);
    if (JSON.stringify(after) === JSON.stringify(before)) return;
  }
}

export async function stepOfDisposal(stateward: Stateward, jobId: string): Promise<void> {
  const { database, config } = stateward.services;
  const workerId = randomUUID();
  await database.changed(`update cluster_lease set owner = $1, owned_until = now() + interval '1 min'`, [workerId]);
  const claim = await claimOne(database, workerId, 'left_behind', jobId);
  if (claim) await advanceLeftBehind({ ...deletionDeps(stateward), config }, claim);
}

export async function disposalNow({ services: { database } }: Stateward, jobId: string): Promise<Data | null> {
  const row = await database.row<{ one: Data }>('select to_jsonb(l) as one from left_behind l where id = $1', [jobId]);
  if (!row) return null;
  const { look_at: _, claim: __, claimed_until: ___, ...rest } = row.one;
  return rest as Data;
}
