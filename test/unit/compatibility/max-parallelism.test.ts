import { expect, it } from '@jest/globals';
import { defaultMaxParallelism } from '../../../src/compatibility/max-parallelism.js';
import { firstFlinkWith, readsMetadataUpTo } from '../../../src/compatibility/metadata-version.js';

it.each([
  [1, 128],
  [85, 128],
  [86, 256],
  [170, 256],
  [171, 256],
  [172, 512],
  [21_845, 32_768],
  [32_768, 32_768],
])('a parallelism of %i gets %i key groups where nobody sets them', (parallelism, keyGroups) => {
  expect(defaultMaxParallelism(parallelism)).toBe(keyGroups);
});

it.each([
  ['1.15', 3],
  ['1.16', 4],
  ['1.20', 4],
  ['2.0', 5],
  ['2.1', 6],
  ['2.3', 6],
  ['2.4', null],
  ['3.0', null],
])('Flink %s reads _metadata up to version %s', (flink, version) => {
  const [major = 0, minor = 0] = flink.split('.').map(Number);
  expect(readsMetadataUpTo({ major, minor })).toBe(version);
  if (version !== null) expect(readsMetadataUpTo(versionOf(firstFlinkWith(version)))).toBe(version);
});

function versionOf(flink: string | null) {
  const [major = 0, minor = 0] = (flink ?? '').split('.').map(Number);
  return { major, minor };
}
