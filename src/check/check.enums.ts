import { registerEnumType } from 'type-graphql';

export enum CheckState {
  PENDING = 'PENDING',
  IN_PROGRESS = 'IN_PROGRESS',
  COMPLETED = 'COMPLETED',
  FAILED = 'FAILED',
}
registerEnumType(CheckState, {
  name: 'CheckState',
  description: 'Where a compatibility check stands.',
  valuesConfig: {
    PENDING: { description: 'Accepted and durable; no worker has begun it.' },
    IN_PROGRESS: { description: 'A worker reads the state, or has Flink plan the program.' },
    COMPLETED: { description: 'There is a verdict.' },
    FAILED: { description: 'There is none; `failure` says why.' },
  },
});

export enum CheckFailureCode {
  PROGRAM_FAILED = 'PROGRAM_FAILED',
  PLAN_TIMED_OUT = 'PLAN_TIMED_OUT',
  PLAN_LOST = 'PLAN_LOST',
  PLAN_REFUSED = 'PLAN_REFUSED',
  MAIN_ENDED_JOBMANAGER = 'MAIN_ENDED_JOBMANAGER',
  JAR_REFUSED = 'JAR_REFUSED',
  ARTIFACT_MISSING = 'ARTIFACT_MISSING',
  SECRET_MISSING = 'SECRET_MISSING',
  CLUSTER_NOT_AVAILABLE = 'CLUSTER_NOT_AVAILABLE',
  NOT_FOLLOWED = 'NOT_FOLLOWED',
}
registerEnumType(CheckFailureCode, {
  name: 'CheckFailureCode',
  description: 'Why a compatibility check failed.',
  valuesConfig: {
    PROGRAM_FAILED: {
      description: 'main() threw an exception, wanted other arguments, or ended without a job (no execute()).',
    },
    PLAN_TIMED_OUT: { description: 'main() had not made a job within 10 min.' },
    PLAN_REFUSED: { description: 'The cluster, or a proxy before it, does not let a program be planned.' },
    PLAN_LOST: { description: 'Flink gave no answer, again and again, although it runs.' },
    MAIN_ENDED_JOBMANAGER: {
      description: 'The JobManager process ended while it ran main(): as by System.exit. It is not tried again.',
    },
    JAR_REFUSED: { description: 'The cluster did not take the jar.' },
    ARTIFACT_MISSING: { description: "The jar's file is not in the artifact folder." },
    SECRET_MISSING: { description: 'An argument or a setting names a secret that the worker has not got.' },
    CLUSTER_NOT_AVAILABLE: {
      description: 'The cluster did not answer, put a plan off, or was CHANGED, for 10 min; or it was removed.',
    },
    NOT_FOLLOWED: { description: 'Stateward could not go on with it; the message says why.' },
  },
});

export enum PlanSource {
  ASKED = 'ASKED',
  REMEMBERED = 'REMEMBERED',
}
registerEnumType(PlanSource, {
  name: 'PlanSource',
  description: 'Where the operators of the program are known from.',
  valuesConfig: {
    ASKED: { description: 'Flink ran main() for this check.' },
    REMEMBERED: {
      description: 'Flink had planned the same jar with the same settings on the same version before: `plannedAt`.',
    },
  },
});
