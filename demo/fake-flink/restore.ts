import { captured, failureCauseIn, firstError, hasCaptured } from './captured-replies.js';
import type { FlinkVersion, JsonObject } from './captured-replies.js';
import type { Cluster } from './cluster.js';
import type { ProgramTraits } from './job-checkpoints.js';
import { foldLocation, inspectSnapshot, localPath, METADATA_VERSION } from './snapshot-files.js';
import { unknownScheme } from './unknown-scheme.js';

/** What a run with a savepoint path would restore, or why Flink refuses it. */

export interface RestoreWish {
  /** As it was asked for. */
  savepointPath: string;
  allowNonRestoredState: boolean;
  parallelism: number;
  program: ProgramTraits;
}

/** A captured `run-restore-…`, and what of its texts is exchanged. */
export interface RestoreRefusal {
  fixture: string;
  replacements: [string, string][];
}

export type RestoreVerdict = { id: number; location: string } | RestoreRefusal;

/** Of a job that sets none and is no wider. */
const MAX_PARALLELISM = 128;
const COUNTER = '0da08f51eaa85fc298e176a139b3649a';

export function readRestore(cluster: Cluster, wish: RestoreWish): RestoreVerdict {
  const { version, folder, knownLocations, goneLocations, knobs } = cluster;
  const asked = wish.savepointPath;
  const folded = foldLocation(asked, folder);
  if (folded.kind !== 'location') {
    const own = unknownScheme(version, firstError(version, 'run-restore-unknown-scheme'), folded);
    return { fixture: 'run-restore-unknown-scheme', replacements: [['s3://bucket/sp', asked], own] };
  }
  const location = folded.location.replace(/\/_metadata$/, '');
  const known = knownLocations.get(location);
  const unmapped = known === undefined ? null : whyUnmapped(version, wish, location, known);
  if (unmapped !== null) return unmapped;
  const file = localPath(folded.location);
  const isGone = goneLocations.has(location);
  // Another file system, or a snapshot made with `writesFiles` off: nothing to look at.
  if (!isGone && (file === null || (known !== undefined && !knobs.writesFiles)))
    return { id: known?.id ?? 1, location };
  const found = file === null ? { kind: 'no-such-path' as const } : inspectSnapshot(file);
  const fixture = `run-restore-${found.kind === 'truncated' ? 'truncated-metadata' : found.kind}`;
  const askedThen = savepointPathOf(version, fixture);
  if (found.kind === 'no-such-path') return { fixture, replacements: [[askedThen, asked]] };
  if (found.kind === 'no-metadata') return { fixture, replacements: [[oneSlash(askedThen), location]] };
  if (found.kind !== 'whole') return { fixture, replacements: [] };
  if (found.formatVersion > METADATA_VERSION[version]) return refuseVersion(version, found.formatVersion);
  return { id: found.checkpointId, location };
}

/** Captured of 1.20.5 alone; the causes of 2.3.0 are built like those of another refusal with as many. */
function refuseVersion(version: FlinkVersion, formatVersion: number): RestoreRefusal {
  const own = `Unrecognized checkpoint version number: ${String(formatVersion)}`;
  const name = 'run-restore-other-version';
  if (hasCaptured(version, name)) {
    return { fixture: name, replacements: [['Unrecognized checkpoint version number: 6', own]] };
  }
  const fixture = 'run-restore-missing-operator';
  const known = /java\.lang\.IllegalStateException: Failed to rollback[^\n]*/.exec(firstError(version, fixture))?.[0];
  return { fixture, replacements: [[known ?? '\u0000', `java.lang.IllegalArgumentException: ${own}`]] };
}

/** Checked in Flink's order: parallelism, max parallelism, then operators. */
function whyUnmapped(
  version: FlinkVersion,
  { parallelism, program, allowNonRestoredState }: RestoreWish,
  location: string,
  known: ProgramTraits,
): RestoreRefusal | null {
  const refuse = (fixture: string, replacements: [RegExp, string][]): RestoreRefusal => ({
    fixture,
    replacements: replacements.map(([pattern, own]) => [
      pattern.exec(firstError(version, fixture))?.[0] ?? '\u0000',
      own,
    ]),
  });
  const knownMaximum = known.maxParallelism ?? MAX_PARALLELISM;
  if (parallelism > knownMaximum) {
    return refuse('run-restore-parallelism-too-high', [
      [/The maximum parallelism \(\d+\)/, `The maximum parallelism (${String(knownMaximum)})`],
      [/the configured parallelism \(\d+\)/, `the configured parallelism (${String(parallelism)})`],
      [/(?<=state for task )[0-9a-f]{32}/, COUNTER],
    ]);
  }
  if (program.maxParallelism !== null && program.maxParallelism !== knownMaximum) {
    return refuse('run-restore-max-parallelism', [
      [/(?<=Cannot map operator )[0-9a-f]{32}/, COUNTER],
      [/with max parallelism \d+/, `with max parallelism ${String(knownMaximum)}`],
      [/(?<=new program with max parallelism )\d+/, String(program.maxParallelism)],
    ]);
  }
  if (program.counterUid === known.counterUid || allowNonRestoredState) return null;
  return refuse('run-restore-missing-operator', [
    [/(?<=checkpoint\/savepoint )file:[^\s]+(?=\. Cannot map)/, location],
    [/(?<=state for operator )[0-9a-f]{32}/, COUNTER],
  ]);
}

/**
 * The same refusal where the adaptive scheduler tells it: in the execution result alone, wrapped otherwise. A refusal that
 * was not captured there is given the causes of the default scheduler's.
 */
export function adaptiveTraceOf(version: FlinkVersion, { fixture, replacements }: RestoreRefusal): string {
  const like = failureCauseIn(captured(version, 'execution-result-restore-no-such-path-adaptive').body);
  const [, ...frames] = (like?.['stack-trace'] ?? '').split('Caused by: ')[0]?.split('\n') ?? [];
  const trace = firstError(version, fixture);
  const from = trace.indexOf(
    'Caused by: java.util.concurrent.CompletionException',
    trace.indexOf('JobInitializationException: '),
  );
  // There the exception is not put into a RuntimeException on its way.
  const links = (from < 0 ? `Caused by: ${trace}` : trace.slice(from))
    .replaceAll('CompletionException: java.lang.RuntimeException: ', 'CompletionException: ')
    .split(/^(?=Caused by: )/m)
    .filter((link) => !link.startsWith('Caused by: java.lang.RuntimeException: '));
  const causes = links.join('');
  const [first = ''] = causes.slice('Caused by: '.length).split('\n');
  const whole = [`java.util.concurrent.CompletionException: ${first}`, ...frames].join('\n') + causes;
  return replacements.reduce((text, [known, own]) => text.replaceAll(known, own), whole);
}

/** The path that was asked for when the refusal was captured. */
function savepointPathOf(version: FlinkVersion, fixture: string): string {
  if (!hasCaptured(version, fixture)) return '\u0000';
  const { body } = captured(version, fixture).request;
  return String((body as JsonObject | undefined)?.['savepointPath'] ?? '\u0000');
}

const oneSlash = (text: string): string => text.replace(/^file:\/+/, 'file:/');
