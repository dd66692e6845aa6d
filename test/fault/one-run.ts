import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from './course.js';
import { type BackEnd, openHouse } from './house.js';
import type { Scenario } from './plan.js';

export interface PlannedRun {
  scenario: Scenario;
  backEnd: BackEnd;
  seed: number;
}

export const nameOf = ({ scenario, backEnd, seed }: PlannedRun): string => `${scenario.name} ${backEnd} seed ${seed}`;

/** Sets up, breaks, judges and clears away. Logs stay only of a run that failed. */
export async function doRun(run: PlannedRun, logRoot: string, full: boolean): Promise<Outcome> {
  const { scenario, backEnd, seed } = run;
  const logFolder = join(logRoot, nameOf(run).replaceAll(/[^\w.-]+/g, '-'));
  rmSync(logFolder, { recursive: true, force: true });
  const outcome = await attempt(async () => {
    const house = await openHouse({ ...scenario.set, name: scenario.name, seed, backEnd, logFolder });
    try {
      return await scenario.run(house, full);
    } finally {
      await house.close();
    }
  });
  if (outcome.violations.length === 0) rmSync(logFolder, { recursive: true, force: true });
  return outcome;
}

/** A run that could not be carried through has not passed. */
async function attempt(work: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await work();
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { asked: 0, ended: 0, recoveryMs: null, violations: [`the run broke off: ${text}`] };
  }
}
