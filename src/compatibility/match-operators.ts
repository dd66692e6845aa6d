import type { PlannedOperator } from '../flink/flink.types.js';
import { generatedIdsIn } from '../flink/generated-ids.js';
import { operatorIdOf } from '../flink/operator-id.js';
import type { KeptOperator } from '../savepoint/snapshot-contents.js';
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
  /** Of the plan; they have no uid. */
  private generated: ReadonlySet<string> | null = null;
  private once: readonly ReadonlySet<string | null>[] | null = null;

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
    return writesUids(this.metadata);
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
    if (this.writesUids) return uid !== null && operatorIdOf(uid) === id ? 'UID' : 'NO_UID';
    if (!this.planned.has(id)) return 'NOT_WRITTEN';
    return this.isGenerated(id) ? 'NO_UID' : 'UID';
  }

  /** What has no uid in the plan may have another id at run time: then it may be any of those that the plan has not got. */
  get addsWithoutUid(): boolean {
    return this.added.some(({ id }) => this.isGenerated(id));
  }

  /** Whether a name that nothing else has stands on both sides of an id. */
  hasSameName({ name }: KeptOperator, planned: PlannedOperator): boolean {
    this.once ??= [namedOnce(this.metadata.operators), namedOnce(this.planOperators)];
    return name === planned.name && this.once.every((names) => names.has(planned.name));
  }

  /** Of an id of the plan: it has no uid. */
  isGenerated(id: string): boolean {
    this.generated ??= generatedIdsIn(this.planOperators);
    return this.generated.has(id);
  }
}

export const writesUids = ({ version }: Pick<ReadMetadata, 'version'>): boolean => version >= NAMES_FROM_VERSION;

function namedOnce(operators: readonly { name: string | null }[]): Set<string | null> {
  const seen = new Set<string | null>();
  const once = new Set<string | null>();
  for (const { name } of operators) {
    if (seen.has(name)) once.delete(name);
    else once.add(name);
    seen.add(name);
  }
  return once;
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
