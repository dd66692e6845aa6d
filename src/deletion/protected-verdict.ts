import { DeletionObstacle } from '../checkpoint/checkpoint.enums.js';
import type { Verdict } from '../checkpoint/restorable.js';
import type { Protection } from './protection.js';

/** Whether a savepoint that is Stateward's and COMPLETED may be deleted: by where it lies, and by what needs it. */
export function protectedVerdict(
  location: string | null,
  placeProblem: string | null,
  protections: readonly Protection[],
): Verdict<DeletionObstacle> {
  if (placeProblem !== null) {
    return {
      obstacle: DeletionObstacle.NOT_CONTAINED,
      reason: `Stateward deletes nothing there: ${placeProblem}.`,
      unlockedBy: `When nothing needs it any more, remove it by hand: ${location}`,
    };
  }
  if (protections.length === 0) return { obstacle: null, reason: null, unlockedBy: null };
  return {
    obstacle: DeletionObstacle.PROTECTED,
    reason: protections.map(({ kind, message }) => `${kind}: ${message}`).join(' '),
    unlockedBy: `It can be when ${protections.map(({ unlock }) => unlock).join(', and ')}.`,
  };
}
