import type { Connection } from '../api/connection.js';
import type { Page } from '../db/pages.js';
import type { Stretch } from './checkpoint-page.js';
import type { Checkpoint } from './checkpoint.types.js';
import type { CheckpointFilterInput } from './history.types.js';

/**
 * The time that a page of a history stands for: from the row before it (or the end of what was asked for) down to its
 * own last row (or the beginning), so that pages side by side leave no time out.
 */
export function stretchOf(
  page: Page,
  { edges, pageInfo }: Connection<Checkpoint>,
  { from, to, jobId }: Partial<CheckpointFilterInput>,
): Stretch {
  const last = edges.at(-1)?.node.triggeredAt ?? null;
  return {
    to: page.after ? new Date(page.after.at) : (to ?? null),
    from: pageInfo.hasNextPage ? last : (from ?? null),
    jobId: jobId ?? null,
  };
}
