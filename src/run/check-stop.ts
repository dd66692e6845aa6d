import { InvalidInput } from '../api/user-error.js';
import { OnFailureAction, StopMode } from './stop.enums.js';
import { DrainIsFinal, type StopDeploymentInput } from './stop.types.js';

/** What cannot be meant, whatever the deployment. */
export function checkStop({
  mode,
  format,
  description,
  final,
  onFailure,
}: Pick<StopDeploymentInput, 'mode' | 'format' | 'description' | 'final' | 'onFailure'>):
  InvalidInput | DrainIsFinal | null {
  if (description && description.length > 500) {
    return new InvalidInput('description', `it has ${description.length} characters; 500 are kept.`);
  }
  const withSavepoint = mode !== StopMode.WITHOUT_SAVEPOINT;
  if (!withSavepoint && format) return new InvalidInput('format', 'a stop WITHOUT_SAVEPOINT makes none.');
  const young = onFailure?.checkpointYoungerThanMs ?? null;
  const cancels = onFailure?.action === OnFailureAction.CANCEL_IF_CHECKPOINT_YOUNGER_THAN;
  if (!withSavepoint && cancels) {
    return new InvalidInput('onFailure.action', 'a stop WITHOUT_SAVEPOINT cancels the job in any case.');
  }
  if (cancels !== (young !== null)) {
    const problem = cancels ? 'CANCEL_IF_CHECKPOINT_YOUNGER_THAN needs it.' : 'LEAVE does not use it.';
    return new InvalidInput('onFailure.checkpointYoungerThanMs', problem);
  }
  if (young !== null && young <= 0) {
    return new InvalidInput('onFailure.checkpointYoungerThanMs', `${young} is not above 0.`);
  }
  return mode === StopMode.WITH_DRAIN && !final ? new DrainIsFinal() : null;
}
