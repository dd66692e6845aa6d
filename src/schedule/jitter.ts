import { createHash } from 'node:crypto';

/** How long after its slot a deployment's savepoint is asked for (SC-9): 0 to `maxSeconds`, always the same for a deployment. */
export function jitterMs(deploymentId: string, maxSeconds: number): number {
  const share = createHash('sha256').update(deploymentId).digest().readUIntBE(0, 6) / 2 ** 48;
  return Math.floor(share * (maxSeconds * 1_000 + 1));
}
