import { registerEnumType } from 'type-graphql';

export enum CatchUp {
  ONE = 'ONE',
  NONE = 'NONE',
}
registerEnumType(CatchUp, {
  name: 'CatchUp',
  description: 'What is done about slots that were missed: not decided within 60 s, since no worker ran.',
  valuesConfig: {
    ONE: {
      description: 'One savepoint for all that were missed, unless the next slot is less than 10 min away.',
    },
    NONE: { description: 'None is made for them.' },
  },
});

export enum SlotOutcome {
  FIRED = 'FIRED',
  SKIPPED = 'SKIPPED',
}
registerEnumType(SlotOutcome, {
  name: 'SlotOutcome',
  description: 'What became of a slot.',
  valuesConfig: {
    FIRED: { description: 'A savepoint was accepted for it.' },
    SKIPPED: { description: 'None was; reason and message say why.' },
  },
});

export enum SlotReason {
  NOT_RUNNING = 'NOT_RUNNING',
  IN_PROGRESS = 'IN_PROGRESS',
  BLACKOUT = 'BLACKOUT',
  MISSED = 'MISSED',
  PAUSED = 'PAUSED',
  STOPPING = 'STOPPING',
  UNREACHABLE = 'UNREACHABLE',
  NO_SAVEPOINT_ROOT = 'NO_SAVEPOINT_ROOT',
  CLUSTER_CHANGED = 'CLUSTER_CHANGED',
  AMBIGUOUS_JOB = 'AMBIGUOUS_JOB',
}
registerEnumType(SlotReason, {
  name: 'SlotReason',
  description: 'Why a slot was skipped.',
  valuesConfig: {
    NOT_RUNNING: { description: 'Not every task of the deployment was running; the message names its state.' },
    IN_PROGRESS: { description: 'A savepoint of the deployment was under way, or waited for its turn.' },
    BLACKOUT: { description: 'It lay in a blackout window of the schedule.' },
    MISSED: { description: 'No worker decided it within 60 s of its time.' },
    PAUSED: { description: 'The schedule was paused.' },
    STOPPING: { description: 'A stop of the deployment had been accepted.' },
    UNREACHABLE: { description: 'The cluster did not answer.' },
    NO_SAVEPOINT_ROOT: { description: 'The cluster had no place for savepoints.' },
    CLUSTER_CHANGED: { description: 'The cluster was CHANGED: nothing is triggered there until it is confirmed.' },
    AMBIGUOUS_JOB: { description: 'Two jobs had the name that the deployment follows.' },
  },
});
