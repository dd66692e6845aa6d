import type { BackendName } from './compatibility.types.js';

const KEYS = ['state.backend.type', 'state.backend'];

/** Whether settings say anything of it. Where they do not, Flink takes HASHMAP, unless the program sets another. */
export const isBackendSet = (...settings: Readonly<Record<string, string>>[]): boolean =>
  settings.some((of) => KEYS.some((key) => of[key] !== undefined));

/** As Flink would read it from settings, those of the run before those of the cluster; the program may still set another. */
export function backendOf(
  run: Readonly<Record<string, string>>,
  cluster: Readonly<Record<string, string>>,
): BackendName {
  const told = [run, cluster]
    .flatMap((settings) => KEYS.map((key) => settings[key]))
    .find((value) => value !== undefined);
  if (told === undefined) return 'HASHMAP';
  const name = told.trim().toLowerCase();
  if (name === 'hashmap' || name === 'filesystem' || name === 'jobmanager') return 'HASHMAP';
  return name === 'rocksdb' || name === 'forst' ? name.toUpperCase() : null;
}
