/** `<deployment>/<savepoint id>/<attempt>/savepoint-…`: the directory of an attempt of ours, which nobody else asks Flink for. */
const OURS =
  /\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/\d+\/savepoint-[^/]+$/;

/** The id of a savepoint in such a path, as far as that is known: a copy elsewhere has it too. */
export const savepointIdIn = (location: string): string | null =>
  /\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/\d+\/savepoint-[^/]+$/.exec(location)?.[1] ?? null;

/**
 * The id of the savepoint of ours that lies at a location, by its path alone; null: it is none of this deployment's. Only what completed
 * has a path: an attempt of ours that failed or is under way is known by its time, where that can be known (`our-savepoint.store.ts`).
 */
export function ourSavepointAt(location: string | null, deploymentId: string): string | null {
  const [, deployment, savepoint] = OURS.exec(location ?? '') ?? [];
  return deployment === deploymentId && savepoint !== undefined ? savepoint : null;
}
