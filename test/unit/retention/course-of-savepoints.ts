import {
  type DeploymentFacts,
  type LatestStateUse,
  protectionsOf,
  type RunFromSavepoint,
  type SavepointFacts,
} from '../../../src/deletion/protection.js';
import {
  chooseRetention,
  type RetentionChoice,
  type RetentionPolicy,
} from '../../../src/retention/retention-choice.js';
import { beside, HOUR, savepoint, T } from './facts.js';

/** Ours has the policy; the other one only starts from savepoints of ours. */
export type Who = 'OURS' | 'OTHER';

export type Step =
  /** Adopted: somebody else has started it, and what from is known when Flink shows it. */
  | { do: 'START'; who: Who; from: number | null; checkpointing: boolean; adopted: boolean }
  | { do: 'TAKE_HOLD' | 'CHECKPOINT' | 'SHOW_SOURCE'; who: Who }
  | { do: 'END'; who: Who; retains: boolean }
  /** Found so many hours after it was triggered. */
  | { do: 'SAVEPOINT'; origin: 'SCHEDULED' | 'MANUAL'; told: boolean; late: number }
  | { do: 'STOP'; drain: boolean }
  /** At a place of its own, or at that of another one. */
  | { do: 'IMPORT'; beside: number | null }
  | { do: 'END_IMPORTS' }
  | { do: 'DATA'; which: number; data: SavepointFacts['data'] }
  | { do: 'PIN'; which: number; pinned: boolean }
  | { do: 'HOLD'; which: number; hours: number }
  | { do: 'POLICY'; policy: RetentionPolicy }
  | { do: 'SEEN'; seen: boolean }
  | { do: 'WAIT'; hours: number }
  | { do: 'SWEEP' };

interface Run {
  id: string;
  number: number;
  who: Who;
  from: SavepointFacts | null;
  checkpointing: boolean;
  adopted: boolean;
  sourceShown: boolean;
  phase: 'STARTING' | 'RUNNING' | 'ENDED';
  tookHold: boolean;
  drained: boolean;
  /** When its checkpoints were complete; the newest is left behind where it retains. */
  checkpoints: number[];
  retains: boolean;
}

/** What has become of two deployments, with the rules written down a second time: over everything there is, one savepoint after the other. */
export class CourseOfSavepoints {
  now = T;
  seen = true;
  savepoints: SavepointFacts[] = [];
  readonly runs: Run[] = [];
  private made = 0;
  /** The savepoint at whose place another one was imported, by the id of that one. */
  private readonly places = new Map<string, string>();

  constructor(public policy: RetentionPolicy) {}

  take(step: Exclude<Step, { do: 'SWEEP' }>): void {
    this.now += 1;
    switch (step.do) {
      case 'START':
        return this.start(step);
      case 'TAKE_HOLD':
        return this.alter(step.who, 'STARTING', { phase: 'RUNNING', tookHold: true });
      case 'CHECKPOINT':
        this.live(step.who, 'RUNNING')?.checkpoints.push(this.now);
        return;
      case 'SHOW_SOURCE':
        return this.alter(step.who, null, { sourceShown: true });
      case 'END':
        return this.alter(step.who, null, { phase: 'ENDED', retains: step.retains });
      case 'SAVEPOINT':
        return this.complete({
          origin: step.origin,
          triggeredAt: step.told ? this.now - step.late * HOUR : null,
        });
      case 'STOP':
        this.complete({ origin: 'STOP', drained: step.drain });
        return this.alter('OURS', 'RUNNING', { phase: 'ENDED', retains: false, drained: step.drain });
      case 'IMPORT':
        return this.import(step.beside);
      case 'END_IMPORTS':
        this.savepoints = this.savepoints.filter(({ origin }) => origin !== 'IMPORTED');
        return;
      case 'DATA':
        return this.change(step.which, { data: step.data });
      case 'PIN':
        return this.change(step.which, { pinned: step.pinned });
      case 'HOLD':
        return this.change(step.which, { heldUntil: this.now + step.hours * HOUR });
      case 'POLICY':
        this.policy = step.policy;
        return;
      case 'SEEN':
        this.seen = step.seen;
        return;
      case 'WAIT':
        this.now += step.hours * HOUR;
    }
  }

  /** As the sweep would. `now`: what it would choose then. */
  choose(now = this.now): RetentionChoice {
    const { policy, savepoints } = this;
    const run = this.live('OURS');
    return chooseRetention({
      policy,
      savepoints,
      protections: protectionsOf(this.facts(), now),
      now,
      deployment: {
        stopped: !run,
        unseen: !this.seen,
        firstCheckpointSinceStart: run !== undefined && this.hasSettled(run),
      },
    });
  }

