import type { HeldByOperators } from '../../demo/fake-flink/snapshot-files.js';
import { operatorIdOf } from '../../src/flink/operator-id.js';
import * as written from './metadata-writer.js';

const VERSION = 6; // Flink 2.3.0
export const COUNTER_FILE = 'counter-state';
const COUNTER_BYTES = Buffer.alloc(500, 7);

const operatorOf = (uid: string, keyed?: Buffer, more: Partial<written.WrittenOperator> = {}) =>
  written.operator(VERSION, {
    id: operatorIdOf(uid),
    name: uid,
    uid,
    subtasks: [written.subtask(VERSION, { index: 0, ...(keyed && { keyed }) })],
    ...more,
  });

/** What the test job holds: a source without state, and a counter whose state lies in a file beside `_metadata`. */
export const heldByCounter = ({
  counterUid,
  backend = 'ANY',
}: {
  counterUid: string;
  /** Whose form it is in; ANY: it is canonical. */
  backend?: 'ANY' | 'HASHMAP';
}): HeldByOperators => ({
  operators: [
    operatorOf('source'),
    operatorOf(
      counterUid,
      written.keyGroups(backend === 'ANY' ? 7 : 12, written.relative(COUNTER_FILE, COUNTER_BYTES.length)),
    ),
  ],
  files: { [COUNTER_FILE]: COUNTER_BYTES },
});

/** The same of a job that gives its counter no uid. */
export const heldWithoutUid = (): HeldByOperators => ({
  operators: [
    operatorOf('source'),
    operatorOf('counter', written.keyGroups(7, written.relative(COUNTER_FILE, COUNTER_BYTES.length)), {
      id: 'c'.repeat(32),
      uid: '',
    }),
  ],
  files: { [COUNTER_FILE]: COUNTER_BYTES },
});
