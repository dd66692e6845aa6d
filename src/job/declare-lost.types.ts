import { createUnionType, Field, ID, InputType, ObjectType } from 'type-graphql';
import { DateTime } from '../api/scalars.js';
import { IdempotencyKeyReused, InvalidInput, NotFound, UserError } from '../api/user-error.js';
import { type Cluster, ClusterState } from '../cluster/cluster.entity.js';
import type { Deployment } from '../deployment/deployment.entity.js';
import { Job } from './job.entity.js';

@InputType({ description: 'A run that a person knows to be gone, while its cluster does not answer.' })
export class DeclareJobLostInput {
  @Field(() => ID, { description: 'The deployment whose live run is gone.' })
  deploymentId!: string;

  @Field(() => Boolean, {
    description:
      'Must be true: you have made sure that nothing runs the job any more. Two runs of it would write to the same places.',
  })
  iHaveChecked!: boolean;

  @Field(() => String, { description: 'Kept in its event: how it was checked. 1 to 500 characters.' })
  reason!: string;

  @Field(() => String, { nullable: true, description: 'The same key and input within 24 h answer with the same run.' })
  idempotencyKey?: string | null;
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: the cluster has not been UNREACHABLE for 5 min, so that it may still tell by itself. Wait for it, or stop the deployment.',
})
export class ClusterNotGone extends UserError {
  override readonly code = 'CLUSTER_NOT_GONE' as const;
  override readonly message: string;

  @Field(() => ID, { description: 'The cluster of the run.' })
  readonly clusterId: string;

  @Field(() => ClusterState, { description: 'The state that it has.' })
  readonly clusterState: ClusterState;

  @Field(() => DateTime, { description: 'Since when it has that state.' })
  readonly since: Date;

  constructor(cluster: Pick<Cluster, 'id' | 'name' | 'state' | 'stateSince'>) {
    super();
    this.clusterId = cluster.id;
    this.clusterState = cluster.state;
    this.since = cluster.stateSince;
    this.message =
      `Cluster "${cluster.name}" is ${cluster.state} since ${cluster.stateSince.toISOString()}. A run can be declared lost once its cluster has been UNREACHABLE for 5 min. ` +
      (cluster.state === ClusterState.UNREACHABLE
        ? 'Ask again then, if it has not come back.'
        : cluster.state === ClusterState.CHANGED
          ? 'Say with confirmCluster what it is: REPLACED ends its runs.'
          : 'It answers, so what it does not run any more is noticed within a minute; stopDeployment ends what it runs.');
  }
}

@ObjectType({
  implements: UserError,
  description: 'Declined: the deployment has no live run, so there is none to declare lost. Nothing to do.',
})
export class NoLiveJob extends UserError {
  override readonly code = 'NO_LIVE_JOB' as const;
  override readonly message: string;

  constructor(deployment: Pick<Deployment, 'name' | 'state' | 'stateSince'>) {
    super();
    this.message = `Deployment "${deployment.name}" has no live run: it is ${deployment.state} since ${deployment.stateSince.toISOString()}.`;
  }
}

export const DeclareJobLostResult = createUnionType({
  name: 'DeclareJobLostResult',
  description: 'The run that was ended, or why it was not.',
  types: () => [Job, NotFound, InvalidInput, ClusterNotGone, NoLiveJob, IdempotencyKeyReused] as const,
});
export type DeclareJobLostResult = typeof DeclareJobLostResult;
