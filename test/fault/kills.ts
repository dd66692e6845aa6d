import { setTimeout as sleep } from 'node:timers/promises';
import type { FailPoint } from '../../src/fail-point.js';
import { sendRequests } from './clients.js';
import { type Expectation, judge, type Outcome } from './course.js';
import type { House } from './house.js';

/** Requests of a run, each of its own deployment: the kill finds each in a phase of its own. */
export const CASES = 20;
const PASSES_WITHIN_MS = 60_000;

/** A process is killed at a fail point, at one of its first passages, and started again. */
export async function killAt(house: House, point: FailPoint): Promise<Outcome> {
  const passage = house.dice('kill').whole(1, CASES);
  const arm = `${point}:${passage}:kill`;
  const killed = point.startsWith('request.') ? await armApi(house, arm) : await armWorker(house, point, arm);
  const requests = sendRequests(house);
  const killedAt = await Promise.race([killed(), sleep(PASSES_WITHIN_MS, null, { ref: false })]);
  const outcome = await judge(house, requests, {
    faultAt: killedAt,
    ...ofStarts(house),
    replaced: point.startsWith('request.') ? house.api : house.workers[0],
  });
  if (killedAt === null) outcome.violations.unshift(`${arm} was never passed: nothing was killed`);
  return outcome;
}

/** As many submissions as one worker has under way may have uploaded, or be uploading, when it dies; or be about to run. */
export function ofStarts({
  options: { kind = 'SAVEPOINT' },
}: House): Pick<Expectation, 'tolerated' | 'givesUpRunCalls'> {
  const starts = kind === 'START' || kind === 'STOP';
  return { tolerated: { jarsLeft: starts ? 4 : 0, submissionLost: starts }, givesUpRunCalls: starts };
}

async function armApi(house: House, arm: string): Promise<() => Promise<number>> {
  await house.startWorker();
  await house.rearmApi(arm);
  const { passed } = house.api.now;
  return () => passed;
}

async function armWorker(house: House, point: FailPoint, arm: string): Promise<() => Promise<number>> {
  if (point !== 'clusters.owned') {
    const { passed } = (await house.startWorker([arm])).now;
    return () => passed;
  }
  // The second of three takes the clusters of the first over, which was killed in the midst of its work.
  const worker = await house.startWorker(['', `${point}:1:kill`]);
  const inMs = house.dice('first kill').between(300, 2_000);
  return async () => {
    await sleep(inMs);
    worker.now.signal('SIGKILL');
    return worker.hasEnded(2);
  };
}
