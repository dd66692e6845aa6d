import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { DateTime } from '../api/scalars.js';
import { StatefulOperator } from '../compatibility/compared-operator.types.js';

export enum StateLookResult {
  WHOLE = 'WHOLE',
  DAMAGED = 'DAMAGED',
  NOT_TOLD = 'NOT_TOLD',
}
registerEnumType(StateLookResult, {
  name: 'StateLookResult',
  description: 'How the state of a start was found.',
  valuesConfig: {
    WHOLE: { description: 'All of its files are there, with the sizes that they should have.' },
    DAMAGED: { description: 'Files are gone or cut short, or its _metadata cannot be read.' },
    NOT_TOLD: { description: 'Stateward could not look at all of it; why says what kept it.' },
  },
});

@ObjectType({ description: 'The look at the state that a run was to start from, before it was submitted.' })
export class StateLook {
  @Field(() => StateLookResult, { description: 'How it was found.' })
  result!: StateLookResult;

  @Field(() => String, { nullable: true, description: 'What is damaged, or kept Stateward from looking; else null.' })
  why!: string | null;

  @Field(() => DateTime, { description: 'When it was looked at, on the clock of the database.' })
  asOf!: Date;
}

export enum RestoreCheckState {
  PENDING = 'PENDING',
  SAME = 'SAME',
  DIFFERS = 'DIFFERS',
  NOT_TOLD = 'NOT_TOLD',
}
registerEnumType(RestoreCheckState, {
  name: 'RestoreCheckState',
  description: 'What the first snapshot of a run tells of the state that it was started from.',
  valuesConfig: {
    PENDING: { description: 'None of its own has completed, or been read, yet.' },
    SAME: { description: 'Every operator with state has it, and none that holds state has started empty.' },
    DIFFERS: { description: 'Operators have started empty, or state was not taken.' },
    NOT_TOLD: { description: 'One of the two snapshots could not be read; why says what kept it.' },
  },
});

@ObjectType({
  description:
    'Whether a run holds what it was started from, by the first snapshot of its own that could be read: operators are compared by their ids, as Flink maps them.',
})
export class RestoreCheck {
  @Field(() => RestoreCheckState, { description: 'What came of it.' })
  state!: RestoreCheckState;

  @Field(() => String, { nullable: true, description: 'In words: the differences, or why nothing is told.' })
  why!: string | null;

  @Field(() => [StatefulOperator], {
    description: 'Hold state of which the source had nothing under their ids; with the bytes that they hold now.',
  })
  startedEmpty!: StatefulOperator[];

  @Field(() => [StatefulOperator], {
    description: 'Held state in the source and are not in the run: it was dropped. With the bytes that they held.',
  })
  dropped!: StatefulOperator[];

  @Field(() => [StatefulOperator], {
    description:
      'Held state in the source and are not in the run under that id, though nothing was allowed to be dropped: setUidHash gave their state to others.',
  })
  underAnotherId!: StatefulOperator[];

  @Field(() => [StatefulOperator], {
    description:
      'Have nothing left of what the source held, which is no fault by itself: windows fire, lists are read. With the bytes that they held.',
  })
  emptied!: StatefulOperator[];

  @Field(() => [StatefulOperator], {
    nullable: true,
    description: 'Hold state under uids that the plan of the program has not got; null where no plan is known.',
  })
  notPlanned!: StatefulOperator[] | null;

  @Field(() => DateTime, { nullable: true, description: 'When it was compared; null while PENDING.' })
  asOf!: Date | null;
}
