import { DataSource, type EntityTarget, type ObjectLiteral } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import pg from 'pg';
import { AppError } from '../errors.js';

/** Where a statement runs: on the pool, or inside a transaction. */
export interface Sql {
  /** All rows of one statement; for `update … returning` those returned. */
  rows<T extends object = Record<string, unknown>>(text: string, values?: unknown[]): Promise<T[]>;
  /** The only row, or undefined. */
  row<T extends object = Record<string, unknown>>(text: string, values?: unknown[]): Promise<T | undefined>;
  /** How many rows a statement changed. */
  changed(text: string, values?: unknown[]): Promise<number>;
  /** Rows of an entity's table (`select <table>.* …`) as instances of its class; `beside` sees each raw row. */
  entities<E extends ObjectLiteral>(
    entity: EntityTarget<E>,
    text: string,
    values?: unknown[],
    beside?: (record: Record<string, unknown>) => void,
  ): Promise<E[]>;
  /** The only such row, or null. */
  entity<E extends ObjectLiteral>(entity: EntityTarget<E>, text: string, values?: unknown[]): Promise<E | null>;
}

export type Transaction = Sql & { readonly insideTransaction: true };

/** A process that freezes inside a transaction keeps its row locks for so long: a lease. No transaction waits for anything but the database. */
const FROZEN_AFTER_MS = 10_000;

/** A database that is gone without a word (a cut cable) is in trouble after this; longer than anybody may hold a row. */
const ANSWER_WITHIN_MS = 14_000;

/**
 * The one pool of a process. Inside `transaction` nothing may ask the pool for a second connection (callers that wait
 * for each other's rows would use it up): pass the transaction on.
 */
export class Database implements Sql {
  private readonly pool: pg.Pool;
  private readonly pooled: Sql;
  private readonly prepared = new PreparedNames();

  private constructor(private readonly source: DataSource) {
    this.pool = (source.driver as PostgresDriver).master as pg.Pool;
    this.pooled = this.on(this.pool);
  }

  static async open(options: {
    url: string;
    entities: (new () => object)[];
    connections: number;
    applicationName: string;
  }): Promise<Database> {
    const source = new DataSource({
      type: 'postgres',
      url: options.url,
      entities: options.entities,
      poolSize: options.connections,
      applicationName: options.applicationName,
      connectTimeoutMS: 5_000,
      installExtensions: false,
      uuidExtension: 'pgcrypto',
      extra: {
        idleTimeoutMillis: 60_000,
        keepAlive: true,
        idle_in_transaction_session_timeout: FROZEN_AFTER_MS,
        statement_timeout: ANSWER_WITHIN_MS,
        query_timeout: ANSWER_WITHIN_MS + 1_000,
      },
    });
    await asTrouble(source.initialize());
    return new Database(source);
  }

  rows<T extends object>(text: string, values?: unknown[]): Promise<T[]> {
    return this.pooled.rows<T>(text, values);
  }
  row<T extends object>(text: string, values?: unknown[]): Promise<T | undefined> {
    return this.pooled.row<T>(text, values);
  }
  changed(text: string, values?: unknown[]): Promise<number> {
    return this.pooled.changed(text, values);
  }
  entities<E extends ObjectLiteral>(
    entity: EntityTarget<E>,
    text: string,
    values?: unknown[],
    beside?: (record: Record<string, unknown>) => void,
  ): Promise<E[]> {
    return this.pooled.entities(entity, text, values, beside);
  }
  entity<E extends ObjectLiteral>(entity: EntityTarget<E>, text: string, values?: unknown[]): Promise<E | null> {
    return this.pooled.entity(entity, text, values);
  }

