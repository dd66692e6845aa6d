import { describe, it } from '@jest/globals';
import { describeDeletions } from '../support/deletions-on-real-flink.js';
import { describeLife } from '../support/life-of-a-deployment.js';
import { whyNoRealFlink } from '../support/real-flink.js';
import { sceneOnRealFlink } from '../support/real-scene.js';
import { describeSchedules } from '../support/schedules-on-real-flink.js';
import { describeStops } from '../support/stops-on-real-flink.js';

const reason = await whyNoRealFlink();

describe('on a real Flink 2.3.0', () => {
  if (reason !== null) {
    it.skip(`a deployment lives its whole life (skipped: ${reason})`, () => undefined);
    return;
  }
  const scene = sceneOnRealFlink({ version: '2.3.0', slots: 24 });
  describeLife(scene);
  describeStops(scene);
  describeDeletions(scene);
  describeSchedules(scene);
});
