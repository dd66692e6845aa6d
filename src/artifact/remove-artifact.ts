import { rm } from 'node:fs/promises';
import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { NotFound } from '../api/user-error.js';
import type { Database } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import { Artifact } from './artifact.entity.js';
import {
  findArtifactOf,
  findEvenRemoved,
  lockBytes,
  lockForRemoval,
  markRemoved,
  usersOfArtifact,
} from './artifact.store.js';
import { ArtifactInUse, type RemoveArtifactInput, type RemoveArtifactResult } from './artifact.types.js';
import { artifactPath } from './find-artifact.js';

export interface RemoveArtifactDeps {
  database: Database;
  config: { artifactFolder: string };
}

/**
 * Removes a jar that nothing needs: the row is marked first and stays, since ended runs name it; then the file goes. One that was
 * removed already answers as it is, and its file is looked after once more: a process that died in between leaves it behind.
 */
export async function removeArtifact(
  { database, config }: RemoveArtifactDeps,
  input: RemoveArtifactInput,
  caller: Caller,
): Promise<RemoveArtifactResult> {
  checkId('artifactId', input.artifactId);
  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'removeArtifact', input };
  const answer = await answerOnce<Artifact, NotFound | ArtifactInUse>(
    database,
    request,
    findEvenRemoved,
    async (tx) => {
      const artifact = await lockForRemoval(tx, input.artifactId);
      if (!artifact) return new NotFound('artifactId', 'artifact', input.artifactId);
      if (artifact.removedAt !== null) return artifact.id;
      const users = await usersOfArtifact(tx, artifact.id);
      if (users.deployments.count + users.jobs.count + users.savepoints.count > 0) {
        return new ArtifactInUse(artifact, users);
      }
      await markRemoved(tx, artifact.id, caller.actor);
      await recordEvent(tx, {
        type: EventType.ARTIFACT_REMOVED,
        actor: caller.actor,
        message: `${artifact.name} (SHA-256 ${artifact.sha256}) was removed.`,
        details: { artifactId: artifact.id, sha256: artifact.sha256 },
      });
      return artifact.id;
    },
  );
  if (answer instanceof Artifact) await removeFile(database, config.artifactFolder, answer.sha256);
  return answer;
}

/** Not if the same bytes have been uploaded again: then the file is that one's. */
async function removeFile(database: Database, folder: string, sha256: string): Promise<void> {
  await database.transaction(async (tx) => {
    await lockBytes(tx, sha256);
    if (!(await findArtifactOf(tx, sha256))) await rm(artifactPath(folder, sha256), { force: true });
  });
}