  /** Once more after a deadlock, of which PostgreSQL has undone one side: `work` must do nothing but write to the database. */
  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    try {
      return await this.attempt(work);
    } catch (error) {
      if (sqlState(error) !== DEADLOCK) throw error;
      return this.attempt(work);
    }
  }

  private async attempt<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const client = await asTrouble(this.pool.connect());
    client.on('error', ignore); // a connection that breaks between two statements: the next one says so
    let broken: boolean = false;
    try {
      await asTrouble(client.query('begin'));
      const result = await work(this.on(client));
      await asTrouble(client.query('commit'));
      return result;
    } catch (error) {
      broken = isTrouble(error);
      // A rollback that fails says nothing new: the session is gone, and PostgreSQL has rolled back by itself.
      if (!broken) await client.query('rollback').catch(() => (broken = true));
      throw error;
    } finally {
      client.off('error', ignore);
      client.release(broken);
    }
  }

  close(): Promise<void> {
    return this.source.destroy();
  }

  private on(connection: Connection): Transaction {
    const run = <T extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<pg.QueryResult<T>> =>
      asTrouble(connection.query<T>({ text, values, ...this.prepared.nameOf(text) }));
    const entities = async <E extends ObjectLiteral>(
      entity: EntityTarget<E>,
      text: string,
      values?: unknown[],
      beside?: (record: Record<string, unknown>) => void,
    ) => {
      const { rows } = await run<Record<string, unknown>>(text, values);
      if (beside) rows.forEach(beside);
      return rows.map((record) => this.hydrate(entity, record));
    };
    return {
      insideTransaction: true,
      entities,
      entity: async (entity, text, values) => (await entities(entity, text, values))[0] ?? null,
      rows: async <T extends object>(text: string, values?: unknown[]) => (await run<T>(text, values)).rows,
      row: async <T extends object>(text: string, values?: unknown[]) => (await run<T>(text, values)).rows[0],
      changed: async (text, values) => (await run(text, values)).rowCount ?? 0,
    };
  }

  /** Raw column names to the entity's properties, through the columns' transformers: GraphQL unions need real instances. */
  private hydrate<E extends ObjectLiteral>(entity: EntityTarget<E>, record: Record<string, unknown>): E {
    const metadata = this.source.getMetadata(entity);
    const instance = metadata.create() as E;
    for (const column of metadata.columns) {
      const raw = record[column.databaseName];
      const transformer = Array.isArray(column.transformer) ? column.transformer[0] : column.transformer;
      column.setEntityValue(instance, transformer ? transformer.from(raw) : raw);
    }
    return instance;
  }
}

type Connection = Pick<pg.Pool | pg.PoolClient, 'query'>;
const ignore = (): void => undefined;

/** Statements are prepared by name, once per connection: planning would else be a good part of the database's work. */
class PreparedNames {
  private readonly names = new Map<string, string>();

  /** Empty for texts beyond the first {@link MOST_PREPARED}: those of lists with filters are many, and each is kept by every connection. */
  nameOf(text: string): { name?: string } {
    let name = this.names.get(text);
    if (name === undefined) {
      if (this.names.size >= MOST_PREPARED) return {};
      name = `s${this.names.size}`;
      this.names.set(text, name);
    }
    return { name };
  }
}
const MOST_PREPARED = 200;

const DEADLOCK = '40P01';
const isTrouble = (error: unknown): boolean => error instanceof AppError && error.code === 'DATABASE_UNAVAILABLE';

function sqlState(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}

/** Classes 08 (connection), 53 (resources), 57P (shutdown), 57014 (a statement that took too long), 25P03 (a transaction that stood still too long), and what the driver says when there is nobody. */
function isAway(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  // A newer version has changed a table while this process runs: the statement is prepared anew on another connection.
  if (code === '0A000' && error instanceof Error && /cached plan/.test(error.message)) return true;
  if (typeof code === 'string')
    return /^(08|53|57P|57014|25P03)/.test(code) || /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH)/.test(code);
  return (
    error instanceof Error &&
    /Connection terminated|Query read timeout|timeout exceeded when trying to connect|Client has encountered a connection error/.test(
      error.message,
    )
  );
}

async function asTrouble<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!isAway(error)) throw error;
    throw new AppError(
      'DATABASE_UNAVAILABLE',
      'The database does not answer. Send the request again, with the same idempotency key if it had one.',
      { cause: error },
    );
  }
}

/** PostgreSQL's `23505` on the named constraint or index. */
export function isDuplicate(error: unknown, constraint: string): boolean {
  const driver = (error as { driverError?: unknown }).driverError ?? error;
  return driver instanceof pg.DatabaseError && driver.code === '23505' && driver.constraint === constraint;
}

/** PostgreSQL's class 22: a value that is none of its type, such as a date of a thirteenth month. */
export function isMalformed(error: unknown): boolean {
  const driver = (error as { driverError?: unknown }).driverError ?? error;
  return driver instanceof pg.DatabaseError && driver.code?.startsWith('22') === true;
}

/** Whether an error has nothing to do with the values of a statement, which are what PostgreSQL's classes 22 and 23 are about. */
export function isOfTheDatabase(error: unknown): boolean {
  const driver = (error as { driverError?: unknown }).driverError ?? error;
  return isTrouble(error) || (driver instanceof pg.DatabaseError && !/^2[23]/.test(driver.code ?? ''));
}

/** bigint comes as text; sizes and durations are safe to 2^53. */
export const bigintToNumber = {
  to: (value: number | null | undefined) => value,
  from: (value: string | number | null | undefined) => (value === null || value === undefined ? null : Number(value)),
};
