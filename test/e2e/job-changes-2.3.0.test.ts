import { describe, it } from '@jest/globals';
import { sceneOfChanges } from '../support/changes-scene.js';
import { describeJobChanges, describeVersionChanges } from '../support/job-changes-on-real-flink.js';
import { whyNoRealFlink } from '../support/real-flink.js';
import { describeSnapshots } from '../support/snapshots-on-real-flink.js';

const reason = await whyNoRealFlink();

describe('on a real Flink 2.3.0', () => {
  if (reason !== null) {
    it.skip(`verdicts come true, and snapshots are read (skipped: ${reason})`, () => undefined);
    return;
  }
  const older = sceneOfChanges('1.20.5');
  const scene = sceneOfChanges('2.3.0');
  describeSnapshots(scene);
  describeJobChanges(scene);
  describeVersionChanges(older, scene);
});
