import { Field, ID, ObjectType } from 'type-graphql';
import { SafeInt } from '../api/scalars.js';

@ObjectType({ description: 'An operator of a snapshot.' })
export class StatefulOperator {
  @Field(() => ID, { description: '32 hex characters; the hash of its uid, where it has one.' })
  id!: string;

  @Field(() => String, { nullable: true, description: 'Null where none was given, or Flink (before 2.0) wrote none.' })
  name!: string | null;

  @Field(() => String, { nullable: true, description: 'Null where none was given, or Flink (before 2.0) wrote none.' })
  uid!: string | null;

  @Field(() => SafeInt, { description: 'Bytes of its state in that snapshot.' })
  stateBytes!: number;
}
