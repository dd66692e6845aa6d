import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FlinkVersion } from '../../demo/fake-flink/captured-replies.js';
import type { AnswerShape } from '../support/answer-shape.js';
import { REAL_FLINK_START_MS, whyNoRealFlink } from '../support/real-flink.js';
import { ADAPTIVE_CASES } from './cases/adaptive-cases.js';
import { CHECKPOINT_CASES } from './cases/checkpoint-cases.js';
import { CLUSTER_CASES } from './cases/cluster-cases.js';
import { CHECKPOINT_LIFE_CASES } from './cases/checkpoint-life-cases.js';
import { DISPOSAL_CASES } from './cases/disposal-cases.js';
import { JAR_CASES } from './cases/jar-cases.js';
import { JOB_CASES } from './cases/job-cases.js';
import { RESTORE_CASES } from './cases/restore-cases.js';
import { SAVEPOINT_CASES } from './cases/savepoint-cases.js';
import { SAVEPOINT_REFUSAL_CASES } from './cases/savepoint-refusal-cases.js';
import { RESTORE_REFUSAL_CASES } from './cases/restore-refusal-cases.js';
import { STOP_CASES } from './cases/stop-cases.js';
import { STOP_OUTCOME_CASES } from './cases/stop-outcome-cases.js';
import type { ContractCase } from './contract-case.js';
import { ContractSession } from './contract-session.js';
import { ADAPTIVE_CLUSTER, DEFAULT_CLUSTER, type ContractCluster, type ContractTarget } from './contract-target.js';
import { startFakeTarget } from './fake-target.js';
import { startRealTarget } from './real-target.js';

const CASES: ContractCase[] = [
  ...CLUSTER_CASES,
  ...JOB_CASES,
  ...CHECKPOINT_CASES,
  ...CHECKPOINT_LIFE_CASES,
  ...SAVEPOINT_CASES,
  ...SAVEPOINT_REFUSAL_CASES,
  ...STOP_CASES,
  ...STOP_OUTCOME_CASES,
  ...JAR_CASES,
  ...RESTORE_CASES,
  ...RESTORE_REFUSAL_CASES,
  ...DISPOSAL_CASES,
];

/** Each case at the fake alone, and beside a real cluster of the same version, where both must answer in the same shapes. */
export async function describeContract(version: FlinkVersion): Promise<void> {
  await describeCases(`Flink ${version}`, version, DEFAULT_CLUSTER, CASES);
}

/** The same of a cluster with the adaptive scheduler, a short history and no checkpoint directory, by the cases that are made for it. */
export async function describeAdaptiveContract(version: FlinkVersion): Promise<void> {
  await describeCases(`adaptive Flink ${version}`, version, ADAPTIVE_CLUSTER, ADAPTIVE_CASES);
}

async function describeCases(
  name: string,
  version: FlinkVersion,
  cluster: ContractCluster,
  cases: ContractCase[],
): Promise<void> {
  const reason = await whyNoRealFlink();
  const checkFake = async (one: ContractCase): Promise<Record<string, AnswerShape>> => {
    const fake = await startFakeTarget(version, cluster);
    try {
      return await check(fake, one);
    } finally {
      await fake.stop();
    }
  };

  describe(`the fake ${name}`, () => {
    it.each(cases)('$name', checkFake);
  });

  describe(`a real ${name}, and the fake beside it`, () => {
    if (reason !== null) {
      it.skip(`answer alike (skipped: ${reason})`, () => undefined);
      return;
    }
    let real: ContractTarget;
    beforeAll(async () => {
      real = await startRealTarget(version, cluster);
    }, REAL_FLINK_START_MS);
    afterAll(() => real?.stop(), 30_000);

    it.each(cases)('$name', async (one) => {
      const seen = await check(real, one);
      expect(await checkFake(one)).toEqual(seen);
    });
  });
}

async function check(target: ContractTarget, { holds }: ContractCase): Promise<Record<string, AnswerShape>> {
  const session = new ContractSession(target);
  // It is ended also when the case does not hold; but then that is what the test says.
  const [held] = await Promise.allSettled([holds(session)]);
  const [ended] = await Promise.allSettled([session.end()]);
  const failure = [held, ended].find((outcome) => outcome.status === 'rejected');
  if (failure) throw failure.reason;
  return session.shapes;
}
