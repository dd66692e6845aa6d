import { createUnionType, Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { IdempotencyKeyReused, InvalidInput, NameTaken, NotFound, UserError } from '../api/user-error.js';
import { Cluster } from './cluster.entity.js';
import type { Holders } from './cluster.store.js';

@InputType({ description: 'A Flink cluster to be followed, by the REST address of its JobManager.' })
export class RegisterClusterInput {
  @Field(() => String, { description: 'Unique among clusters; 1 to 100 characters.' })
  name!: string;

  @Field(() => String, {
    description: 'REST address of the JobManager: http(s)://host:port[/prefix], without credentials.',
  })
  url!: string;

  @Field(() => Boolean, {
    defaultValue: false,
    description: 'Register it although it does not answer now; it is read when it does.',
  })
  force!: boolean;

  @Field(() => Int, { defaultValue: 4, description: 'How many savepoints may be in flight there at once, 1 to 1000.' })
  savepointBudget!: number;

  @Field(() => String, {
    nullable: true,
    description: 'The same key and input within 24 h answer with the same cluster.',
  })
  idempotencyKey?: string | null;
}

@InputType({ description: 'What of a cluster is changed; fields that are left out stay. It is read anew in any case.' })
export class UpdateClusterInput {
  @Field(() => ID, { description: 'The cluster to change.' })
  clusterId!: string;

  @Field(() => String, { nullable: true, description: 'Its new name, unique among clusters; 1 to 100 characters.' })
  name?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'The address by which the same cluster is reached from now on. One that answers with other storage roots makes it CHANGED.',
  })
  url?: string | null;

  @Field(() => Int, { nullable: true, description: 'How many savepoints may be in flight there at once, 1 to 1000.' })
  savepointBudget?: number | null;

  @Field(() => Boolean, { defaultValue: false, description: 'Take a new address although nothing answers there now.' })
  force!: boolean;

  @Field(() => String, {
    nullable: true,
    description: 'The same key and input within 24 h answer with the same cluster.',
  })
  idempotencyKey?: string | null;
}

export enum ClusterIdentity {
  SAME = 'SAME',
  REPLACED = 'REPLACED',
}
registerEnumType(ClusterIdentity, {
  name: 'ClusterIdentity',
  description: 'What a cluster is that answers with another configuration than recorded.',
  valuesConfig: {
    SAME: {
      description:
        'The same cluster, configured anew: its new roots become further storages, the old ones stay, and its jobs go on.',
    },
    REPLACED: {
      description:
        'Another cluster at the same address: the live jobs of the old one end as FAILED, CLUSTER_REPLACED; it reaches none of its storages, and gets new ones.',
    },
  },
});

@InputType({ description: 'What a CHANGED cluster is, by the word of a person.' })
export class ConfirmClusterInput {
  @Field(() => ID, { description: 'The cluster that is CHANGED.' })
  clusterId!: string;

  @Field(() => ClusterIdentity, { description: 'Whether it is the same one. Look at its event CLUSTER_CHANGED first.' })
  identity!: ClusterIdentity;

  @Field(() => String, {
    nullable: true,
    description: 'The same key and input within 24 h answer with the same cluster.',
  })
  idempotencyKey?: string | null;
}

@InputType({ description: 'A cluster that is not to be asked any more.' })
export class RemoveClusterInput {
  @Field(() => ID, { description: 'The cluster to remove; nothing may need it any more.' })
  clusterId!: string;

  @Field(() => String, {
    nullable: true,
    description: 'The same key and input within 24 h answer with the same cluster.',
  })
  idempotencyKey?: string | null;
}

@ObjectType({ implements: UserError, description: 'Declined: this address is registered; use that cluster.' })
export class ClusterAlreadyRegistered extends UserError {
  override readonly code = 'CLUSTER_ALREADY_REGISTERED' as const;
  override readonly message: string;

  @Field(() => ID, { description: 'The cluster that has this address.' })
  readonly clusterId: string;

  constructor(cluster: Pick<Cluster, 'id' | 'name' | 'url'>) {
    super();
    this.clusterId = cluster.id;
    this.message = `${cluster.url} is registered already as cluster "${cluster.name}" (${cluster.id}). Use that one.`;
  }
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: the address did not answer as a Flink; the message says what came back. Correct it, or say force: true.',
})
export class ClusterUnreachable extends UserError {
  override readonly code = 'CLUSTER_UNREACHABLE' as const;
  override readonly message: string;

  constructor(reason: string, remedy = 'Correct the address, or say force: true to have it read when it answers.') {
    super();
    this.message = `${reason} ${remedy}`;
  }

