import { describe, expect, it } from '@jest/globals';
import { failure, read } from '../../support/metadata-files.js';
import {
  absolute,
  all,
  bytes,
  changelog,
  changesInFiles,
  changesInMemory,
  channel,
  finished,
  grouped,
  i32,
  i64,
  i8,
  incremental,
  inline,
  keyGroups,
  list,
  MAGIC,
  masterState,
  mergedChannel,
  metadata,
  none,
  operator,
  operatorState,
  pair,
  relative,
  savepointProperties,
  segment,
  subtask,
  utf,
} from '../../support/metadata-writer.js';

const VERSIONS = [2, 3, 4, 5, 6];
const of = (version: number, written: Parameters<typeof subtask>[1]) =>
  metadata(version, [operator(version, { subtasks: [subtask(version, written)] })]);

describe('what no snapshot here holds', () => {
  it.each(VERSIONS)('an operator with state, and one without, in version %i', async (version) => {
    const counter = operator(version, {
      id: '0123456789abcdef0123456789abcdef',
      name: 'counter',
      uid: 'uid-1',
      parallelism: 2,
      maxParallelism: 512,
      coordinator: inline('xyz'),
      subtasks: [
        subtask(version, {
          index: 1,
          keyed: keyGroups(7, inline('12345')),
          operator: operatorState({ a: 0, b: 2 }, inline('1')),
        }),
        subtask(version, {
          index: 0,
          rawKeyed: keyGroups(3, inline('12')),
          rawOperator: operatorState({ u: 1 }, inline('1')),
        }),
      ],
    });
    const got = await read(metadata(version, [counter, operator(version)]), 3);
    expect(got.operators).toHaveLength(2);
    expect(got.operators[0]).toEqual({
      id: '0123456789abcdef0123456789abcdef',
      name: version >= 5 ? 'counter' : null,
      uid: version >= 5 ? 'uid-1' : null,
      parallelism: 2,
      maxParallelism: 512,
      coordinatorBytes: version === 2 ? 0 : 3,
      fullyFinished: false,
      subtasks: [1, 0],
      finishedSubtasks: [],
      stateBytes: { operator: 2, keyed: 7, channel: 0 },
      operatorStates: new Map([
        ['a', 'SPLIT'],
        ['b', 'BROADCAST'],
        ['u', 'UNION'],
      ]),
    });
    expect(got.properties).toEqual({ kind: 'SAVEPOINT', format: 'CANONICAL', drained: version >= 4 ? false : null });
    expect(got.backends).toEqual(['CANONICAL', 'HEAP']);
  });

  it('an old version of which nothing tells what it is', async () => {
    expect((await read(of(3, { index: 0, keyed: keyGroups(12, inline('x')) }))).properties).toEqual({
      kind: null,
      format: null,
      drained: null,
    });
  });

  it.each([3, 6])('finished subtasks and operators, in version %i', async (version) => {
    const got = await read(
      metadata(version, [
        operator(version, { subtasks: [finished(0), finished(3), subtask(version, { index: 1 })] }),
        operator(version, { subtasks: null }),
      ]),
    );
    expect(got.operators).toMatchObject([
      { subtasks: [1], finishedSubtasks: [0, 3], fullyFinished: false },
      { subtasks: [], finishedSubtasks: [], fullyFinished: true },
    ]);
  });

  it.each<[string, Buffer, number, string[]]>([
    [
      'of old increments',
      incremental(5, relative('meta', 10), [pair('1.sst', absolute('s3://b/1', 20))], [pair('own', inline('123'))]),
      33,
      ['ROCKSDB_OR_FORST'],
    ],
    [
      'of increments',
      incremental(11, relative('meta', 10), [pair('1.sst', segment('s3://b/1', 5, 20))], []),
      30,
      ['ROCKSDB_OR_FORST'],
    ],
    [
      'of an old changelog',
      changelog(8, [keyGroups(12, inline('12'))], [changesInMemory('1', '23')]),
      5,
      ['HEAP', 'CHANGELOG'],
    ],
    [
      'of a changelog on increments',
      changelog(14, [incremental(11, relative('m', 4), [], [])], [changesInFiles(13, absolute('s3://b/c', 7))]),
      11,
      ['ROCKSDB_OR_FORST', 'CHANGELOG'],
    ],
    ['of old changes in files', changesInFiles(10, relative('c', 6), relative('d', 1)), 7, ['CHANGELOG']],
    ['of key groups within a stream', keyGroups(3, grouped(inline('1234'))), 4, ['HEAP']],
    ['that is none', none, 0, []],
  ])('keyed state %s', async (_, keyed, size, backends) => {
    for (const chunk of [1, 1_000]) {
      const got = await read(
        metadata(6, [operator(6, { subtasks: [subtask(6, { index: 0, keyed })] }), operator(6)]),
        chunk,
      );
      expect(got.operators.map(({ stateBytes }) => stateBytes.keyed)).toEqual([size, 0]);
      expect(got.backends).toEqual(backends);
    }
  });

  it.each([10, 13] as const)('changes in files, of which none is as long as its handle says (%s)', async (type) => {
    const keyed = changelog(
      14,
      [incremental(11, absolute('s3://b/m', 4), [], [])],
      [changesInFiles(type, absolute('s3://b/c', 7), absolute('s3://b/d', 0))],
    );
    const got = await read(metadata(6, [operator(6, { subtasks: [subtask(6, { index: 0, keyed })] })]));
    expect(got.files).toEqual([
      { kind: 'ABSOLUTE', location: 's3://b/m', sizeBytes: 4 },
      { kind: 'CHANGES', location: 's3://b/c', sizeBytes: 7 },
      { kind: 'CHANGES', location: 's3://b/d', sizeBytes: 0 },
    ]);
  });

  it('channel state, before version 6 and from it on', async () => {
    const old = await read(of(5, { index: 0, input: [channel(10, relative('c', 99))], output: [channel(5, none)] }));
    expect(old.operators[0]?.stateBytes.channel).toBe(15);
    const today = of(6, {
      index: 0,
      input: [channel(10, relative('c', 99), 1), mergedChannel(3, 3, none)],
      output: [channel(20, none, 2), mergedChannel(4, 4, none)],
    });
    const got = await read(today, 1);
    expect(got.operators[0]?.stateBytes.channel).toBe(37);
    expect([...got.handles.channel.keys()].sort()).toEqual([1, 2, 3, 4]);
    expect(got.files).toEqual([{ kind: 'RELATIVE', name: 'c', sizeBytes: 99 }]);
  });

  it('master states', async () => {
    const got = await read(
      metadata(4, [operator(4)], { masterStates: [masterState('hook', 'data'), masterState('b', '')] }),
      2,
    );
    expect(got.masterStates).toEqual([
      { version: 1, name: 'hook', bytes: 4 },
      { version: 1, name: 'b', bytes: 0 },
    ]);
  });

  it('names in any letters, as Java writes them', async () => {
    const name = 'Zähler \u20ac \ud83d\ude00';
    const got = await read(metadata(6, [operator(6, { name, uid: 'ü' })]), 1);
    expect(got.operators[0]).toMatchObject({ name, uid: 'ü' });
  });

  it.each([
    ['NUL as Java writes it', utf('a\u0000b'), 'a\ufffdb'],
    ['NUL as it is', all(Buffer.from([0, 3]), Buffer.from('a\0b')), 'a\ufffdb'],
    ['the first half of a pair', utf('a\ud83d'), 'a\ufffd'],
    ['the second half of a pair', utf('\ude00ü'), '\ufffdü'],
    ['halves the wrong way round', utf('\ude00\ud83d\ud83d\ude00'), '\ufffd\ufffd\ud83d\ude00'],
  ])('what no database stores is not told of a name: %s', async (_, written, told) => {
    const file = [utf('NAME'), utf('UID')].reduce(
      (text, one) => text.replace(one.toString('latin1'), () => written.toString('latin1')),
      metadata(6, [operator(6, { name: 'NAME', uid: 'UID' })]).toString('latin1'),
    );
    for (const size of [1, 1_000]) {
      const got = await read(Buffer.from(file, 'latin1'), size);
      expect(got.operators[0]).toMatchObject({ name: told, uid: told });
    }
  });

  it('nor of a state, or of a file', async () => {
    const operator = operatorState({ 'offsets\u0000': 0 }, relative('o\ud83d', 1));
    const keyed = incremental(11, relative('m\u0000', 2), [pair('a', absolute('s3://b/\u0000', 3))], []);
    const got = await read(of(6, { index: 0, operator, keyed }));
    expect([...(got.operators[0]?.operatorStates.keys() ?? [])]).toEqual(['offsets\ufffd']);
    expect(got.files.map((file) => (file.kind === 'RELATIVE' ? file.name : file.location))).toEqual([
      'o\ufffd',
      'm\ufffd',
      's3://b/\ufffd',
    ]);
  });

  it('tells each file with its size, and where in it', async () => {
    const keyed = incremental(
      11,
      relative('meta', 1),
      [pair('a', absolute('s3://b/shared/a', 2)), pair('a', absolute('s3://b/shared/a', 2))],
      [pair('b', segment('s3://b/merged', 100, 3))],
    );
    expect((await read(of(6, { index: 0, keyed }))).files).toEqual([
      { kind: 'RELATIVE', name: 'meta', sizeBytes: 1 },
      { kind: 'ABSOLUTE', location: 's3://b/shared/a', sizeBytes: 2 },
      { kind: 'ABSOLUTE', location: 's3://b/shared/a', sizeBytes: 2 },
      { kind: 'SEGMENT', location: 's3://b/merged', fromByte: 100, sizeBytes: 3 },
    ]);
  });
});

