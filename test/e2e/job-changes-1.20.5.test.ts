import { describe, it } from '@jest/globals';
import { sceneOfChanges } from '../support/changes-scene.js';
import { describeJobChanges } from '../support/job-changes-on-real-flink.js';
import { whyNoRealFlink } from '../support/real-flink.js';
import { describeSnapshots } from '../support/snapshots-on-real-flink.js';

const reason = await whyNoRealFlink();

describe('on a real Flink 1.20.5', () => {
  if (reason !== null) {
    it.skip(`verdicts come true, and snapshots are read (skipped: ${reason})`, () => undefined);
    return;
  }
  const scene = sceneOfChanges('1.20.5');
  describeSnapshots(scene);
  describeJobChanges(scene);
});
