import { AppError } from '../errors.js';
import type { FlinkApi } from '../flink/flink.types.js';
import type { AdvanceCheckDeps } from './check-deps.js';
import type { CheckAtWork } from './check.store.js';

/** By its name a jar is known as that of a check, also one whose upload was not answered. */
export const jarNameOf = (checkId: string): string => `stateward-check-${checkId}.jar`;

/** All that a plan leaves. One that cannot be removed costs the JobManager disk until it restarts: said in the log, and no reason to fail a check. */
export async function removeJars({ flinkClients, log }: AdvanceCheckDeps, work: CheckAtWork): Promise<void> {
  if (work.uploads === 0) return;
  const { cluster } = work;
  try {
    const left = await removeFrom(flinkClients.at(cluster.url), work);
    if (left.length > 0)
      log.warn(
        { jars: left, cluster: cluster.name },
        'the cluster did not remove uploaded jars; they stay until the JobManager restarts',
      );
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    log.warn(
      { err: error, jar: jarNameOf(work.id), cluster: cluster.name },
      'an uploaded jar could not be removed; it stays until the JobManager restarts',
    );
  }
}

/** Answers those that are left. After an upload whose reply was lost only the list tells of it. */
async function removeFrom(flink: FlinkApi, work: CheckAtWork): Promise<string[]> {
  const told = work.uploads === 1 && work.jarId !== null;
  const ids = told && work.jarId !== null ? [work.jarId] : await jarsOf(flink, work.id);
  const left: string[] = [];
  for (const id of ids) if (!(await flink.deleteJar(id))) left.push(id);
  return left;
}

async function jarsOf(flink: FlinkApi, checkId: string): Promise<string[]> {
  const jars = await flink.uploadedJars();
  return jars.filter(({ name }) => name === jarNameOf(checkId)).map(({ id }) => id);
}
