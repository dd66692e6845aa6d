import { Field, ID, ObjectType } from 'type-graphql';
import { checkId, readCheckpointId } from '../api/id-arg.js';
import { UserError } from '../api/user-error.js';

@ObjectType({
  implements: UserError,
  description:
    'Declined: Flink makes and deletes its checkpoints by itself, and no request does. Ask with the id of a savepoint.',
})
export class CheckpointIsFlinks extends UserError {
  override readonly code = 'CHECKPOINT_IS_FLINKS' as const;
  override readonly message: string;

  @Field(() => ID, { description: 'The checkpoint that was named.' })
  readonly checkpointId: string;

  constructor(field: string, checkpointId: string) {
    super();
    this.checkpointId = checkpointId;
    this.message =
      `${field}: ${checkpointId} is a checkpoint. Flink makes and deletes its checkpoints by itself, and no request here does. ` +
      'For a snapshot that stays until you delete it, take a savepoint (createSavepoint).';
  }
}

/** Of every mutation about one savepoint: the refusal for the id of a checkpoint; throws BAD_USER_INPUT for what is no id at all. */
export function refuseCheckpointId(field: string, id: string): CheckpointIsFlinks | null {
  if (readCheckpointId(id)) return new CheckpointIsFlinks(field, id);
  checkId(field, id);
  return null;
}
