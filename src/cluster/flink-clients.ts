import { FlinkClient } from '../flink/flink-client.js';
import type { FlinkApi } from '../flink/flink.types.js';

/** One client, hence one connection pool, per JobManager address of this process. */
export class FlinkClients {
  private readonly clients = new Map<string, FlinkApi>();

  constructor(private readonly open: (url: string) => FlinkApi = (url) => new FlinkClient(url)) {}

  at(url: string): FlinkApi {
    let client = this.clients.get(url);
    if (!client) {
      client = this.open(url);
      this.clients.set(url, client);
    }
    return client;
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
