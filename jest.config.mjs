import { readFileSync } from 'node:fs';

const swcOptions = JSON.parse(readFileSync(new URL('swc-options.json', import.meta.url), 'utf8'));

// ES modules throughout: run with NODE_OPTIONS=--experimental-vm-modules (test/run.mjs does).
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  reporters: ['default', '<rootDir>/test/support/summary-reporter.cjs'],
  testTimeout: 60_000,
  // More than the two cores of CI: most suites wait most of the time, for leases that run out or for a cluster.
  maxWorkers: 3,
  testSequencer: '<rootDir>/test/support/longest-first.mjs',
  transform: {
    '^.+\\.ts$': ['@swc/jest', { ...swcOptions, sourceMaps: 'inline' }],
  },
};
