import 'reflect-metadata';
import { Artifact } from './artifact/artifact.entity.js';
import { CompatibilityCheck } from './check/check.entity.js';
import { Cluster } from './cluster/cluster.entity.js';
import { FlinkClients } from './cluster/flink-clients.js';
import { Storage } from './cluster/storage.entity.js';
import type { Config } from './config.js';
import { Database } from './db/database.js';
import { runMigrations } from './db/migrate.js';
import { Deployment } from './deployment/deployment.entity.js';
import { Deletion } from './deletion/deletion.entity.js';
import { deletionsFollowCluster } from './deletion/follow-cluster.js';
import { Event } from './event/event.entity.js';
import { EventReader } from './event/event-reader.js';
import { EventWakeups } from './event/event-wakeups.js';
import { type ClusterFollower, inTurn } from './job/cluster-follower.js';
import { Job } from './job/job.entity.js';
import { leftBehindFollowsCluster } from './left-behind/follow-cluster.js';
import { LeftBehindDisposal } from './left-behind/left-behind.entity.js';
import type { Logger } from './logger.js';
import { openQueueTarget, type QueueTarget } from './queue/queue-target.js';
import { TaskQueue } from './queue/task-queue.js';
import { tasks } from './queue/tasks.js';
import { retentionFollowsCluster } from './retention/follow-cluster.js';
import { RetentionPolicy } from './retention/retention.entity.js';
import { stopsFollowCluster } from './run/follow-stopping.js';
import { Stop } from './run/stop.entity.js';
import { savepointsFollowCluster } from './savepoint/follow-cluster.js';
import { SavepointAttempt } from './savepoint/savepoint-attempt.entity.js';
import { Savepoint } from './savepoint/savepoint.entity.js';
import { SavepointSchedule } from './schedule/schedule.entity.js';
import { ScheduleSlot } from './schedule/slot.entity.js';
import { storageReaders } from './storage/storage-readers.js';

/** Everything that a process shares, built by hand, once. */
export interface Services {
  config: Config;
  log: Logger;
  database: Database;
  wakeups: EventWakeups;
  eventReader: EventReader;
  flinkClients: FlinkClients;
  queueTarget: QueueTarget;
  taskQueue: TaskQueue;
  /** What later nouns do about what is seen, or said, of a cluster. */
  clusterFollower: ClusterFollower;
  close(): Promise<void>;
}

const entities = [
  Artifact,
  Cluster,
  Storage,
  Deployment,
  Job,
  Savepoint,
  SavepointAttempt,
  Stop,
  SavepointSchedule,
  ScheduleSlot,
  Deletion,
  LeftBehindDisposal,
  RetentionPolicy,
  CompatibilityCheck,
  Event,
];

/** Brings the database up to date and opens everything. `close` takes it down in the reverse order. */
export async function openServices(
  config: Config,
  databaseUrl: string,
  log: Logger,
  name: 'api' | 'worker',
): Promise<Services> {
  await runMigrations(databaseUrl);
  const queueTarget = await openQueueTarget(config, databaseUrl, Object.keys(tasks).length, log);
  const database = await Database.open({
    url: databaseUrl,
    entities,
    connections: config.databaseConnections,
    applicationName: `stateward ${name}`,
  });
  const wakeups = new EventWakeups(databaseUrl, (error) =>
    log.warn({ err: error }, 'the connection for wake-ups was lost; it is being rebuilt'),
  );
  const taskQueue = new TaskQueue(queueTarget, log);
  storageReaders.useS3(config.s3);
  const flinkClients = new FlinkClients();
  return {
    config,
    log,
    database,
    wakeups,
    eventReader: new EventReader(database),
    flinkClients,
    queueTarget,
    taskQueue,
    clusterFollower: inTurn(
      savepointsFollowCluster,
      stopsFollowCluster,
      deletionsFollowCluster,
      leftBehindFollowsCluster,
      retentionFollowsCluster,
    ),
    close: async () => {
      await taskQueue.close();
      await queueTarget.close();
      await flinkClients.close();
      storageReaders.close();
      await wakeups.close();
      await database.close();
    },
  };
}
