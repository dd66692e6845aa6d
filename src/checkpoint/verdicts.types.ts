import { Field, ObjectType } from 'type-graphql';
import { DeletionObstacle, RestoreObstacle } from './checkpoint.enums.js';
import type { Verdict } from './restorable.js';

@ObjectType({
  description: 'Whether a run can be started from a snapshot now, and if not, why not and what would unlock it.',
})
export class Restorable {
  @Field(() => Boolean, { description: 'Whether it can be restored from now.' })
  readonly canBeRestored: boolean;

  @Field(() => RestoreObstacle, { nullable: true, description: 'What stands in the way; null when it can.' })
  readonly obstacle: RestoreObstacle | null;

  @Field(() => String, { nullable: true, description: 'The same for a person; null when it can.' })
  readonly reason: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'What to do about it; null where nothing would help, or nothing is needed.',
  })
  readonly unlockedBy: string | null;

  constructor({ obstacle, reason, unlockedBy }: Verdict<RestoreObstacle>) {
    this.canBeRestored = obstacle === null;
    this.obstacle = obstacle;
    this.reason = reason;
    this.unlockedBy = unlockedBy;
  }
}

@ObjectType({
  description: 'Whether a snapshot can be deleted here now, and if not, why not and what would unlock it.',
})
export class Deletable {
  @Field(() => Boolean, { description: 'Whether it can be deleted here now.' })
  readonly canBeDeleted: boolean;

  @Field(() => DeletionObstacle, { nullable: true, description: 'What stands in the way; null when it can.' })
  readonly obstacle: DeletionObstacle | null;

  @Field(() => String, { nullable: true, description: 'The same for a person; null when it can.' })
  readonly reason: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'What to do about it; null where nothing would help, or nothing is needed.',
  })
  readonly unlockedBy: string | null;

  constructor({ obstacle, reason, unlockedBy }: Verdict<DeletionObstacle>) {
    this.canBeDeleted = obstacle === null;
    this.obstacle = obstacle;
    this.reason = reason;
    this.unlockedBy = unlockedBy;
  }
}
