import type { PlannedOperator } from '../flink/flink.types.js';
import type { KeptOperator } from '../savepoint/snapshot-contents.js';
import { operatorIdOf } from '../flink/operator-id.js';
import type { OperatorName, ReadMetadata } from './compatibility.types.js';

/** From this version of `_metadata` on (Flink 2.0) the names and uids of operators are in it. */
const NAMES_FROM_VERSION = 5;

/** Whether an id is the hash of a uid, and so the same in every plan and on every Flink. */
export type IdOrigin = 'UID' | 'NO_UID' | 'NOT_WRITTEN';

/** Operators of a snapshot beside those of a plan: Flink maps by the id alone. */
export class Match {
  private readonly planned: ReadonlyMap<string, PlannedOperator>;
  private readonly held: ReadonlyMap<string, KeptOperator>;
  /** Of the plan; the snapshot has no such id. */
  readonly added: readonly PlannedOperator[];
  /** Of the snapshot; the plan has no such id. */
  readonly missing: readonly KeptOperator[];

  constructor(
    private readonly metadata: ReadMetadata,
    readonly planOperators: readonly PlannedOperator[],
  ) {
    this.planned = new Map(planOperators.map((one) => [one.id, one]));
    this.held = new Map(metadata.operators.map((one) => [one.id, one]));
    this.added = planOperators.filter(({ id }) => !this.held.has(id));
    this.missing = metadata.operators.filter(({ id }) => !this.planned.has(id));
  }

  get snapshotOperators(): readonly KeptOperator[] {
    return this.metadata.operators;
  }

  get writesUids(): boolean {
    return this.metadata.version >= NAMES_FROM_VERSION;
  }

  plannedFor({ id }: KeptOperator): PlannedOperator | undefined {
    return this.planned.get(id);
  }

  heldOf(id: string): KeptOperator | undefined {
    return this.held.get(id);
  }

  nameOf({ id, name, uid }: KeptOperator): OperatorName {
    return { id, name: name ?? this.planned.get(id)?.name ?? null, uid };
  }

  originOf({ id, uid }: KeptOperator): IdOrigin {
    if (!this.writesUids) return 'NOT_WRITTEN';
    return uid !== null && operatorIdOf(uid) === id ? 'UID' : 'NO_UID';
  }
}

export function bytesOf({ coordinatorBytes, stateBytes }: KeptOperator): number {
  return coordinatorBytes + stateBytes.operator + stateBytes.keyed + stateBytes.channel;
}

/** As Flink sees it: a state that is registered and empty counts. */
export function holdsState(operator: KeptOperator): boolean {
  return bytesOf(operator) > 0 || operator.operatorStates.size > 0;
}

/** For a sentence. */
export function called({ id, name, uid }: OperatorName): string {
  const text = name ?? uid;
  return text === null ? `operator ${id}` : `operator ${text} (${id})`;
}
