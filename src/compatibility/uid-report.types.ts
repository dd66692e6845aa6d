import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import { DateTime } from '../api/scalars.js';
import { StatefulOperator } from './compared-operator.types.js';

export enum UidReportState {
  ALL_SET = 'ALL_SET',
  SOME_NOT_SET = 'SOME_NOT_SET',
  NOT_TOLD = 'NOT_TOLD',
}
registerEnumType(UidReportState, {
  name: 'UidReportState',
  description: 'Whether the operators of a job that hold state have uids.',
  valuesConfig: {
    ALL_SET: { description: 'Every operator with state has one.' },
    SOME_NOT_SET: { description: 'Some with state have none: the next change of the job may lose it.' },
    NOT_TOLD: { description: 'It cannot be told; why says what is missing.' },
  },
});

@ObjectType({ description: 'An operator with state whose id comes from the graph around it.' })
export class OperatorWithoutUid extends StatefulOperator {
  @Field(() => Int, { description: 'Its parallelism in that snapshot.' })
  parallelism!: number;
}

@ObjectType({
  description: 'Which operators with state have no uid, by the newest snapshot of the deployment that was read.',
})
export class UidReport {
  @Field(() => UidReportState, { description: 'What it comes to.' })
  state!: UidReportState;

  @Field(() => String, {
    nullable: true,
    description: 'Why it cannot be told, or what to do; null: nothing is to be done.',
  })
  why!: string | null;

  @Field(() => DateTime, { nullable: true, description: 'When that snapshot was read; null: none was.' })
  asOf!: Date | null;

  @Field(() => String, { nullable: true, description: 'Which snapshot it was, in words; null: none was read.' })
  source!: string | null;

  @Field(() => [OperatorWithoutUid], { description: 'Those without one, with the most state first.' })
  operators!: OperatorWithoutUid[];
}
