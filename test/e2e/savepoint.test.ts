import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type FakeFlink, startFakeFlink } from '../support/fake-flink.js';
import { createSavepoint, endOfSavepoint, runningDeployment } from '../support/scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';

let stateward: Stateward;
let flink: FakeFlink;
beforeEach(async () => {
  flink = await startFakeFlink();
  stateward = await startStateward();
});
afterEach(async () => {
  await stateward.stop();
  await flink.stop();
});

describe('a savepoint', () => {
  it('goes from request to COMPLETED, with its location, details and data', async () => {
    const { deploymentId } = await runningDeployment(stateward, flink);
    const asked = await createSavepoint(stateward, deploymentId, { description: 'before the upgrade' });
    expect(asked).toMatchObject({ __typename: 'Savepoint', state: 'IN_PROGRESS' });
    const ended = await endOfSavepoint(stateward, asked.id);
    expect(ended).toMatchObject({ state: 'COMPLETED', detailsState: 'REPORTED', data: 'PRESENT', failure: null });
    expect(flink.savepointsMade.map((made) => made.location)).toEqual([ended.location]);
    expect(ended.location).toContain(`/${deploymentId}/${asked.id}/1/savepoint-`);
  });
});
