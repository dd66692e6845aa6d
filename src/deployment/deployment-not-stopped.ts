import { Field, ObjectType } from 'type-graphql';
import { DateTime } from '../api/scalars.js';
import { UserError } from '../api/user-error.js';
import { type Deployment, DeploymentState } from './deployment.entity.js';

const stopped: readonly DeploymentState[] = [
  DeploymentState.CANCELLED,
  DeploymentState.FINISHED,
  DeploymentState.FAILED,
];

/** Flink no longer runs it. */
export const isStopped = ({ state }: Pick<Deployment, 'state'>): boolean => stopped.includes(state);

@ObjectType({
  implements: UserError,
  description: 'Declined: this needs a stopped deployment (CANCELLED, FINISHED, FAILED). Stop it, or wait for its end.',
})
export class DeploymentNotStopped extends UserError {
  override readonly code = 'DEPLOYMENT_NOT_STOPPED' as const;
  override readonly message: string;

  @Field(() => DeploymentState, { description: 'The state that it has instead.' })
  readonly deploymentState: DeploymentState;

  @Field(() => DateTime, { description: 'Since when it has that state.' })
  readonly since: Date;

  /** `what`: what only a stopped one can be. */
  constructor(deployment: Pick<Deployment, 'name' | 'state' | 'stateSince'>, what = 'started') {
    super();
    this.deploymentState = deployment.state;
    this.since = deployment.stateSince;
    this.message = `Deployment "${deployment.name}" is ${deployment.state} since ${deployment.stateSince.toISOString()}. Only a stopped one (CANCELLED, FINISHED, FAILED) can be ${what}.`;
  }
}
