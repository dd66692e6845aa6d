import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import TestSequencer from '@jest/test-sequencer';

const testFolder = fileURLToPath(new URL('..', import.meta.url));

/**
 * What takes half a minute or more, begun first, so that none of it is what everybody waits for at the end. jest itself knows only from
 * earlier runs what takes long, and a clean checkout has none. Those with a real cluster stand between others: its start needs both cores.
 */
const LONG = [
  'e2e/life-kills',
  'unit/schedule/next-slot.property',
  'unit/metadata/damaged-metadata',
  'e2e/start-from-state',
  'contract/flink-2.3.0',
  'e2e/deletion-kills',
  'e2e/faults',
  'contract/flink-1.20.5',
  'e2e/stops',
  'e2e/compatibility-troubles',
  'e2e/savepoint-faults',
  'e2e/real-flink',
  'e2e/standalone',
  'e2e/checkpoints-watched',
  'e2e/life-2.3.0',
  'e2e/stop-troubles',
  'e2e/before-a-start',
  'contract/flink-1.20.5-adaptive',
  'e2e/deletion-faults',
  'e2e/frozen-worker',
  'integration/embedded-postgres',
  'e2e/job-changes-2.3.0',
  'e2e/worker-kills',
  'e2e/redis',
  'contract/flink-2.3.0-adaptive',
  'e2e/starts',
  'e2e/savepoint',
  'e2e/life-1.20.5',
  'e2e/start-troubles',
  'e2e/stop-kills',
  'e2e/checkpoints',
  'e2e/job-changes-1.20.5',
  'e2e/simulated-demo',
  'e2e/deletion',
  'e2e/savepoint-lost',
  'e2e/savepoint-contents',
  'e2e/compatibility-checks',
  'integration/verdict-in-plan',
  'e2e/schedule-tries',
  'e2e/clusters',
].map((name) => `${name}.test.ts`);

export default class LongestFirst extends TestSequencer {
  sort(tests) {
    const gone = LONG.filter((name) => !existsSync(`${testFolder}${name}`));
    if (gone.length > 0) throw new Error(`There is no ${gone.join(', ')}: take it off the list in ${import.meta.url}.`);
    const place = ({ path }) => LONG.indexOf(relative(testFolder, path).replaceAll('\\', '/'));
    const long = tests.filter((test) => place(test) >= 0).sort((a, b) => place(a) - place(b));
    return [...long, ...super.sort(tests.filter((test) => place(test) < 0))];
  }
}
