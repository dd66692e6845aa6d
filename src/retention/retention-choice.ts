import {
  isLost,
  newestFirst,
  type Protection,
  type ProtectionKind,
  type SavepointFacts,
  takenAt,
} from '../deletion/protection.js';
import { inWords } from '../run/state-at-cancel.js';

/**
 * What a policy deletes now, what it keeps, and until when (RT-1 to RT-5). Pure, and the one place: the sweep deletes what the preview
 * shows, and each savepoint shows its line of it.
 */

export interface RetentionPolicy {
  maxCount: number | null;
  maxAgeMs: number | null;
  /** It goes for savepoints of stops as well. */
  includeStop: boolean;
  whileStopped: 'DEFER' | 'CLEAN';
}

/** With what it says of the checkpoints that ended runs have left behind (ST-6), which is judged apart. */
export interface WholePolicy extends RetentionPolicy {
  leftBehind: 'KEEP' | 'DISPOSE';
}

export interface RetentionQuestion {
  policy: RetentionPolicy;
  /** All of the deployment; those that are not COMPLETED are passed over. */
  savepoints: readonly SavepointFacts[];
  protections: ReadonlyMap<string, readonly Protection[]>;
  /** Where Stateward deletes nothing, and why (RT-7); absent: nowhere that is known. */
  notDeletable?: ReadonlyMap<string, string>;
  /** Epoch ms on the database's clock. */
  now: number;
  deployment: {
    stopped: boolean;
    /** Not seen for 10 min. */
    unseen: boolean;
    /** True as well for a run that makes no checkpoints, once it has taken hold: there is none to wait for. */
    firstCheckpointSinceStart: boolean;
  };
}

export type RetentionRule = 'MAX_COUNT' | 'MAX_AGE';

export type KeptBecause =
  | ProtectionKind
  /** No rule says that it goes, yet. */
  | 'WITHIN_POLICY'
  /** The policy does not touch savepoints of its origin. */
  | 'ORIGIN'
  /** It would go, and Stateward deletes nothing where it lies. */
  | 'NOT_DELETABLE'
  /** It would go if cleaning did not wait. */
  | 'CLEANING_WAITS';

export interface Going {
  id: string;
  /** One, or both. */
  rules: RetentionRule[];
  message: string;
  bytes: number | null;
}

export interface Kept {
  id: string;
  why: KeptBecause;
  message: string;
  /** Epoch ms, at the earliest where expiresWhen names more; null: no time can be given. */
  expiresAt: number | null;
  /** What else it expires by, or what must happen first; null: nothing, or (without a time) never by a rule. */
  expiresWhen: string | null;
}

export interface Deferral {
  reason: 'STOPPED' | 'UNSEEN' | 'NO_CHECKPOINT_YET';
  message: string;
  /** Goes on from "until …" or "when …". */
  until: string;
}

/** Lists are newest first. */
export interface RetentionChoice {
  /** While cleaning waits nothing is deleted; null: it does not wait. */
  deferred: Deferral | null;
  delete: Going[];
  keep: Kept[];
  /** How many the policy speaks of at all, protected ones included (RT-2, RT-10). */
  mayTouch: number;
  /** Of those whose size is known. */
  freedBytes: number;
  ofUnknownSize: number;
  /** It deletes more than half of what it may touch, and wants the token of its preview (RT-10). */
  large: boolean;
}

const NEVER_LARGE_BELOW = 5;

/** A pass that deletes more than half of what it may touch (RT-10). */
export const isLarge = (going: number, mayTouch: number): boolean => going >= NEVER_LARGE_BELOW && going * 2 > mayTouch;

export function chooseRetention({
  policy,
  savepoints,
  protections,
  notDeletable,
  now,
  deployment,
}: RetentionQuestion): RetentionChoice {
  const deferred = deferralOf(policy, deployment);
  const going: Going[] = [];
  const keep: Kept[] = [];
  let mayTouch = 0;
  let newer = 0; // of those that take a place in the count
  for (const savepoint of savepoints.filter(({ state }) => state === 'COMPLETED').sort(newestFirst)) {
    const untouched = untouchedBy(policy, savepoint);
    if (untouched !== null) {
      keep.push({ id: savepoint.id, why: 'ORIGIN', message: untouched, expiresAt: null, expiresWhen: null });
      continue;
    }
    mayTouch += 1;
    const due: Due = { savepoint, newer, policy, rules: rulesThatSay(policy, savepoint, newer, now) };
    const protectedBy = protections.get(savepoint.id) ?? [];
    const [firmest] = protectedBy;
    if (firmest) keep.push(keptBy(firmest, protectedBy, due, deferred));
    else if (due.rules.length === 0) keep.push(keptForNow(due, deferred));
    else if (notDeletable?.has(savepoint.id)) keep.push(keptByItsPlace(savepoint.id, notDeletable.get(savepoint.id)));
    else if (deferred) keep.push(keptWhileCleaningWaits(due, deferred));
    else going.push({ id: savepoint.id, rules: due.rules, message: because(due, now), bytes: savepoint.sizeBytes });
    if (takesPlace(savepoint, protectedBy)) newer += 1;
  }
  return {
    deferred,
    delete: going,
    keep,
    mayTouch,
    freedBytes: going.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0),
    ofUnknownSize: going.filter(({ bytes }) => bytes === null).length,
    large: isLarge(going.length, mayTouch),
  };
}

const keptByItsPlace = (id: string, problem: string | undefined): Kept => ({
  id,
  why: 'NOT_DELETABLE',
  message: `Stateward deletes nothing there: ${problem}.`,
  expiresAt: null,
  expiresWhen: null,
});

