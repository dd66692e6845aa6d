import { describe, it } from '@jest/globals';
import { describeLife } from '../support/life-of-a-deployment.js';
import { whyNoRealFlink } from '../support/real-flink.js';

const reason = await whyNoRealFlink();

if (reason === null) describeLife('1.20.5');
else
  describe('on a real Flink 1.20.5', () => {
    it.skip(`a deployment lives its whole life (skipped: ${reason})`, () => undefined);
  });
