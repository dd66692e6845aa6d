import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { registerCluster, uploadJob } from './scenario.js';
import { startStateward, type Stateward } from './stateward.js';

export interface OneCluster {
  stateward: Stateward;
  flink: FakeFlink;
  clusterId: string;
  artifactId: string;
}

/** One Stateward for the file, of which no worker looks at anything; for each test a fake cluster of its own, and a jar. */
export function eachOnOneCluster(take: (made: OneCluster) => void): void {
  let stateward: Stateward;
  let flink: FakeFlink;
  beforeAll(async () => {
    stateward = await startStateward({ worker: false });
  });
  afterAll(() => stateward.stop());
  beforeEach(async () => {
    flink = await startFakeFlink();
    const clusterId = await registerCluster(stateward, flink.url, randomUUID());
    take({ stateward, flink, clusterId, artifactId: await uploadJob(stateward) });
  });
  afterEach(() => flink.stop());
}
