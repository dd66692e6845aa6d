import { createUnionType, Field, ID, InputType, ObjectType } from 'type-graphql';
import { IdempotencyKeyReused, InvalidInput, NameTaken, NotFound, UserError } from '../api/user-error.js';
import { ClusterChanged, ClusterUnreachable } from '../cluster/cluster.types.js';
import { Deployment } from '../deployment/deployment.entity.js';
import { EntryClassMissing } from '../deployment/deployment.types.js';
import { AmbiguousJob } from '../job/ambiguous-job.js';

@InputType({
  description:
    'A job that somebody else starts, to be brought under management: by flinkJobId, or by jobName, one of the two.',
})
export class AdoptJobInput {
  @Field(() => String, { description: 'Name of the deployment that is made for it; unique, 1 to 100 characters.' })
  name!: string;

  @Field(() => ID, { description: 'The cluster that it runs on.' })
  clusterId!: string;

  @Field(() => String, { nullable: true, description: "Flink's id of a job that runs there now." })
  flinkJobId?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'The running job with this name, now and after each restart by whoever runs it. While two have it nothing is done (AMBIGUOUS_JOB).',
  })
  jobName?: string | null;

  @Field(() => ID, {
    nullable: true,
    description:
      'Its jar, so that Stateward can start it too. Without one a start is refused with ARTIFACT_NEEDED; everything else works.',
  })
  artifactId?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "With artifactId: class whose main() builds the job. Default: the jar's Main-Class.",
  })
  entryClass?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The same key and input within 24 h answer with the same deployment.',
  })
  idempotencyKey?: string | null;
}

@ObjectType({
  implements: UserError,
  description: 'Declined: no job that runs on the cluster has this id. Look it up in Flink, or adopt by name.',
})
export class JobNotOnCluster extends UserError {
  override readonly code = 'JOB_NOT_ON_CLUSTER' as const;
  override readonly message: string;

  constructor(flinkJobId: string, clusterName: string, state: string | null) {
    super();
    this.message = `Cluster "${clusterName}" ${state === null ? `knows no job ${flinkJobId}` : `has job ${flinkJobId} as ${state}`}: only a running one can be adopted by its id. By jobName it is adopted as soon as it runs.`;
  }
}

@ObjectType({
  implements: UserError,
  description: 'Declined: the job is the current run of a deployment, or another deployment follows it. Use that one.',
})
export class JobAlreadyManaged extends UserError {
  override readonly code = 'JOB_ALREADY_MANAGED' as const;
  override readonly message: string;

  @Field(() => ID, { description: 'The deployment that manages it.' })
  readonly managedById: string;

  constructor(what: string, managedById: string, name: string) {
    super();
    this.managedById = managedById;
    this.message = `${what} is managed already, by deployment "${name}" (${managedById}). Use that one.`;
  }
}

export const AdoptJobResult = createUnionType({
  name: 'AdoptJobResult',
  description: 'The deployment that manages the job from now on, or why there is none.',
  types: () =>
    [
      Deployment,
      NotFound,
      InvalidInput,
      NameTaken,
      EntryClassMissing,
      ClusterChanged,
      ClusterUnreachable,
      JobNotOnCluster,
      JobAlreadyManaged,
      AmbiguousJob,
      IdempotencyKeyReused,
    ] as const,
});
export type AdoptJobResult = typeof AdoptJobResult;