  delete(ids: readonly string[]): void {
    this.savepoints = this.savepoints.filter(({ id }) => !ids.includes(id));
  }

  facts(): DeploymentFacts {
    const { savepoints } = this;
    const runsFrom = this.runs
      .filter(({ phase }) => phase !== 'ENDED')
      .flatMap((run): RunFromSavepoint[] =>
        this.sourcesOf(run).map(({ id: savepointId }) => ({
          savepointId,
          source: run.sourceShown ? 'ITSELF' : 'NOT_KNOWN',
          deploymentId: run.who,
          deploymentName: run.who,
          jobId: run.id,
          run: run.number,
          starting: run.phase === 'STARTING',
          checkpointing: run.checkpointing ? 'PERIODIC' : 'NONE',
          claimMode: run.adopted ? 'NOT_KNOWN' : 'NO_CLAIM',
          ownCheckpointCompleted: run.checkpoints.length > 0,
        })),
      );
    const latestStates = (['OURS', 'OTHER'] as const).flatMap((who): LatestStateUse[] => {
      const use = { deploymentId: who, deploymentName: who };
      const [source, files] = [this.latestState(who), this.filesOfLatestState(who)];
      return [
        ...(source ? [{ ...use, savepointId: source.id, of: 'ITSELF' as const }] : []),
        ...(files ? [{ ...use, savepointId: files.id, of: 'ITS_FILES' as const }] : []),
      ];
    });
    const recordsBeside = savepoints.flatMap((one) =>
      savepoints.filter((other) => this.liesBeside(one, other)).map((other) => beside(one, other)),
    );
    return { savepoints, runsFrom, latestStates, recordsBeside };
  }

  /** What is read of a live run: the savepoint that it is from, or all that it may be from. */
  private sourcesOf({ from, who, sourceShown, checkpoints }: Run): SavepointFacts[] {
    if (sourceShown) return from ? [from] : [];
    return who === 'OURS' && checkpoints.length === 0 ? this.savepoints : [];
  }

  private liesBeside = (one: SavepointFacts, other: SavepointFacts): boolean =>
    one.id !== other.id && this.placeOf(one) === this.placeOf(other);

  // The rules, once more.

  isProtected = (one: SavepointFacts): boolean => this.isKeptBeside(one) || this.isNewestGood(one);

  isKeptBeside(one: SavepointFacts): boolean {
    if (one.pinned || (one.heldUntil ?? 0) > this.now) return true;
    if (this.savepoints.some((other) => this.liesBeside(one, other))) return true;
    if (this.runs.some((run) => run.phase !== 'ENDED' && this.mayNeed(run, one))) return true;
    return (['OURS', 'OTHER'] as const).some(
      (who) => this.latestState(who)?.id === one.id || this.filesOfLatestState(who)?.id === one.id,
    );
  }

  /** A live run goes back to it, or may use its files. */
  private mayNeed({ from, who, phase, adopted, sourceShown, checkpointing, checkpoints }: Run, one: SavepointFacts) {
    if (!sourceShown) return who === 'OURS' && checkpoints.length === 0;
    if (from?.id !== one.id) return false;
    return adopted || phase === 'STARTING' || checkpoints.length === 0 || !checkpointing;
  }

  isGood = (one: SavepointFacts): boolean =>
    one.origin !== 'IMPORTED' && !one.drained && one.data !== 'MISSING' && one.data !== 'DAMAGED';

  isNewestGood(one: SavepointFacts): boolean {
    const others = this.savepoints.filter((other) => other.id !== one.id && this.isGood(other));
    if (!this.isGood(one)) return false;
    return !others.some((other) => {
      if (other.triggeredAt !== null) return other.triggeredAt > (one.triggeredAt ?? one.completedAt);
      return one.triggeredAt === null && other.completedAt > one.completedAt;
    });
  }

  isTouched = ({ origin }: SavepointFacts): boolean =>
    origin === 'SCHEDULED' || (origin === 'STOP' && this.policy.includeStop);

