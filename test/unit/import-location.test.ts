import { describe, expect, it } from '@jest/globals';
import { SnapshotKind } from '../../src/job/snapshot-kind.js';
import { kindByName, problemOfLocation } from '../../src/savepoint/import-location.js';

describe('the location of an import', () => {
  it.each(['s3://bucket/savepoints/savepoint-1', '/shared/savepoint-1/_metadata', 'hdfs://nn/a b%20c'])(
    'may be %s',
    (text) => expect(problemOfLocation(text)).toBeNull(),
  );

  it.each([
    ['', /give the place/],
    ['savepoint-1', /not a location/],
    ['s3://bucket/savepoints/../../secret', /"\.\."/],
    ['file:/a\\..\\b', /"\.\."/],
    ['s3://bucket/a\0b', /control character/],
    [`s3://bucket/${'x'.repeat(2_000)}`, /longer than/],
  ])('may not be %j', (text, why) => expect(problemOfLocation(text)).toMatch(why));
});

describe('what an import is', () => {
  it('is a checkpoint where Flink has named the folder so', () => {
    expect(kindByName('0f/chk-17')).toEqual({ kind: SnapshotKind.CHECKPOINT, flinkCheckpointId: 17 });
    expect(kindByName('chk-3')).toEqual({ kind: SnapshotKind.CHECKPOINT, flinkCheckpointId: 3 });
  });

  it.each(['savepoint-1a-2b', 'chk-3/savepoint-1', 'xchk-3', 'chk-', 'chk-3a'])('is a savepoint at %s', (path) =>
    expect(kindByName(path)).toEqual({ kind: SnapshotKind.SAVEPOINT, flinkCheckpointId: null }),
  );
});
