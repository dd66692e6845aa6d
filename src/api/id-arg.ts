import { Arg, ID } from 'type-graphql';
import { AppError } from '../errors.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A malformed id is a broken request (BAD_USER_INPUT), a well-formed one of nothing is `null` or NOT_FOUND. */
export function checkId(field: string, id: string): void {
  if (!UUID.test(id))
    throw new AppError(
      'BAD_USER_INPUT',
      `${field}: "${id.slice(0, 60)}" is not an id. Ids are UUIDs, such as those in the answers of this API.`,
    );
}

/** An argument that holds the id of one object. */
export const IdArg = (name: string, description: string) =>
  Arg(name, () => ID, { description, validateFn: (value: unknown) => checkId(name, String(value)) });

const CHECKPOINT = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}):(\d{1,15})$/i;

/** A checkpoint has no id of ours: it goes by its run and the id that Flink gave it. null: this is none of that form. */
export function readCheckpointId(id: string): { jobId: string; flinkCheckpointId: number } | null {
  const [, jobId, number] = CHECKPOINT.exec(id) ?? [];
  return jobId && number ? { jobId: jobId.toLowerCase(), flinkCheckpointId: Number(number) } : null;
}
