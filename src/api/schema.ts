import 'reflect-metadata';
import { buildSchema, type NonEmptyArray } from 'type-graphql';
import type { GraphQLSchema } from 'graphql';
import { ArtifactResolver } from '../artifact/artifact.resolver.js';
import { ClusterResolver, StorageResolver, StorageRootResolver } from '../cluster/cluster.resolver.js';
import { DeploymentResolver } from '../deployment/deployment.resolver.js';
import { EventResolver } from '../event/event.resolver.js';
import { DeploymentJobsResolver, JobResolver } from '../job/job.resolver.js';
import { RunResolver } from '../run/run.resolver.js';
import { DeploymentSavepointsResolver, SavepointResolver } from '../savepoint/savepoint.resolver.js';
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
  RunResolver,
  SavepointResolver,
  DeploymentSavepointsResolver,
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
