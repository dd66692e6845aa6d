import {
  DataSource,
  type EntityTarget,
  type ObjectLiteral,
  type QueryRunner,
  QueryRunnerAlreadyReleasedError,
} from 'typeorm';
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

/**
 * The one pool of a process. Inside `transaction` nothing may ask the pool for a second connection (callers that wait
 * for each other's rows would use it up): pass the transaction on.
 */
export class Database implements Sql {
  private constructor(private readonly source: DataSource) {}

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
      extra: { idleTimeoutMillis: 60_000, keepAlive: true, idle_in_transaction_session_timeout: FROZEN_AFTER_MS },
    });
    await asTrouble(source.initialize());
    return new Database(source);
  }

  rows<T extends object>(text: string, values?: unknown[]): Promise<T[]> {
    return this.once((sql) => sql.rows<T>(text, values));
  }
  row<T extends object>(text: string, values?: unknown[]): Promise<T | undefined> {
    return this.once((sql) => sql.row<T>(text, values));
  }
  changed(text: string, values?: unknown[]): Promise<number> {
    return this.once((sql) => sql.changed(text, values));
  }
  entities<E extends ObjectLiteral>(
    entity: EntityTarget<E>,
    text: string,
    values?: unknown[],
    beside?: (record: Record<string, unknown>) => void,
  ): Promise<E[]> {
    return this.once((sql) => sql.entities(entity, text, values, beside));
  }
  entity<E extends ObjectLiteral>(entity: EntityTarget<E>, text: string, values?: unknown[]): Promise<E | null> {
    return this.once((sql) => sql.entity(entity, text, values));
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
    const runner = this.source.createQueryRunner();
    try {
      await asTrouble(runner.startTransaction());
      const result = await work(this.on(runner));
      await asTrouble(runner.commitTransaction());
      return result;
    } catch (error) {
      // A rollback that fails too says nothing new: the session is gone, and PostgreSQL has rolled back by itself.
      if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
      throw error;
    } finally {
      await runner.release();
    }
  }

  close(): Promise<void> {
    return this.source.destroy();
  }

  private async once<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const runner = this.source.createQueryRunner();
    try {
      return await work(this.on(runner));
    } finally {
      await runner.release();
    }
  }

  private on(runner: QueryRunner): Transaction {
    const run = async <T>(text: string, values?: unknown[]): Promise<{ records: T[]; affected?: number }> =>
      asTrouble(runner.query(text, values, true) as Promise<{ records: T[]; affected?: number }>);
    const entities = async <E extends ObjectLiteral>(
      entity: EntityTarget<E>,
      text: string,
      values?: unknown[],
      beside?: (record: Record<string, unknown>) => void,
    ) => {
      const { records } = await run<Record<string, unknown>>(text, values);
      if (beside) records.forEach(beside);
      return records.map((record) => this.hydrate(entity, record));
    };
    return {
      insideTransaction: true,
      entities,
      entity: async (entity, text, values) => (await entities(entity, text, values))[0] ?? null,
      rows: async <T extends object>(text: string, values?: unknown[]) => (await run<T>(text, values)).records,
      row: async <T extends object>(text: string, values?: unknown[]) => (await run<T>(text, values)).records[0],
      changed: async (text, values) => (await run(text, values)).affected ?? 0,
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

const DEADLOCK = '40P01';

function sqlState(error: unknown): unknown {
  return (error as { driverError?: { code?: unknown } }).driverError?.code;
}

/** Classes 08 (connection), 53 (resources), 57P (shutdown), and what the driver says when there is nobody. */
function isAway(error: unknown): boolean {
  if (error instanceof QueryRunnerAlreadyReleasedError) return true; // TypeORM's word for a connection that broke between two statements
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string')
    return /^(08|53|57P)/.test(code) || /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH)/.test(code);
  return (
    error instanceof Error &&
    /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/.test(
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

/** bigint comes as text; sizes and durations are safe to 2^53. */
export const bigintToNumber = {
  to: (value: number | null | undefined) => value,
  from: (value: string | number | null | undefined) => (value === null || value === undefined ? null : Number(value)),
};
