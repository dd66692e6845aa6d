import { InvalidInput } from '../api/user-error.js';
import { badReference } from './secrets.js';

/** How long a start may take before it is told of, where nobody says otherwise. */
export const START_DEADLINE_MS = 600_000;
const LONGEST_DEADLINE_MS = 7 * 86_400_000;

/** Fields of a definition that can be judged by themselves, as they are to be stored. */
export interface Definition {
  name: string;
  programArguments: readonly string[];
  parallelism: number | null;
  startDeadlineMs: number;
}

/** The refusal that names the first field that cannot be; null: none. */
export function checkDefinition(definition: Partial<Definition>): InvalidInput | null {
  const { name, programArguments, parallelism, startDeadlineMs } = definition;
  if (name !== undefined && (name.length < 1 || name.length > 100))
    return new InvalidInput('name', 'give 1 to 100 characters.');
  if (parallelism !== undefined && parallelism !== null && (parallelism < 1 || parallelism > 32_768))
    return new InvalidInput('parallelism', `${parallelism} is not between 1 and 32768.`);
  const reference = programArguments?.map(badReference).find((bad) => bad !== null);
  if (reference)
    return new InvalidInput(
      'programArguments',
      `${reference} names no secret. Write \${secret:NAME}, with letters, digits and underscores.`,
    );
  if (startDeadlineMs !== undefined && (startDeadlineMs < 1_000 || startDeadlineMs > LONGEST_DEADLINE_MS))
    return new InvalidInput('startDeadlineMs', `${startDeadlineMs} ms is not between 1 s and 7 days.`);
  return null;
}

/** `parallelism` goes before the setting of the same meaning, in silence: given differently, one of the two is a mistake. */
export function checkParallelism(
  parallelism: number | null,
  configuration: Readonly<Record<string, string>>,
): InvalidInput | null {
  const setting = configuration['parallelism.default'];
  if (parallelism === null || setting === undefined || Number(setting) === parallelism) return null;
  return new InvalidInput(
    'parallelism',
    `it is given twice, as ${parallelism} and as "${setting}" (parallelism.default). Keep one.`,
  );
}
