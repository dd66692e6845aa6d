import { registerEnumType } from 'type-graphql';

export enum StartStrategy {
  NONE = 'NONE',
  LATEST_STATE = 'LATEST_STATE',
  LATEST_SAVEPOINT = 'LATEST_SAVEPOINT',
  FROM_SAVEPOINT = 'FROM_SAVEPOINT',
  FROM_CHECKPOINT = 'FROM_CHECKPOINT',
  FROM_LOCATION = 'FROM_LOCATION',
}
registerEnumType(StartStrategy, {
  name: 'StartStrategy',
  description: 'Which state a run starts from. There is no default: a job never starts empty by accident.',
  valuesConfig: {
    NONE: { description: 'Without state, explicitly.' },
    LATEST_STATE: { description: 'The newest restorable state of the last run that took hold.' },
    LATEST_SAVEPOINT: { description: 'The newest savepoint, going back run by run.' },
    FROM_SAVEPOINT: { description: 'The savepoint named by savepointId.' },
    FROM_CHECKPOINT: { description: 'The checkpoint named by checkpointId.' },
    FROM_LOCATION: { description: 'A path below a storage root, named by location.' },
  },
});
