import { registerEnumType } from 'type-graphql';

export enum SnapshotKind {
  CHECKPOINT = 'CHECKPOINT',
  SAVEPOINT = 'SAVEPOINT',
}
registerEnumType(SnapshotKind, {
  name: 'SnapshotKind',
  description: 'The two kinds of snapshots of Flink.',
  valuesConfig: {
    CHECKPOINT: { description: 'Made and deleted by Flink by itself.' },
    SAVEPOINT: { description: 'Made because somebody asked for it; Flink never deletes it by itself.' },
  },
});
