import { FlinkClient } from '../flink/flink-client.js';
import type { FlinkApi } from '../flink/flink.types.js';

/** One client, hence one connection pool, per JobManager address of this process. */
export class FlinkClients {
  private readonly clients = new Map<string, FlinkApi>();
  private readonly marks = new Map<string, Promise<string | null>>();

  constructor(private readonly open: (url: string) => FlinkApi = (url) => new FlinkClient(url)) {}

  at(url: string): FlinkApi {
    let client = this.clients.get(url);
    if (!client) {
      client = this.open(url);
      this.clients.set(url, client);
    }
    return client;
  }

  /**
   * The process mark of a cluster, by one read for all who want it while that is under way: many savepoints may begin on one cluster at
   * once. Not for whoever has to know that the process is still the one that it was.
   */
  sharedMark(url: string): Promise<string | null> {
    const reading =
      this.marks.get(url) ??
      this.at(url)
        .processMark()
        .finally(() => this.marks.delete(url));
    this.marks.set(url, reading);
    return reading;
  }

  /** For an address that is asked once: not kept. */
  async once<T>(url: string, work: (client: FlinkApi) => Promise<T>): Promise<T> {
    const client = this.open(url);
    try {
      return await work(client);
    } finally {
      await client.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.clients.values()].map((client) => client.close()));
    this.clients.clear();
  }
}
