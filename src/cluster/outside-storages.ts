import { Field, ObjectType } from 'type-graphql';
import { UserError } from '../api/user-error.js';

@ObjectType({
  implements: UserError,
  description:
    'Declined: the location lies below no root that the cluster reaches; the message names them. Correct it, or tell of the storage with createStorage.',
})
export class OutsideStorages extends UserError {
  override readonly code = 'OUTSIDE_STORAGES' as const;
  override readonly message: string;

  @Field(() => [String], { description: 'The roots that are known for the cluster.' })
  readonly roots: string[];

  constructor(location: string, roots: string[]) {
    super();
    this.roots = roots;
    this.message = `${location} lies below none of the roots that are known: ${roots.length > 0 ? roots.join(', ') : 'there are none'}. Correct it, or tell of the storage with createStorage.`;
  }
}
