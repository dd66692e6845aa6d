import type { AdvanceDeletionDeps } from '../deletion/deletion-deps.js';

/** What every step of a disposal works with. */
export interface AdvanceLeftBehindDeps extends AdvanceDeletionDeps {
  config: { leftBehindAfterMs: number };
}
