/**
 * Today's names of settings, each with the deprecated names that Flink 1.20.5 and 2.3.0 still read. Stored and submitted is
 * today's name, so that one setting has one place. A deprecated name may stand for two settings.
 */
const deprecatedNames: Readonly<Record<string, readonly string[]>> = {
  'execution.checkpointing.storage': ['state.checkpoint-storage'],
  'execution.checkpointing.num-retained': ['state.checkpoints.num-retained'],
  'execution.checkpointing.incremental': ['state.backend.incremental'],
  'execution.checkpointing.local-backup.enabled': ['state.backend.local-recovery'],
  'execution.checkpointing.local-backup.dirs': ['taskmanager.state.local.root-dirs'],
  'execution.checkpointing.savepoint-dir': ['state.savepoints.dir', 'savepoints.state.backend.fs.dir'],
  'execution.checkpointing.dir': ['state.checkpoints.dir', 'state.backend.fs.checkpointdir'],
  'execution.checkpointing.create-subdir': ['state.checkpoints.create-subdir'],
  'execution.checkpointing.data-inline-threshold': [
    'state.storage.fs.memory-threshold',
    'state.backend.fs.memory-threshold',
  ],
  'execution.checkpointing.write-buffer-size': [
    'state.storage.fs.write-buffer-size',
    'state.backend.fs.write-buffer-size',
  ],
  'execution.checkpointing.cleaner.parallel-mode': ['state.checkpoint.cleaner.parallel-mode'],
  'execution.checkpointing.unaligned.enabled': ['execution.checkpointing.unaligned'],
  'execution.checkpointing.aligned-checkpoint-timeout': ['execution.checkpointing.alignment-timeout'],
  'execution.checkpointing.checkpoints-after-tasks-finish': [
    'execution.checkpointing.checkpoints-after-tasks-finish.enabled',
  ],
  'execution.state-recovery.from-local': ['state.backend.local-recovery'],
  'execution.state-recovery.approximate-local-recovery': ['execution.checkpointing.approximate-local-recovery'],
  'execution.state-recovery.without-channel-state.checkpoint-id': [
    'execution.checkpointing.recover-without-channel-state.checkpoint-id',
  ],
  'execution.buffer-timeout.interval': ['execution.buffer-timeout'],
  'pipeline.operator-chaining.enabled': ['pipeline.operator-chaining'],
  'restart-strategy.type': ['restart-strategy'],
  'state.backend.type': ['state.backend'],
  'state.changelog.enabled': ['state.backend.changelog.enabled'],
  'state.changelog.storage': ['state.backend.changelog.storage'],
  'state.changelog.max-failures-allowed': ['state.backend.changelog.max-failures-allowed'],
  'state.changelog.periodic-materialize.enabled': ['state.backend.changelog.periodic-materialize.enabled'],
  'state.changelog.periodic-materialize.interval': ['state.backend.changelog.periodic-materialize.interval'],
  'state.latency-track.keyed-state-enabled': ['state.backend.latency-track.keyed-state-enabled'],
  'state.latency-track.sample-interval': ['state.backend.latency-track.sample-interval'],
  'state.latency-track.history-size': ['state.backend.latency-track.history-size'],
  'state.latency-track.state-name-as-variable': ['state.backend.latency-track.state-name-as-variable'],
};

const todaysNamesOf = new Map<string, string[]>();
for (const [today, olds] of Object.entries(deprecatedNames))
  for (const old of olds) todaysNamesOf.set(old, [...(todaysNamesOf.get(old) ?? []), today]);

/** What a name means today: itself, or the one or two settings that a deprecated name stands for. */
export const todaysNames = (key: string): readonly string[] => todaysNamesOf.get(key) ?? [key];

/** The value that a configuration, written with any of its names, has for a setting by today's name; undefined: not set. */
export function valueIn(configuration: Readonly<Record<string, string>>, today: string): string | undefined {
  const names = [today, ...(Object.hasOwn(deprecatedNames, today) ? (deprecatedNames[today] ?? []) : [])];
  const name = names.find((one) => Object.hasOwn(configuration, one));
  return name === undefined ? undefined : configuration[name];
}

/** The same settings under today's names. Where both names are set, today's counts, as in Flink. */
export function withTodaysNames(configuration: Readonly<Record<string, string>>): Record<string, string> {
  const renamed = new Map<string, string>();
  for (const [key, value] of Object.entries(configuration))
    for (const today of todaysNames(key))
      if (today === key || !Object.hasOwn(configuration, today)) renamed.set(today, value);
  return Object.fromEntries(renamed);
}
