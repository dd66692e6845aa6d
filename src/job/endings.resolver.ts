import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { Context } from '../api/context.js';
import { ConfirmClusterInput, ConfirmClusterResult } from '../cluster/cluster.types.js';
import type { Services } from '../services.js';
import { confirmCluster } from './confirm-cluster.js';
import { declareJobLost } from './declare-lost.js';
import { DeclareJobLostInput, DeclareJobLostResult } from './declare-lost.types.js';

/** What ends runs by the word of a person. */
@Resolver()
export class EndingsResolver {
  constructor(private readonly services: Services) {}

  @Mutation(() => ConfirmClusterResult, {
    description:
      'Says of a cluster that answers with another configuration than recorded whether it is the SAME or was REPLACED. REPLACED ends the runs that are recorded as live there.',
  })
  confirmCluster(
    @Arg('input', () => ConfirmClusterInput, { description: 'Which cluster, and what it is.' })
    input: ConfirmClusterInput,
    @Ctx() { caller }: Context,
  ): Promise<ConfirmClusterResult> {
    return confirmCluster(this.services, input, caller);
  }

  @Mutation(() => DeclareJobLostResult, {
    description:
      'Ends the live run of a deployment whose cluster has been UNREACHABLE for 5 min and will not come back, as FAILED, DECLARED_LOST. Flink is not told.',
  })
  declareJobLost(
    @Arg('input', () => DeclareJobLostInput, { description: 'Which run, and how it was made sure that it is gone.' })
    input: DeclareJobLostInput,
    @Ctx() { caller }: Context,
  ): Promise<DeclareJobLostResult> {
    return declareJobLost(this.services, input, caller);
  }
}
