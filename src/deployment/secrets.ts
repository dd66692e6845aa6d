/** As Flink 2.3.0 decides which values it hides (GlobalConfiguration.SENSITIVE_KEYS; 1.20.5 has all but api-key): the name holds one of them. */
const sensitiveWords = [
  'password',
  'secret',
  'fs.azure.account.key',
  'apikey',
  'api-key',
  'auth-params',
  'service-key',
  'token',
  'basic-auth',
  'jaas.config',
  'http-headers',
];

export const isSensitive = (key: string): boolean => sensitiveWords.some((word) => key.toLowerCase().includes(word));

/** What stands in an answer in place of a sensitive value; Flink uses the same. */
export const HIDDEN = '******';

const REFERENCE = /\$\{secret:([^}]{0,200})\}/g;
const NAME = /^[A-Za-z_]\w{0,99}$/;
/** `STATEWARD_SECRET_DB` of the worker's environment is `${secret:DB}`. */
const PREFIX = 'STATEWARD_SECRET_';

/** A value as an answer may show it. That a value is nothing but a reference to a secret is no secret. */
export const shownValue = (key: string, value: string): string =>
  isSensitive(key) && !/^\$\{secret:\w+\}$/.test(value) ? HIDDEN : value;

/** Settings as an answer may show them. */
export const shownConfiguration = (configuration: Readonly<Record<string, string>>): { key: string; value: string }[] =>
  Object.entries(configuration).map(([key, value]) => ({ key, value: shownValue(key, value) }));

/** The first reference in a text that no environment can hold, for a message; null: all are well formed. */
export function badReference(text: string): string | null {
  for (const [reference, name = ''] of text.matchAll(REFERENCE)) if (!NAME.test(name)) return reference.slice(0, 60);
  return text.replace(REFERENCE, '').includes('${secret:') ? '${secret:' : null;
}

/** Secrets by their names, out of an environment. */
export function secretsIn(env: Readonly<Record<string, string | undefined>>): ReadonlyMap<string, string> {
  const secrets = new Map<string, string>();
  for (const [variable, value] of Object.entries(env))
    if (variable.startsWith(PREFIX) && value !== undefined) secrets.set(variable.slice(PREFIX.length), value);
  return secrets;
}

/** Secrets that a run needs and that the worker has not got. Nothing may be submitted with their references unresolved. */
export class MissingSecrets {
  readonly message: string;
  /** Of the environment, as they have to be set. */
  readonly variables: string;

  constructor(readonly names: readonly string[]) {
    const variables = (this.variables = names.map((name) => `${PREFIX}${name}`).join(', '));
    this.message =
      `Its arguments or settings name ${names.length === 1 ? 'a secret' : 'secrets'} that the worker has not got: ${names.join(', ')}. ` +
      `Nothing was submitted. Set ${variables} in the environment of every worker, restart them, then start the deployment again.`;
  }
}

/** A text that came back from a program without the values of secrets that it was given: it may have told of them. */
export function withoutSecrets(text: string, secrets: ReadonlyMap<string, string>): string {
  const longestFirst = [...secrets].filter(([, value]) => value !== '').sort(([, a], [, b]) => b.length - a.length);
  return longestFirst.reduce((clean, [name, value]) => clean.replaceAll(value, `\${secret:${name}}`), text);
}

/** Those of the secrets that arguments and settings name. */
export function secretsNamed(
  { programArguments, flinkConfiguration }: ValuesWithSecrets,
  secrets: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const texts = [...programArguments, ...Object.values(flinkConfiguration)];
  const names = new Set(texts.flatMap((text) => [...text.matchAll(REFERENCE)].map(([, name = '']) => name)));
  return new Map([...secrets].filter(([name]) => names.has(name)));
}

export interface ValuesWithSecrets {
  programArguments: readonly string[];
  flinkConfiguration: Readonly<Record<string, string>>;
}

/** Arguments and settings with every `${secret:NAME}` replaced, for the submission alone: the result is never stored, logged or shown. */
export function resolveSecrets(
  { programArguments, flinkConfiguration }: ValuesWithSecrets,
  secrets: ReadonlyMap<string, string>,
): { programArguments: string[]; flinkConfiguration: Record<string, string> } | MissingSecrets {
  const missing = new Set<string>();
  const resolve = (text: string) =>
    text.replace(REFERENCE, (reference, name: string) => {
      const secret = secrets.get(name);
      if (secret === undefined) missing.add(name);
      return secret ?? reference;
    });
  const resolved = {
    programArguments: programArguments.map(resolve),
    flinkConfiguration: Object.fromEntries(
      Object.entries(flinkConfiguration).map(([key, value]) => [key, resolve(value)]),
    ),
  };
  return missing.size > 0 ? new MissingSecrets([...missing].sort()) : resolved;
}