describe('what is no _metadata of Flink 1.3 to 2.3', () => {
  const header = (version: number) => all(i32(MAGIC), i32(version));

  it.each<[string, Buffer, string, number, RegExp]>([
    ['an empty file', Buffer.alloc(0), 'TRUNCATED', 0, /empty/],
    ['another file', Buffer.from('PK\u0003\u0004 a jar'), 'NOT_METADATA', 0, /does not begin/],
    ['less than a header', Buffer.from([0x49, 0x60]), 'TRUNCATED', 0, /ends here/],
    ['version 1', header(1), 'VERSION_NOT_SUPPORTED', 4, /1\.2 and before/],
    ['version 7', header(7), 'VERSION_NOT_SUPPORTED', 4, /version 7 is not known/],
    ['version 99', header(99), 'VERSION_NOT_SUPPORTED', 4, /version 99/],
    ['a version below all', header(-1), 'VERSION_NOT_SUPPORTED', 4, /version -1/],
    ['an id of a checkpoint below 0', all(header(6), i64(-1)), 'CORRUPT', 8, /no id/],
    ['a number that cannot be', all(header(6), i64(2n ** 62n)), 'CORRUPT', 8, /cannot be true/],
    ['fewer than no operators', all(header(6), i64(1), i32(0), i32(-2)), 'CORRUPT', 20, /-2 operators/],
    ['fewer than no subtasks of version 2', metadata(2, [operator(2, { subtasks: null })]), 'CORRUPT', 52, /subtasks/],
    [
      'a master state that begins otherwise',
      all(header(6), i64(1), list(all(i32(1), bytes(i32(1))))),
      'CORRUPT',
      20,
      /begins otherwise/,
    ],
    [
      'a master state of no length',
      all(header(6), i64(1), list(all(i32(0xc96b1696 | 0), i32(0)))),
      'CORRUPT',
      24,
      /0 bytes/,
    ],
    [
      'a name that is longer than its master state',
      all(header(6), i64(1), list(all(i32(0xc96b1696 | 0), i32(5), i32(1), utf('longer')))),
      'CORRUPT',
      40,
      /longer/,
    ],
    [
      'an unknown kind of stream',
      metadata(6, [operator(6, { coordinator: i8(42) })]),
      'CORRUPT',
      52,
      /42 is no type of a stream/,
    ],
    [
      'an unknown kind of keyed state',
      of(6, { index: 0, keyed: i8(6) }),
      'CORRUPT',
      69,
      /6 is no type of a handle of keyed/,
    ],
    [
      'an unknown kind of operator state',
      of(6, { index: 0, operator: i8(5) }),
      'CORRUPT',
      65,
      /5 is no type of a handle of operator/,
    ],
    [
      'an unknown distribution',
      of(6, { index: 0, operator: operatorState({ a: 3 }, none) }),
      'CORRUPT',
      73,
      /3 is no way/,
    ],
    [
      'an unknown kind of channel',
      of(6, { index: 0, input: [i8(9)] }),
      'CORRUPT',
      75,
      /9 is no type of a handle of channel/,
    ],
    [
      'a flag that is none',
      metadata(6, [operator(6, { subtasks: [all(i32(0), i32(2))] })]),
      'CORRUPT',
      61,
      /2 cannot say/,
    ],
    ['a negative size', of(6, { index: 0, keyed: keyGroups(7, relative('a', -1)) }), 'CORRUPT', 98, /size of -1/],
    [
      'state of an old kind',
      metadata(2, [operator(2, { subtasks: [all(i32(0), i64(0), i32(1))] })]),
      'CORRUPT',
      68,
      /old kind/,
    ],
    ['a text that is none', metadata(6, [Buffer.from([0, 2, 0xff, 0xfe])]), 'CORRUPT', 26, /modified UTF-8/],
    ['more after the end of version 3', all(metadata(3, [operator(3)]), i8(0)), 'CORRUPT', 53, /must end/],
    [
      'no properties in version 4',
      metadata(4, [operator(4)], { properties: Buffer.alloc(0) }),
      'TRUNCATED',
      53,
      /no properties/,
    ],
    [
      'other properties',
      metadata(4, [operator(4)], { properties: Buffer.from('properties') }),
      'CORRUPT',
      53,
      /no properties/,
    ],
    [
      'properties of something else',
      metadata(4, [operator(4)], { properties: Buffer.from([0xac, 0xed, 0, 5, 0]) }),
      'TRUNCATED',
      58,
      /without a word/,
    ],
    [
      'a format that is none',
      metadata(4, [operator(4)], { properties: savepointProperties('ODD') }),
      'TRUNCATED',
      119,
      /not whole/,
    ],
  ])('%s is told, with where', async (_, file, code, offset, message) => {
    for (const chunk of [1, 1 << 20]) {
      const error = await failure(file, chunk);
      expect([error.code, error.offset]).toEqual([code, offset]);
      expect(error.message).toMatch(message);
      expect(error.message).toContain(`At byte ${offset} of _metadata`);
    }
  });

  it('handles within handles without an end are no way to fill the stack', async () => {
    const streams = all(...Array.from({ length: 100_000 }, () => all(i8(3), i32(0), i32(0))));
    expect(await failure(metadata(6, [operator(6, { coordinator: streams })]))).toMatchObject({ code: 'CORRUPT' });
    const logs = all(...Array.from({ length: 100_000 }, () => all(i8(14), i32(0), i32(1), i64(0), i32(1))));
    expect(await failure(of(6, { index: 0, keyed: logs }))).toMatchObject({ code: 'CORRUPT' });
  });

  it('numbers of things that nothing could hold are met by the end of the file, at once and without memory', async () => {
    const most = i32(0x7fffffff);
    const before = process.memoryUsage().rss;
    for (const file of [
      all(header(6), i64(1), most),
      all(header(6), i64(1), i32(0), most),
      metadata(6, [operator(6, { coordinator: all(i8(1), utf(''), most) })]),
      metadata(6, [operator(6, { coordinator: all(i8(3), i32(0), most) })]),
      of(6, { index: 0, keyed: all(i8(11), i64(1), utf(''), i64(0), i64(0), none, most) }),
      of(6, { index: 0, operator: all(i8(4), most) }),
    ]) {
      const error = await failure(file);
      expect(['TRUNCATED', 'CORRUPT']).toContain(error.code);
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20);
  });

  it('what follows the operators is not kept without an end', async () => {
    const error = await failure(metadata(6, [], { properties: Buffer.alloc(1 << 20, 0xac) }), 4_096);
    expect(error).toMatchObject({ code: 'CORRUPT', message: expect.stringContaining('follow the operators') });
  });

  it('what the source throws goes through', async () => {
    const { readMetadata } = await import('../../../src/flink/metadata/read-metadata.js');
    async function* broken() {
      yield metadata(6, [operator(6)]).subarray(0, 30);
      throw new Error('the storage went away');
    }
    await expect(readMetadata(broken())).rejects.toThrow('the storage went away');
  });
});
