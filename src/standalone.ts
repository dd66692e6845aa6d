import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from './config.js';
import { type EmbeddedPostgres, openEmbeddedPostgres } from './db/embedded-postgres.js';
import { AppError } from './errors.js';
import { keepRunning, type Kept } from './supervise.js';

/** sysexits: a bad configuration, which another start does not change. */
const EX_CONFIG = 78;
const STOP_WITHIN_MS = 4_700;
/** Of one child, the worker before the API; what they leave of the whole is the database's. */
const STOP_CHILD_WITHIN_MS = 1_800;
const SAY_WHAT_IS_AWAITED_AFTER_MS = 3_000;
const REOPEN_TRIES = 5;

const startedAt = Date.now();
const say = (text: string) => console.log(text);
const scriptOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** `npm start`: PostgreSQL, API and worker under one supervisor. */
class Standalone {
  private readonly config = loadConfig(process.env);
  private opening: Promise<EmbeddedPostgres> | undefined;
  private database: EmbeddedPostgres | undefined;
  private databaseUrl = this.config.databaseUrl;
  private readonly children: { api?: Kept; worker?: Kept } = {};
  private readonly ready: { api?: string; worker?: true } = {};
  private stopping = false;

  async run(): Promise<void> {
    const awaited = setTimeout(
      () => this.isReady() || say(`Waiting for ${this.awaited()} ...`),
      SAY_WHAT_IS_AWAITED_AFTER_MS,
    );
    awaited.unref();
    if (!this.databaseUrl) {
      await this.openDatabase();
      if (this.database?.adopted) say('Took over the PostgreSQL of an earlier Stateward that was killed.');
    }
    if (this.stopping) return;
    this.children.api = this.keep('API', './main.js', (message) => (this.ready.api = message.url));
    this.children.worker = this.keep('worker', '../worker/main.js', () => (this.ready.worker = true));
  }

  /** Asked a second time it does not wait for anybody. */
  interrupt(): void {
    if (this.stopping) this.force();
    void this.stop(0);
  }

  /** Worker first, so that nothing new is begun, then the API, then the database. */
  private async stop(code: number): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    const deadline = Date.now() + STOP_WITHIN_MS;
    await this.children.worker?.stop(STOP_CHILD_WITHIN_MS);
    await this.children.api?.stop(STOP_CHILD_WITHIN_MS);
    // One that is just being opened would outlive us; one that cannot be opened needs no stop, and run() says so.
    const opened = this.opening?.catch(() => undefined);
    const database = await Promise.race([opened, sleep(deadline - Date.now())]);
    await database?.stop(deadline - Date.now());
    process.exit(code);
  }

  /** The database has been told to end, and ends a moment after us. */
  private force(): never {
    for (const child of [this.children.worker, this.children.api]) child?.kill();
    void this.database?.stop();
    process.exit(1);
  }

  private async openDatabase(): Promise<void> {
    this.opening = openEmbeddedPostgres(this.config.dataFolder);
    const database = await this.opening;
    const moved = this.databaseUrl !== undefined && this.databaseUrl !== database.url;
    this.database = database;
    this.databaseUrl = database.url;
    void database.gone.then(() => this.reopenDatabase());
    if (moved) for (const child of [this.children.api, this.children.worker]) child?.restart();
  }

  /** On the same port (unless another program took it), so that the pools of API and worker reconnect by themselves. */
  private async reopenDatabase(): Promise<void> {
    if (this.stopping) return;
    say('PostgreSQL went away; it is started again.');
    for (let attempt = 1; !this.stopping; attempt++) {
      try {
        return await this.openDatabase();
      } catch (error) {
        if (this.stopping) return;
        console.error(`PostgreSQL could not be started (${attempt} of ${REOPEN_TRIES}): ${(error as Error).message}`);
        if (attempt === REOPEN_TRIES) return this.stop(1);
        await sleep(1_000);
      }
    }
  }

  private keep(name: string, script: string, onReady: (message: { url: string }) => void): Kept {
    const kept = keepRunning({
      name,
      script: scriptOf(script),
      env: () => ({ ...process.env, DATABASE_URL: this.databaseUrl, STATEWARD_DATA_FOLDER: this.config.dataFolder }),
      onMessage: (message) => {
        if ((message as { type?: string }).type !== 'ready') return;
        const before = this.isReady();
        onReady(message as { url: string });
        if (!before && this.isReady()) this.sayReady();
      },
      say,
    });
    void kept.hopeless.then((code) => this.stop(code));
    return kept;
  }

  private isReady(): boolean {
    return this.ready.api !== undefined && this.ready.worker === true;
  }

  private sayReady(): void {
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
    const where = this.database ? `data in ${this.config.dataFolder}` : 'data in DATABASE_URL';
    say(
      `Stateward is ready: GraphQL at ${this.ready.api}/graphql (${where}, started in ${seconds} s). Ctrl-C stops it.`,
    );
  }

  private awaited(): string {
    const log = join(this.config.dataFolder, 'postgres.log');
    if (!this.databaseUrl) return existsSync(log) ? `PostgreSQL (its log: ${log})` : 'PostgreSQL';
    return [this.ready.api === undefined && 'the API', !this.ready.worker && 'the worker']
      .filter(Boolean)
      .join(' and ');
  }
}

async function main(): Promise<void> {
  const standalone = new Standalone();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => standalone.interrupt());
  await standalone.run();
}

main().catch((error: unknown) => {
  console.error(error instanceof AppError ? error.message : error);
  process.exit(error instanceof AppError && error.code === 'BAD_CONFIGURATION' ? EX_CONFIG : 1);
});
