import { describe, expect, it } from '@jest/globals';
import { CheckCompatibilityInput } from '../../src/check/check.types.js';
import { checkInput } from '../../src/check/check-settings.js';

const ID = '0f8fad5b-d9cb-469f-a165-70867728950e';
const fieldOf = (input: Partial<CheckCompatibilityInput>) =>
  checkInput(Object.assign(new CheckCompatibilityInput(), input))?.field ?? null;

describe('what a check names', () => {
  it.each<[string, Partial<CheckCompatibilityInput>, string | null]>([
    ['nothing', {}, 'deploymentId'],
    ['a deployment alone', { deploymentId: ID }, null],
    ['a deployment with another jar', { deploymentId: ID, artifactId: ID }, null],
    ['a deployment and a cluster', { deploymentId: ID, clusterId: ID, artifactId: ID }, 'deploymentId'],
    ['a cluster without a jar', { clusterId: ID, savepointId: ID }, 'artifactId'],
    ['a cluster and a jar without a state', { clusterId: ID, artifactId: ID }, 'savepointId'],
    ['a cluster, a jar and a place', { clusterId: ID, artifactId: ID, location: 'file:/x' }, null],
    ['an empty place, which is one', { deploymentId: ID, location: '' }, null],
    ['two states', { deploymentId: ID, savepointId: ID, checkpointId: `${ID}:7` }, 'checkpointId'],
    ['a checkpoint as a savepoint', { deploymentId: ID, savepointId: `${ID}:7` }, 'savepointId'],
    ['no possible parallelism', { deploymentId: ID, parallelism: 32_769 }, 'parallelism'],
    ['a secret that can have no name', { deploymentId: ID, programArguments: ['${secret:a b}'] }, 'programArguments'],
  ])('%s', (_, input, field) => {
    expect(fieldOf(input)).toBe(field);
  });
});
