import { NotNow } from '../deletion/look-for-rest.js';

/** Until the next one that found all places taken asks again. */
const TAKEN_AGAIN_MS = 3_000;

/**
 * Looks right before something is disposed of, which may read very much from a storage that is slow: few at once in a process, and none is
 * waited for without end. One that was not waited for to its end keeps its place until it comes there.
 */
export class FreshLooks {
  private atWork = 0;

  constructor(private readonly bounds: { atOnce: number; withinMs: number }) {}

  /**
   * null: it was not waited for any longer.
   * @throws NotNow where others are at it
   */
  async look<T>(look: () => Promise<T>): Promise<T | null> {
    if (this.atWork >= this.bounds.atOnce) throw new NotNow(TAKEN_AGAIN_MS);
    this.atWork += 1;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), this.bounds.withinMs);
    });
    const looking = look().finally(() => {
      this.atWork -= 1;
    });
    looking.catch(() => undefined); // what comes of it after its end concerns nobody; before that the race tells
    try {
      return await Promise.race([looking, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
