import type { Snapshot } from './job-checkpoints.js';
import type { Timeline } from './timeline.js';

/** Acknowledgements that rise in even steps with `fraction` (0 to 1), and never reach all subtasks before the end. */
export function risingWith(
  timeline: Timeline,
  subtasks: number,
  steps: number,
  fraction: () => number,
): Snapshot['progress'] {
  let reached = { step: 0, at: -1 };
  return () => {
    const step = Math.floor(Math.min(1, fraction()) * steps);
    if (step > reached.step) reached = { step, at: timeline.now() };
    const share = Math.floor((subtasks * reached.step) / Math.max(1, steps));
    return { acknowledged: Math.min(Math.max(0, subtasks - 1), share), latestAckAt: reached.at };
  };
}

/** The same, over a time that begins now. */
export function risingInSteps(
  timeline: Timeline,
  subtasks: number,
  durationMs: number,
  steps: number,
): Snapshot['progress'] {
  const startedAt = timeline.now();
  return risingWith(timeline, subtasks, steps, () => (timeline.now() - startedAt) / Math.max(1, durationMs));
}
