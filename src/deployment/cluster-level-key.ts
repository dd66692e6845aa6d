import { Field, ID, ObjectType } from 'type-graphql';
import { UserError } from '../api/user-error.js';
import type { Cluster } from '../cluster/cluster.entity.js';

@ObjectType({
  implements: UserError,
  description:
    'Declined: Flink reads this setting when a JobManager or TaskManager starts, and ignores it in the settings of a job. Remove it, or set it in the configuration of the cluster.',
})
export class ClusterLevelKey extends UserError {
  override readonly code = 'CLUSTER_LEVEL_KEY' as const;
  override readonly message: string;

  @Field(() => String, { description: 'The setting, by its name of today.' })
  readonly key: string;

  @Field(() => String, {
    nullable: true,
    description: "The cluster's own value, which holds for every job there; null: it sets none.",
  })
  readonly clusterValue: string | null;

  @Field(() => ID, { description: 'The cluster.' })
  readonly clusterId: string;

  constructor(cluster: Pick<Cluster, 'id' | 'name'>, key: string, clusterValue: string | null) {
    super();
    this.key = key;
    this.clusterValue = clusterValue;
    this.clusterId = cluster.id;
    this.message =
      `${key} is read by JobManager and TaskManagers when they start: given to a job it would do nothing. ` +
      `Cluster "${cluster.name}" has ${clusterValue === null ? 'no value of its own for it' : `"${clusterValue}"`}. ` +
      "Remove it, or set it in the cluster's configuration and restart its processes.";
  }
}
