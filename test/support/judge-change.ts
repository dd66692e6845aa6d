import { isDeepStrictEqual } from 'node:util';
import type {
  CompatibilityVerdict,
  HeldState,
  RestoreTarget,
  SetMaxParallelism,
} from '../../src/compatibility/compatibility.types.js';
import { judgeCompatibility } from '../../src/compatibility/judge-compatibility.js';
import { pathBelow } from '../../src/flink/location.js';
import { backendOf } from '../../src/run/restore-verdict.js';
import { type Inspection, inspectSnapshot } from '../../src/savepoint/inspect-snapshot.js';
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
    reach: (location) => {
      const path = pathBelow(root, location);
      return path === null ? null : { reader, path };
    },
  });
  if (!inspection) throw new Error(`There is no _metadata in ${folder}`);
  return inspection;
}

/** The verdict by what Stateward knows of a state and of a start on that cluster. */
export async function judge(
  snapshot: Pick<TakenSnapshot, 'by' | 'folder' | 'program'>,
  program: Program,
  on: ChangingJobs,
  allowNonRestoredState: boolean,
): Promise<CompatibilityVerdict> {
  const { metadata, damaged, notReached } = await inspect(snapshot);
  const { by } = snapshot;
  const held: HeldState = {
    metadata: { read: metadata },
    flinkVersion: by.facts.flinkVersion,
    stateBackend: backendOf(snapshot.program.configuration, by.facts.configuration),
    filesSeen: damaged === 0 && notReached === 0,
  };
  const target: RestoreTarget = {
    plan: { operators: await on.plan(program) },
    maxParallelism: maxParallelismIn(program),
    flinkVersion: on.facts.flinkVersion,
    stateBackend: backendOf(program.configuration, on.facts.configuration),
    allowNonRestoredState,
    // The jar is another for each version.
    sameProgram: by === on && isDeepStrictEqual(program, snapshot.program),
  };
  return judgeCompatibility(held, target);
}

function maxParallelismIn({ configuration }: Program): SetMaxParallelism {
  const set = configuration['pipeline.max-parallelism'];
  return set === undefined ? 'NOT_KNOWN' : Number(set);
}
