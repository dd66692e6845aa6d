/** How long the calls into a storage may take. */
export interface StorageLimits {
  /** A call that is out for longer holds up nobody else: a storage that is well answers in milliseconds, over a bad network in a second. */
  slowMs: number;
  /** From then on the storage does not answer. A server that takes over from another needs some seconds; a dead mount is silent for minutes, or for ever. */
  silentMs: number;
}

/** No answer; `soon`: of a storage that is slow to answer somebody else, and not known yet to be silent. */
export class StorageSilent extends Error {
  override readonly name = 'StorageSilent';
  constructor(
    message: string,
    readonly soon: boolean,
  ) {
    super(message);
  }
}

/**
 * A call that hangs cannot be taken back: it holds one of the threads (4, unless UV_THREADPOOL_SIZE says otherwise) in which Node does
 * all its work on files and looks up all names. Two are for storages. Where both are held by storages that are silent, such as two on
 * one dead mount, a third is for the others, which go on one at a time; should one of these be silent too, no more is asked. The fourth
 * is left to the rest of the process, whatever hangs.
 */
const AT_ONCE = 2;
const BESIDE_SILENT = 1;

interface Out {
  since: number;
  state: 'QUICK' | 'SLOW' | 'SILENT';
}

interface Waiting {
  begin(): void;
  turnAway(error: StorageSilent): void;
}

/**
 * All calls of this process into file systems that may hang, such as network mounts. Of each storage one is out at a time, and the
 * storages take turns. While it hangs nothing else is asked of that storage: whoever waits behind it, or comes later, is turned away.
 */
export class StorageCalls {
  /** By the folder that a storage is read by. */
  private readonly out = new Map<string, Out>();
  private readonly waiting = new Map<string, Waiting[]>();

  constructor(private readonly limits: StorageLimits) {}

  /** Rejects with {@link StorageSilent} when there is no answer in time; the call itself is then still out. */
  call<T>(root: string, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const silence = this.silence(root);
      if (silence) return reject(silence);
      const one: Waiting = { begin: () => this.begin(root, work, resolve, reject), turnAway: reject };
      const queue = this.waiting.get(root);
      if (queue) queue.push(one);
      else this.waiting.set(root, [one]);
      this.next();
    });
  }

  private begin<T>(root: string, work: () => Promise<T>, resolve: (answer: T) => void, reject: (why: unknown) => void) {
    const { slowMs, silentMs } = this.limits;
    const out: Out = { since: performance.now(), state: 'QUICK' };
    this.out.set(root, out);
    let timer = setTimeout(() => {
      out.state = 'SLOW';
      this.turnAway();
      timer = setTimeout(() => {
        out.state = 'SILENT';
        reject(this.silence(root));
      }, silentMs - slowMs);
    }, slowMs);
    void work()
      .then(resolve, reject)
      .finally(() => {
        clearTimeout(timer);
        this.out.delete(root);
        this.next();
      });
  }

  private next(): void {
    for (const [root, queue] of this.waiting) {
      if (this.out.size >= this.places) return;
      if (this.out.has(root)) continue;
      const one = queue.shift();
      this.waiting.delete(root);
      if (queue.length > 0) this.waiting.set(root, queue); // behind the others
      one?.begin();
    }
  }

  private turnAway(): void {
    for (const [root, queue] of this.waiting) {
      const silence = this.silence(root);
      if (!silence) continue;
      this.waiting.delete(root);
      for (const one of queue) one.turnAway(silence);
    }
  }

  private get places(): number {
    const silent = [...this.out.values()].filter(({ state }) => state === 'SILENT').length;
    return silent < AT_ONCE ? AT_ONCE : AT_ONCE + BESIDE_SILENT;
  }

  /** Why a storage is not asked now; null: it is, at once or in its turn. */
  private silence(root: string): StorageSilent | null {
    const own = this.out.get(root);
    if (own) return own.state === 'QUICK' ? null : notAnswered(own);
    const others = [...this.out.entries()];
    if (others.length < this.places || others.some(([, { state }]) => state === 'QUICK')) return null;
    return new StorageSilent(
      `other storages do not answer, and no more is asked meanwhile (${others.map(([other]) => other).join(', ')})`,
      others.some(([, { state }]) => state === 'SLOW'),
    );
  }
}

const notAnswered = ({ since, state }: Out) =>
  new StorageSilent(`it has not answered for ${Math.round((performance.now() - since) / 1_000)} s`, state === 'SLOW');

/** Those of this process. */
export const storageCalls = new StorageCalls({ slowMs: 2_000, silentMs: 15_000 });
