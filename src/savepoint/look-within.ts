import type { SnapshotLook } from './look-at-snapshot.js';

/** A look that was not waited for to its end: nothing is known by it. */
export interface LookEnded {
  kind: 'ENDED';
  afterMs: number;
}

/** Ends a look after a time, whatever it waits for; a call into a storage that hangs is then left to itself. */
export async function lookWithin(
  ms: number,
  look: (signal: AbortSignal) => Promise<SnapshotLook>,
): Promise<SnapshotLook | LookEnded> {
  const end = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const ended = new Promise<LookEnded>((resolve) => {
    timer = setTimeout(() => {
      resolve({ kind: 'ENDED', afterMs: ms });
      end.abort(new Error(`the look was ended after ${ms} ms`));
    }, ms);
  });
  const looking = look(end.signal);
  looking.catch(() => undefined); // what comes of it after its end concerns nobody; before that the race tells
  try {
    return await Promise.race([looking, ended]);
  } finally {
    clearTimeout(timer);
  }
}