  /** Where only what it answers now can be confirmed. */
  static whenAsked(reason: string): ClusterUnreachable {
    return new ClusterUnreachable(reason, 'What a cluster is can only be confirmed while it answers: try again then.');
  }
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: the cluster answers with other storage roots or another high-availability id than recorded; its event CLUSTER_CHANGED names both. Say with confirmCluster whether it is the SAME or was REPLACED, or bring the recorded configuration back.',
})
export class ClusterChanged extends UserError {
  override readonly code = 'CLUSTER_CHANGED' as const;
  override readonly message: string;

  @Field(() => ID, { description: 'The cluster that has changed.' })
  readonly clusterId: string;

  constructor(cluster: Pick<Cluster, 'id' | 'name'>) {
    super();
    this.clusterId = cluster.id;
    this.message =
      `Cluster "${cluster.name}" answers with other storage roots or another high-availability id than recorded. ` +
      'Nothing is started or triggered there until you say what it is: see its event CLUSTER_CHANGED, then call confirmCluster with SAME or REPLACED, or bring the recorded configuration back.';
  }
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: the cluster has no execution.checkpointing.savepoint-dir. Set it and restart the JobManager; it is read within a minute, or at once with updateCluster.',
})
export class NoSavepointRoot extends UserError {
  override readonly code = 'NO_SAVEPOINT_ROOT' as const;
  override readonly message: string;

  @Field(() => ID, { description: 'The cluster whose configuration lacks it.' })
  readonly clusterId: string;

  constructor(cluster: Pick<Cluster, 'id' | 'name'>) {
    super();
    this.clusterId = cluster.id;
    this.message =
      `Cluster "${cluster.name}" has no place for savepoints. Set execution.checkpointing.savepoint-dir in its Flink configuration and ` +
      'restart its JobManager; Stateward reads it within a minute, or at once when updateCluster is called.';
  }
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: the cluster answers with what is recorded of it, so there is nothing to confirm. Nothing to do.',
})
export class ClusterNotChanged extends UserError {
  override readonly code = 'CLUSTER_NOT_CHANGED' as const;
  override readonly message: string;

  @Field(() => ID, { description: 'The cluster that was asked.' })
  readonly clusterId: string;

  constructor(cluster: Pick<Cluster, 'id' | 'name'>) {
    super();
    this.clusterId = cluster.id;
    this.message = `Cluster "${cluster.name}" answers with the storage roots and the high-availability id that are recorded of it: there is nothing to confirm.`;
  }
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: something needs the cluster. Delete its deployments, and wait for or give up what is under way there.',
})
export class ClusterInUse extends UserError {
  override readonly code = 'CLUSTER_IN_USE' as const;
  override readonly message: string;

  @Field(() => [ID], { description: 'Deployments that are not deleted; the first 20.' })
  readonly deploymentIds: string[];

  @Field(() => [ID], { description: 'Live runs; the first 20.' })
  readonly jobIds: string[];

  @Field(() => [ID], { description: 'Savepoints under way; the first 20.' })
  readonly savepointIds: string[];

  constructor(cluster: Pick<Cluster, 'name'>, { deployments, jobs, savepoints }: Holders) {
    super();
    this.deploymentIds = deployments.ids;
    this.jobIds = jobs.ids;
    this.savepointIds = savepoints.ids;
    this.message =
      `Cluster "${cluster.name}" is in use: ${deployments.count} deployments, ${jobs.count} live runs, ${savepoints.count} savepoints under way. ` +
      'Stop and delete the deployments (deleteDeployment) or move them to another cluster (updateDeployment), and give up what is not waited for any more (abandonSavepoint).';
  }
}

export const RegisterClusterResult = createUnionType({
  name: 'RegisterClusterResult',
  description: 'The cluster that was registered, or why it was not.',
  types: () =>
    [Cluster, InvalidInput, NameTaken, ClusterAlreadyRegistered, ClusterUnreachable, IdempotencyKeyReused] as const,
});
export type RegisterClusterResult = typeof RegisterClusterResult;

export const UpdateClusterResult = createUnionType({
  name: 'UpdateClusterResult',
  description: 'The cluster as it is now, or why it was not changed.',
  types: () =>
    [
      Cluster,
      NotFound,
      InvalidInput,
      NameTaken,
      ClusterAlreadyRegistered,
      ClusterUnreachable,
      IdempotencyKeyReused,
    ] as const,
});
export type UpdateClusterResult = typeof UpdateClusterResult;

export const ConfirmClusterResult = createUnionType({
  name: 'ConfirmClusterResult',
  description: 'The cluster, which is used again, or why nothing was confirmed.',
  types: () => [Cluster, NotFound, ClusterNotChanged, ClusterUnreachable, IdempotencyKeyReused] as const,
});
export type ConfirmClusterResult = typeof ConfirmClusterResult;

export const RemoveClusterResult = createUnionType({
  name: 'RemoveClusterResult',
  description: 'The cluster that was removed, kept for its history, or why it was not.',
  types: () => [Cluster, NotFound, ClusterInUse, IdempotencyKeyReused] as const,
});
export type RemoveClusterResult = typeof RemoveClusterResult;
