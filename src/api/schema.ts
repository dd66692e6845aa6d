import 'reflect-metadata';
import { buildSchema, type NonEmptyArray } from 'type-graphql';
import type { GraphQLSchema } from 'graphql';
import { ArtifactResolver } from '../artifact/artifact.resolver.js';
import { CheckedSnapshotResolver, CheckResolver, DeploymentChecksResolver } from '../check/check.resolver.js';
import {
  CheckpointConnectionResolver,
  CheckpointGapResolver,
  CheckpointResolver,
  DeploymentCheckpointsResolver,
  LeftBehindResolver,
} from '../checkpoint/checkpoint.resolver.js';
import { JobLineageResolver, SavepointStateResolver, StartedFromResolver } from '../checkpoint/lineage.resolver.js';
import { DeploymentOverviewResolver } from '../checkpoint/overview.resolver.js';
import { ClusterResolver } from '../cluster/cluster.resolver.js';
import { StorageResolver, StorageRootResolver } from '../cluster/storage.resolver.js';
import {
  CheckpointDeletionResolver,
  DeletionAnswerResolver,
  DeletionResolver,
  SavepointDeletionResolver,
  SavepointProtectionResolver,
} from '../deletion/deletion.resolver.js';
import { StateBytesResolver } from '../deletion/state-bytes.resolver.js';
import { DeploymentUidsResolver } from '../compatibility/uid-report.resolver.js';
import { DeploymentResolver } from '../deployment/deployment.resolver.js';
import { DriftEntryResolver, DriftPageResolver, DriftResolver, DriftStorageResolver } from '../drift/drift.resolver.js';
import { EventResolver } from '../event/event.resolver.js';
import { EndingsResolver } from '../job/endings.resolver.js';
import { DeploymentParametersResolver } from '../job/deployment-parameters.resolver.js';
import { DeploymentJobsResolver, JobResolver } from '../job/job.resolver.js';
import {
  JobLeftBehindResolver,
  LeftBehindDisposalResolver,
  LeftBehindDisposalsResolver,
} from '../left-behind/left-behind.resolver.js';
import { DeleteDeploymentResolver } from '../retention/delete-deployment.resolver.js';
import {
  DeploymentRetentionResolver,
  GoingLeftBehindResolver,
  GoingSavepointResolver,
  KeptLeftBehindResolver,
  KeptSavepointResolver,
  RetentionResolver,
  SavepointRetentionResolver,
} from '../retention/retention.resolver.js';
import { JobStartLooksResolver } from '../run/start-looks.resolver.js';
import { AdoptionResolver, PlannedStateResolver, RunResolver } from '../run/run.resolver.js';
import { DeploymentStopsResolver, StopResolver } from '../run/stop.resolver.js';
import { SavepointFingerprintResolver, SnapshotFingerprintResolver } from '../savepoint/fingerprint.resolver.js';
import { DeploymentSavepointsResolver, SavepointResolver } from '../savepoint/savepoint.resolver.js';
import { SavepointPlacesResolver } from '../savepoint/savepoint-places.resolver.js';
import { ScheduleResolver } from '../schedule/schedule.resolver.js';
import {
  DeploymentScheduleResolver,
  OverviewScheduleResolver,
  SavepointScheduleResolver,
  ScheduleSlotResolver,
} from '../schedule/schedule-places.resolver.js';
import type { Services } from '../services.js';
import { DateTime } from './scalars.js';

type ResolverClass = new (services: Services) => object;
const resolvers: NonEmptyArray<ResolverClass> = [
  ClusterResolver,
  StorageResolver,
  StorageRootResolver,
  ArtifactResolver,
  DeploymentResolver,
  JobResolver,
  DeploymentJobsResolver,
  DeploymentParametersResolver,
  EndingsResolver,
  RunResolver,
  PlannedStateResolver,
  AdoptionResolver,
  JobStartLooksResolver,
  DeploymentUidsResolver,
  StopResolver,
  DeploymentStopsResolver,
  CheckResolver,
  CheckedSnapshotResolver,
  DeploymentChecksResolver,
  SavepointResolver,
  DeploymentSavepointsResolver,
  SavepointPlacesResolver,
  SavepointFingerprintResolver,
  SnapshotFingerprintResolver,
  CheckpointResolver,
  CheckpointConnectionResolver,
  CheckpointGapResolver,
  DeploymentCheckpointsResolver,
  LeftBehindResolver,
  DeploymentOverviewResolver,
  ScheduleResolver,
  ScheduleSlotResolver,
  DeploymentScheduleResolver,
  SavepointScheduleResolver,
  OverviewScheduleResolver,
  DeletionResolver,
  DeletionAnswerResolver,
  SavepointProtectionResolver,
  SavepointDeletionResolver,
  CheckpointDeletionResolver,
  StateBytesResolver,
  JobLeftBehindResolver,
  LeftBehindDisposalResolver,
  LeftBehindDisposalsResolver,
  RetentionResolver,
  DeleteDeploymentResolver,
  GoingSavepointResolver,
  KeptSavepointResolver,
  GoingLeftBehindResolver,
  KeptLeftBehindResolver,
  DeploymentRetentionResolver,
  SavepointRetentionResolver,
  JobLineageResolver,
  StartedFromResolver,
  SavepointStateResolver,
  DriftResolver,
  DriftPageResolver,
  DriftStorageResolver,
  DriftEntryResolver,
  EventResolver,
];

/** Without services the schema can be printed, not asked. */
export function createSchema(services?: Services): Promise<GraphQLSchema> {
  const instances = new Map<unknown, object>();
  const instanceOf = (type: ResolverClass): object => {
    let instance = instances.get(type);
    if (!instance) instances.set(type, (instance = new type(services as Services)));
    return instance;
  };
  return buildSchema({
    resolvers,
    validate: false, // inputs are checked by the use cases, whose refusals name the field and the remedy
    scalarsMap: [{ type: Date, scalar: DateTime }],
    container: { get: (type) => instanceOf(type as ResolverClass) },
    // Subscriptions read our own tables; type-graphql insists on one all the same.
    pubSub: {
      publish: () => undefined,
      subscribe: () => {
        throw new Error('Subscriptions read the event table.');
      },
    },
  });
}