interface Due {
  savepoint: SavepointFacts;
  /** How many newer ones take a place in the count. */
  newer: number;
  policy: RetentionPolicy;
  rules: RetentionRule[];
}

function deferralOf(policy: RetentionPolicy, deployment: RetentionQuestion['deployment']): Deferral | null {
  const { stopped, unseen, firstCheckpointSinceStart } = deployment;
  const defers = policy.whileStopped === 'DEFER';
  if (defers && stopped)
    return {
      reason: 'STOPPED',
      message: 'Cleaning waits: the deployment is stopped (whileStopped: DEFER).',
      until: 'its next start has completed a checkpoint',
    };
  if (unseen)
    return {
      reason: 'UNSEEN',
      message: 'Cleaning waits: the deployment has not been seen for 10 min.',
      until: 'it is seen again',
    };
  if (defers && !firstCheckpointSinceStart)
    return {
      reason: 'NO_CHECKPOINT_YET',
      message: 'Cleaning waits: the deployment has completed no checkpoint since its start (whileStopped: DEFER).',
      until: 'it has completed a checkpoint',
    };
  return null;
}

/** null: the policy may touch it. Otherwise why not. */
function untouchedBy(policy: RetentionPolicy, { origin }: SavepointFacts): string | null {
  switch (origin) {
    case 'SCHEDULED':
      return null;
    case 'STOP':
      return policy.includeStop
        ? null
        : 'It was made by a stop, and the policy leaves those alone (includeStop: false).';
    case 'MANUAL':
      return 'A person asked for it: no policy deletes it.';
    case 'IMPORTED':
      return 'It was imported: no policy deletes it.';
  }
}

/**
 * The newest good one counts; what is in use, pinned or held stands beside (RT-1). What has lost its data takes no place either: it
 * would push out one that can still be restored from.
 */
const takesPlace = (savepoint: SavepointFacts, protections: readonly Protection[]) =>
  !isLost(savepoint) && protections.every(({ kind }) => kind === 'NEWEST_GOOD');

function rulesThatSay(policy: RetentionPolicy, savepoint: SavepointFacts, newer: number, now: number): RetentionRule[] {
  const rules: RetentionRule[] = [];
  if (policy.maxCount !== null && newer >= policy.maxCount) rules.push('MAX_COUNT');
  if (policy.maxAgeMs !== null && now >= takenAt(savepoint) + policy.maxAgeMs) rules.push('MAX_AGE');
  return rules;
}

const because = ({ savepoint, newer, policy, rules }: Due, now: number): string =>
  rules
    .map((rule) =>
      rule === 'MAX_COUNT'
        ? `There ${newer === 1 ? 'is 1 newer one' : `are ${newer} newer ones`}, and the policy keeps ${policy.maxCount}.`
        : `It is ${inWords(now - takenAt(savepoint))} old, and the policy keeps it for ${inWords(policy.maxAgeMs ?? 0)}.`,
    )
    .join(' ');

function keptBy({ kind: why }: Protection, all: readonly Protection[], due: Due, deferred: Deferral | null): Kept {
  const { savepoint, policy, rules } = due;
  const conditions = all.map(({ unlock }) => unlock);
  if (rules.length === 0) conditions.push(policyTurns(due));
  if (deferred) conditions.push(deferred.until);
  return {
    id: savepoint.id,
    why,
    message: all.map(({ message }) => message).join(' '),
    expiresAt: why === 'HELD' && !deferred ? endOfHold(savepoint, policy, rules) : null,
    expiresWhen: `when ${conditions.join(', and ')}`,
  };
}

/** Held and nothing firmer: from that time on the policy has its way. */
function endOfHold(savepoint: SavepointFacts, policy: RetentionPolicy, rules: readonly RetentionRule[]): number | null {
  if (rules.length > 0) return savepoint.heldUntil;
  return policy.maxAgeMs === null ? null : Math.max(savepoint.heldUntil ?? 0, takenAt(savepoint) + policy.maxAgeMs);
}

function keptForNow({ savepoint, policy, newer }: Due, deferred: Deferral | null): Kept {
  const expiresAt = policy.maxAgeMs === null ? null : takenAt(savepoint) + policy.maxAgeMs;
  const conditions: string[] = [];
  if (policy.maxCount !== null)
    conditions.push(`${expiresAt === null ? '' : 'or earlier, '}when ${moreOf(policy.maxCount - newer)}`);
  if (deferred) conditions.push(`not before ${deferred.until}`);
  return {
    id: savepoint.id,
    why: 'WITHIN_POLICY',
    message: 'The policy keeps it for now.',
    expiresAt,
    expiresWhen: conditions.join('; ') || null,
  };
}

const keptWhileCleaningWaits = (due: Due, deferred: Deferral): Kept => ({
  id: due.savepoint.id,
  why: 'CLEANING_WAITS',
  message: `${deferred.message} Then it goes, by ${due.rules.map((rule) => settingOf[rule]).join(' and ')}.`,
  expiresAt: null,
  expiresWhen: `when ${deferred.until}`,
});

const settingOf: Record<RetentionRule, string> = { MAX_COUNT: 'maxCount', MAX_AGE: 'maxAge' };

/** What must happen before a rule says that it goes. */
function policyTurns({ savepoint, policy, newer }: Due): string {
  const byCount = policy.maxCount === null ? [] : [moreOf(policy.maxCount - newer)];
  const byAge =
    policy.maxAgeMs === null ? [] : [`${new Date(takenAt(savepoint) + policy.maxAgeMs).toISOString()} has come`];
  return [...byCount, ...byAge].join(' or ');
}

const moreOf = (count: number) => (count === 1 ? '1 newer one has completed' : `${count} newer ones have completed`);
