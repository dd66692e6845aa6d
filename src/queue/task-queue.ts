import type { Queue } from 'bullmq';
import type { Logger } from '../logger.js';
import type { Envelope, TaskDefinition } from './define-task.js';
import type { QueueTarget } from './queue-target.js';

/** The producer's side of the queue. A task is a wake-up: whoever cannot submit one logs it, and the row's due time delivers anyway. */
export class TaskQueue {
  private readonly queues = new Map<string, Queue<Envelope>>();
  private readonly underWay = new Set<Promise<void>>();

  constructor(
    private readonly target: QueueTarget,
    private readonly log: Logger,
  ) {}

  /**
   * Adds the task of this key; if it waits already nothing happens, if it runs now it runs once more when it ends. Does
   * not wait for the queue and never throws: what was asked for is in the database already.
   */
  submit<P>(task: TaskDefinition<P>, payload: P, requestId: string): void {
    const adding: Promise<void> = this.add(task, payload, requestId).finally(() => this.underWay.delete(adding));
    this.underWay.add(adding);
  }

  /** Has the queue bring a task again and again. Told twice it is one schedule still. */
  async repeat<P>(task: TaskDefinition<P>, payload: P, everyMs: number): Promise<void> {
    const data: Envelope = { payload: task.payload.parse(payload), requestId: `every-${everyMs}-ms` };
    const opts = { removeOnComplete: true, removeOnFail: { age: 86_400, count: 100 } };
    await this.queue(task).upsertJobScheduler(task.name, { every: everyMs }, { name: task.name, data, opts });
  }

  /** When everything submitted so far has reached the queue, or was refused by it. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.underWay);
  }

  async close(): Promise<void> {
    await this.settled();
    await Promise.all([...this.queues.values()].map((queue) => queue.close()));
  }

  private async add<P>(task: TaskDefinition<P>, payload: P, requestId: string): Promise<void> {
    const data: Envelope = { payload: task.payload.parse(payload), requestId };
    try {
      await this.queue(task).add(task.name, data, {
        deduplication: { id: task.key(payload), keepLastIfActive: true },
        removeOnComplete: true, // history lives in our tables
        removeOnFail: { age: 86_400, count: 1_000 },
      });
    } catch (error) {
      this.log.warn(
        { err: error, task: task.name, key: task.key(payload), requestId },
        'the queue did not take a task; the row is due soon and will be found',
      );
    }
  }

  private queue<P>(task: TaskDefinition<P>): Queue<Envelope> {
    const known = this.queues.get(task.name);
    if (known) return known;
    const queue = this.target.openQueue(task.name);
    queue.on('error', (error) => this.log.debug({ err: error, task: task.name }, 'queue trouble'));
    this.queues.set(task.name, queue);
    return queue;
  }
}
