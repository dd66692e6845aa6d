import { uidHashesIn } from '../../src/artifact/uid-hashes.js';
import type { CompatibilityVerdict } from '../../src/compatibility/compatibility.types.js';
import { judgeRecorded } from '../../src/compatibility/judge-recorded.js';
import { backendOf } from '../../src/compatibility/state-backend.js';
import type { RunSettings } from '../../src/deployment/run-settings.js';
import { pathBelow } from '../../src/flink/location.js';
import { type Inspection, inspectSnapshot } from '../../src/savepoint/inspect-snapshot.js';
import { DataState } from '../../src/savepoint/savepoint.enums.js';
import { contentsOf } from '../../src/savepoint/snapshot-contents.js';
import { FileStorageReader } from '../../src/storage/file-storage-reader.js';
import type { ChangingJobs, Program, TakenSnapshot } from './changing-job.js';

/** As Stateward looks at it. */
export async function inspect({ by, folder }: Pick<TakenSnapshot, 'by' | 'folder'>): Promise<Inspection> {
  const root = `file:${by.real.folder}`;
  const reader = new FileStorageReader(by.real.folder);
  const inspection = await inspectSnapshot({
    reader,
    path: pathBelow(root, `file:${folder}`) ?? '',
    location: `file:${folder}`,
    sizeElsewhere: async (location) => {
      const path = pathBelow(root, location);
      return path === null ? 'NOT_REACHED' : reader.size(path);
    },
  });
  if (!inspection) throw new Error(`There is no _metadata in ${folder}`);
  return inspection;
}

/** The verdict by what Stateward records of a state and of a start on that cluster. */
export async function judge(
  snapshot: Pick<TakenSnapshot, 'by' | 'folder' | 'program'>,
  program: Program,
  on: ChangingJobs,
  allowNonRestoredState: boolean,
): Promise<CompatibilityVerdict> {
  const { by } = snapshot;
  const backend = (of: Program, { facts }: ChangingJobs) => backendOf(of.configuration, facts.configuration);
  return judgeRecorded(
    {
      contents: contentsOf(await inspect(snapshot)),
      flinkVersion: by.facts.flinkVersion,
      stateBackend: backend(snapshot.program, by),
      format: null,
      data: DataState.PRESENT,
    },
    {
      plan: {
        operators: await on.plan(program),
        uidHashes: await uidHashesIn(on.real.jars.ChangingJob ?? ''),
        plannedAt: new Date(),
      },
      settings: settingsOf(program, on),
      cluster: on.facts,
      stateBackend: backend(program, on),
      allowNonRestoredState,
      madeWith: settingsOf(snapshot.program, by),
    },
  );
}

/** The jar is another for each version. */
const settingsOf = (program: Program, { facts }: ChangingJobs): RunSettings => ({
  artifactId: `jar of Flink ${facts.flinkVersion}`,
  entryClass: null,
  programArguments: program.arguments,
  parallelism: program.parallelism,
  flinkConfiguration: program.configuration,
});
