import {
  type DeploymentFacts,
  protectionsOf,
  type RunFromSavepoint,
  type SavepointFacts,
} from '../../../src/deletion/protection.js';
import {
  chooseRetention,
  type RetentionChoice,
  type RetentionPolicy,
} from '../../../src/retention/retention-choice.js';
import { HOUR, savepoint, T } from './facts.js';

/** Ours has the policy; the other one only starts from savepoints of ours. */
export type Who = 'OURS' | 'OTHER';

export type Step =
  | { do: 'START'; who: Who; from: number | null; checkpointing: boolean }
  | { do: 'TAKE_HOLD' | 'CHECKPOINT'; who: Who }
  | { do: 'END'; who: Who; retains: boolean }
  /** Found so many hours after it was triggered. */
  | { do: 'SAVEPOINT'; origin: 'SCHEDULED' | 'MANUAL'; told: boolean; late: number }
  | { do: 'STOP'; drain: boolean }
  | { do: 'IMPORT' }
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
        return this.add({ origin: 'IMPORTED', madeByOwnRun: false, jobId: null });
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
    const { savepoints, runs } = this;
    const runsFrom = runs
      .filter(({ phase }) => phase !== 'ENDED')
      .flatMap(({ id, number, who, from, phase, checkpointing, checkpoints }): RunFromSavepoint[] =>
        from
          ? [
              {
                savepointId: from.id,
                deploymentId: who,
                deploymentName: who,
                jobId: id,
                run: number,
                starting: phase === 'STARTING',
                checkpointing,
                ownCheckpointCompleted: checkpoints.length > 0,
              },
            ]
          : [],
      );
    const latestStates = (['OURS', 'OTHER'] as const).flatMap((who) => {
      const source = this.latestState(who);
      return source ? [{ savepointId: source.id, deploymentId: who, deploymentName: who }] : [];
    });
    return { savepoints, runsFrom, latestStates };
  }

  // The rules, once more.

  isProtected = (one: SavepointFacts): boolean => this.isKeptBeside(one) || this.isNewestGood(one);

  isKeptBeside(one: SavepointFacts): boolean {
    if (one.pinned || (one.heldUntil ?? 0) > this.now) return true;
    const goesBack = ({ phase, checkpointing, checkpoints }: Run) =>
      phase === 'STARTING' || (phase === 'RUNNING' && (checkpoints.length === 0 || !checkpointing));
    if (this.runs.some((run) => run.from?.id === one.id && goesBack(run))) return true;
    return this.latestState('OURS')?.id === one.id || this.latestState('OTHER')?.id === one.id;
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
    const retained = last.retains ? (last.checkpoints.at(-1) ?? 0) : 0;
    if (retained > (newest?.completedAt ?? 0)) return null;
    const source = this.savepoints.find((one) => one.id === last.from?.id);
    return newest ?? (source && source.data !== 'MISSING' && source.data !== 'DAMAGED' ? source : null);
  }

  live(who: Who, phase?: Run['phase']): Run | undefined {
    const last = this.runs.findLast((run) => run.who === who);
    return last && last.phase !== 'ENDED' && (!phase || last.phase === phase) ? last : undefined;
  }

  private hasSettled = ({ checkpointing, checkpoints, tookHold }: Run) =>
    checkpoints.length > 0 || (!checkpointing && tookHold);

  private start({ who, from, checkpointing }: Extract<Step, { do: 'START' }>): void {
    if (this.live(who)) return;
    const source = from === null ? undefined : this.pick(from);
    const number = this.runs.length + 1;
    this.runs.push({
      id: `${who}-${number}`,
      number,
      who,
      from: source ?? null,
      checkpointing,
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