  /** Those that a rule wants gone, protected or not. */
  due(): SavepointFacts[] {
    const { maxCount, maxAgeMs } = this.policy;
    const taken = (one: SavepointFacts) => one.triggeredAt ?? one.completedAt;
    const touched = this.savepoints.filter(this.isTouched);
    const counted = touched.filter(
      (one) => one.data !== 'MISSING' && one.data !== 'DAMAGED' && !this.isKeptBeside(one),
    );
    const tooMany = (one: SavepointFacts) =>
      counted.filter((other) => taken(other) > taken(one)).length >= (maxCount ?? Infinity);
    const tooOld = (one: SavepointFacts) => this.now - taken(one) >= (maxAgeMs ?? Infinity);
    return touched.filter((one) => tooMany(one) || tooOld(one));
  }

  cleaningWaits(): boolean {
    const run = this.live('OURS');
    return !this.seen || (this.policy.whileStopped === 'DEFER' && !(run && this.hasSettled(run)));
  }

  /** What a stopped one would start from, where that is a savepoint of ours. */
  latestState(who: Who): SavepointFacts | null {
    if (this.live(who)) return null;
    const last = this.runs.findLast((run) => run.who === who && run.tookHold);
    if (!last || last.drained) return null;
    const own = this.savepoints.filter((one) => one.jobId === last.id && this.isGood(one));
    const newest = own.reduce<SavepointFacts | null>((a, b) => (a && a.completedAt > b.completedAt ? a : b), null);
    if (this.retainedAfter(last, newest)) return null;
    const source = last.sourceShown ? this.savepoints.find((one) => one.id === last.from?.id) : undefined;
    return newest ?? (source && source.data !== 'MISSING' && source.data !== 'DAMAGED' ? source : null);
  }

  /** A stopped one would start from a checkpoint of an adopted run, which may use files of what that one was started from. */
  filesOfLatestState(who: Who): SavepointFacts | null {
    if (this.live(who)) return null;
    const last = this.runs.findLast((run) => run.who === who && run.tookHold);
    if (!last?.adopted || !last.sourceShown || last.drained) return null;
    const own = this.savepoints.filter((one) => one.jobId === last.id && this.isGood(one));
    const newest = own.reduce<SavepointFacts | null>((a, b) => (a && a.completedAt > b.completedAt ? a : b), null);
    if (!this.retainedAfter(last, newest)) return null;
    return this.savepoints.find((one) => one.id === last.from?.id) ?? null;
  }

  private retainedAfter = ({ retains, checkpoints }: Run, newest: SavepointFacts | null): boolean =>
    (retains ? (checkpoints.at(-1) ?? 0) : 0) > (newest?.completedAt ?? 0);

  live(who: Who, phase?: Run['phase']): Run | undefined {
    const last = this.runs.findLast((run) => run.who === who);
    return last && last.phase !== 'ENDED' && (!phase || last.phase === phase) ? last : undefined;
  }

  private hasSettled = ({ checkpointing, checkpoints, tookHold }: Run) =>
    checkpoints.length > 0 || (!checkpointing && tookHold);

  private import(beside: number | null): void {
    const other = beside === null ? undefined : this.pick(beside);
    this.add({ origin: 'IMPORTED', madeByOwnRun: false, jobId: null });
    if (other) this.places.set(`savepoint-${this.made}`, this.placeOf(other));
  }

  private placeOf = ({ id }: SavepointFacts): string => this.places.get(id) ?? id;

  private start({ who, from, checkpointing, adopted }: Extract<Step, { do: 'START' }>): void {
    if (this.live(who)) return;
    const source = from === null ? undefined : this.pick(from);
    const number = this.runs.length + 1;
    this.runs.push({
      id: `${who}-${number}`,
      number,
      who,
      from: source ?? null,
      checkpointing,
      adopted,
      sourceShown: !adopted,
      phase: 'STARTING',
      tookHold: false,
      drained: false,
      checkpoints: [],
      retains: false,
    });
  }

  private alter(who: Who, phase: Run['phase'] | null, more: Partial<Run>): void {
    Object.assign(this.live(who, phase ?? undefined) ?? {}, more);
  }

  private complete(more: Partial<SavepointFacts>): void {
    const run = this.live('OURS', 'RUNNING');
    if (run) this.add({ jobId: run.id, ...more });
  }

  private add(more: Partial<SavepointFacts>): void {
    this.made += 1;
    const times = { triggeredAt: this.now, completedAt: this.now };
    this.savepoints.push(savepoint(`savepoint-${this.made}`, 0, { ...times, ...more }));
  }

  private pick = (which: number): SavepointFacts | undefined => this.savepoints[which % this.savepoints.length];

  private change(which: number, more: Partial<SavepointFacts>): void {
    const chosen = this.pick(which);
    this.savepoints = this.savepoints.map((one) => (one === chosen ? { ...one, ...more } : one));
  }
}
