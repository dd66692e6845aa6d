import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HeldState, ReadMetadata, RestoreTarget } from '../../../src/compatibility/compatibility.types.js';
import type { PlannedOperator } from '../../../src/flink/flink.types.js';
import type { SnapshotMetadata, SnapshotOperator } from '../../../src/flink/metadata/metadata.types.js';
import { operatorIdOf } from '../../../src/flink/operator-id.js';
import { read, SNAPSHOTS } from '../../support/metadata-files.js';

/** Of a real snapshot, such as `2.3.0/canonical-hashmap`. */
export async function heldIn(
  path: string,
  known: Partial<HeldState> = {},
): Promise<HeldState & { metadata: { read: SnapshotMetadata } }> {
  const facts = JSON.parse(
    await readFile(join(SNAPSHOTS, path.split('/').slice(0, 2).join('/'), 'facts.json'), 'utf8'),
  ) as {
    flinkVersion: string;
    stateBackend: string;
  };
  const metadata = { read: await read(await readFile(join(SNAPSHOTS, path, '_metadata'))) };
  return {
    flinkVersion: facts.flinkVersion,
    stateBackend: facts.stateBackend.toUpperCase(),
    format: null,
    filesSeen: true,
    ...known,
    metadata,
  };
}

/** The program that made it, on the Flink and the backend that made it. */
export function sameProgram(held: HeldState & { metadata: { read: ReadMetadata } }): Required<RestoreTarget> & {
  plan: { operators: PlannedOperator[] };
} {
  return {
    plan: { operators: held.metadata.read.operators.map((one) => planned(one)) },
    maxParallelism: 'NOT_SET',
    madeWithMaxParallelism: null,
    flinkVersion: held.flinkVersion,
    stateBackend: held.stateBackend,
    allowNonRestoredState: false,
    sameCode: true,
    sameProgram: true,
  };
}

export function planned({
  id,
  name,
  parallelism,
}: Pick<SnapshotOperator, 'id' | 'name' | 'parallelism'>): PlannedOperator {
  return { id, name: name ?? id, parallelism, inputs: [] };
}

export function operator(uid: string, change: Partial<SnapshotOperator> = {}): SnapshotOperator {
  return {
    id: operatorIdOf(uid),
    name: uid,
    uid,
    parallelism: 2,
    maxParallelism: 128,
    coordinatorBytes: 0,
    fullyFinished: false,
    subtasks: [0, 1],
    finishedSubtasks: [],
    stateBytes: { operator: 0, keyed: 1000, channel: 0 },
    operatorStates: new Map(),
    ...change,
  };
}

/** A canonical savepoint of Flink 2.3.0. */
export function heldOf(
  operators: SnapshotOperator[],
  change: Partial<ReadMetadata> = {},
): HeldState & { metadata: { read: ReadMetadata } } {
  return {
    metadata: {
      read: {
        version: 6,
        operators,
        properties: { kind: 'SAVEPOINT', format: 'CANONICAL', drained: false },
        backends: ['CANONICAL'],
        handles: { stream: new Map(), keyed: new Map([[7, 1]]), operator: new Map(), channel: new Map() },
        ...change,
      },
    },
    flinkVersion: '2.3.0',
    stateBackend: 'HASHMAP',
    format: null,
    filesSeen: true,
  };
}
