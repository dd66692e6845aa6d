import js from '@eslint/js';
import importX, { createNodeResolver } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/** Nouns form a line: each may use those before it, never one behind it. */
const nouns = [
  'cluster',
  'artifact',
  'deployment',
  'job',
  'savepoint',
  'checkpoint',
  'compatibility',
  'run',
  'check',
  'schedule',
  'deletion',
  'left-behind',
  'retention',
  'drift',
];
const nounZones = nouns.map((noun, index) => ({
  target: `./src/${noun}`,
  from: nouns.slice(index + 1).map((later) => `./src/${later}`),
  message: `${noun} comes before it in the line of nouns (docs/architecture.md): turn the dependency round.`,
}));

/** A noun's SQL is its own: others call its use cases and find-…. */
const storeZones = nouns.map((noun) => ({
  target: nouns.filter((other) => other !== noun).map((other) => `./src/${other}`),
  from: `./src/${noun}/${noun}.store.ts`,
  message: `The store of ${noun} is its own. Use find-${noun}.ts or a use case of it.`,
}));

const zones = [
  { target: './src', from: ['./worker', './test', './demo', './bench'], message: 'src/ stands by itself.' },
  { target: ['./worker', './demo'], from: './test', message: 'Nothing that ships imports test/.' },
  {
    target: './src/flink',
    from: ['./src/api', './src/db', './src/queue', './src/event', ...nouns.map((noun) => `./src/${noun}`)],
    message: 'flink/ knows Flink and nothing else.',
  },
  {
    target: './src/storage',
    from: ['./src/api', './src/db', './src/queue', './src/flink', ...nouns.map((noun) => `./src/${noun}`)],
    message: 'storage/ knows storages and nothing else.',
  },
  {
    target: './src/db',
    from: ['./src/api', './src/queue', ...nouns.map((noun) => `./src/${noun}`)],
    message: 'db/ carries the nouns and knows none.',
  },
  {
    target: './src/queue',
    from: ['./src/api', './src/flink', ...nouns.map((noun) => `./src/${noun}`)],
    message: 'queue/ carries ids.',
  },
  ...nounZones.filter(({ from }) => from.length > 0),
  ...storeZones,
];

const only = (name, files) => ({ name, message: `Only in ${files}.` });

export default tseslint.config(
  {
    ignores: [
      'dist',
      'dist.new',
      'node_modules',
      '.stateward',
      '.stateward-demo',
      '.stateward-demo-simulated',
      '.cache',
      'demo/fake-flink/replies',
      'schema',
    ],
  },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  importX.flatConfigs.typescript,
  {
    plugins: { 'import-x': importX },
    settings: {
      'import-x/resolver-next': [
        createNodeResolver({ extensions: ['.ts', '.js', '.mjs'], extensionAlias: { '.js': ['.ts', '.js'] } }),
      ],
    },
    rules: {
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'import-x/no-restricted-paths': ['error', { zones }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-console': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    files: ['src/**/*.ts', 'worker/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            only('bullmq', 'src/queue/ and worker/run-task.ts'),
            only('ioredis', 'src/queue/'),
            only('undici', 'src/flink/'),
            only('@aws-sdk/client-s3', 'src/storage/s3-….ts, which are loaded when a storage is in S3'),
          ],
        },
      ],
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'The environment is read in the main files and given to loadConfig.',
        },
        { object: 'process', property: 'exit', message: 'Only main files end the process.' },
        { object: 'process', property: 'on', message: 'Only main files listen for signals.' },
      ],
    },
  },
  {
    files: ['src/queue/**/*.ts', 'worker/run-task.ts', 'src/flink/**/*.ts', 'src/storage/s3-*.ts'],
    rules: { 'no-restricted-imports': 'off' },
  },
  {
    files: [
      'src/main.ts',
      'src/standalone.ts',
      'worker/main.ts',
      'demo/**/*.ts',
      'prepare.mjs',
      'schema/**',
      'test/**',
      'bench/**',
    ],
    rules: { 'no-restricted-properties': 'off', 'no-console': 'off' },
  },
  {
    files: ['**/*.mjs', '**/*.cjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        module: 'writable',
        require: 'readonly',
        globalThis: 'readonly',
        SharedArrayBuffer: 'readonly',
        Atomics: 'readonly',
        URL: 'readonly',
      },
    },
  },
);
