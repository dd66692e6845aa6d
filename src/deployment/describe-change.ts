import type { Deployment } from './deployment.entity.js';
import type { DeploymentDefinition } from './deployment.store.js';
import { shownValue } from './secrets.js';

/** Names for a person, in place of ids. */
export interface ChangeNames {
  cluster: { before: string; after: string };
  artifact: { before: string | null; after: string | null };
}

const MOST = 20;
const clip = (text: string) => (text.length > 80 ? `${text.slice(0, 80)}…` : text);

/** What a change of a deployment changes, in words; empty: nothing. Secrets are hidden. */
export function describeChange(
  before: Deployment,
  change: Partial<DeploymentDefinition>,
  names: ChangeNames,
): string[] {
  const after = { ...before, ...withoutAbsent(change) };
  const words: string[] = [];
  const differ = (what: string, one: string | number | null, other: string | number | null, none: string) => {
    if (one === other) return;
    const text = (value: string | number | null) => (value === null ? none : clip(String(value)));
    words.push(`${what} ${text(other)} (was ${text(one)})`);
  };
  differ('name', before.name, after.name, '');
  if (before.clusterId !== after.clusterId) {
    differ('cluster', names.cluster.before, names.cluster.after, '');
    if (before.adoptedJobId !== null)
      words.push(`it follows job ${before.adoptedJobId} no more, which is one of cluster ${names.cluster.before}`);
    if (before.adoptedJobName !== null)
      words.push(`it follows whatever runs as "${clip(before.adoptedJobName)}" there`);
  }
  if (before.artifactId !== after.artifactId)
    words.push(`jar ${names.artifact.after ?? 'none'} (was ${names.artifact.before ?? 'none'})`);
  differ('entry class', before.entryClass, after.entryClass, "the jar's");
  differ('arguments', JSON.stringify(before.programArguments), JSON.stringify(after.programArguments), '');
  differ('parallelism', before.parallelism, after.parallelism, "the cluster's");
  differ('savepoint format', before.savepointFormat, after.savepointFormat, 'by state backend');
  differ('start deadline', `${before.startDeadlineMs} ms`, `${after.startDeadlineMs} ms`, '');
  words.push(...recordsDiffer(before.flinkConfiguration, after.flinkConfiguration, shownValue));
  words.push(...recordsDiffer(before.labels, after.labels, (_, value) => value, 'label '));
  return words.length > MOST ? [...words.slice(0, MOST), `and ${words.length - MOST} more`] : words;
}

const withoutAbsent = (change: Partial<DeploymentDefinition>): Partial<DeploymentDefinition> =>
  Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));

function recordsDiffer(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
  shown: (key: string, value: string) => string,
  prefix = '',
): string[] {
  const own = (record: Readonly<Record<string, string>>, key: string) =>
    Object.hasOwn(record, key) ? (record[key] ?? null) : null;
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys.flatMap((key) => {
    const [one, other] = [own(before, key), own(after, key)];
    if (one === other) return [];
    const text = (value: string | null) => (value === null ? 'not set' : clip(shown(key, value)));
    return [`${prefix}${key} ${text(other)} (was ${text(one)})`];
  });
}
