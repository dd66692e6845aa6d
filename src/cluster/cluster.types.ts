import { createUnionType, Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { IdempotencyKeyReused, InvalidInput, NameTaken, UserError } from '../api/user-error.js';
import { Cluster } from './cluster.entity.js';

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

  constructor(reason: string) {
    super();
    this.message = `${reason} Correct the address, or say force: true to register it and have it read when it answers.`;
  }
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: the cluster answers with other storage roots or another high-availability id than recorded. Bring the recorded configuration back; its event CLUSTER_CHANGED names both.',
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
      'Nothing is started or triggered there until the recorded configuration is back: see its event CLUSTER_CHANGED.';
  }
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: the cluster has no execution.checkpointing.savepoint-dir. Set it and restart the JobManager; it is read within a minute.',
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
      'restart its JobManager; Stateward reads it within a minute.';
  }
}

export const RegisterClusterResult = createUnionType({
  name: 'RegisterClusterResult',
  description: 'The cluster that was registered, or why it was not.',
  types: () =>
    [Cluster, InvalidInput, NameTaken, ClusterAlreadyRegistered, ClusterUnreachable, IdempotencyKeyReused] as const,
});
export type RegisterClusterResult = typeof RegisterClusterResult;
