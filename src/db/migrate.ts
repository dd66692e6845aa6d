import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { Foundation1764115200000 } from './migrations/0001-foundation.js';
import { Chores1764201600000 } from './migrations/0002-chores.js';
import { WholeLife1764288000000 } from './migrations/0003-whole-life.js';
import { SchedulesAndDeletion1764374400000 } from './migrations/0004-schedules-and-deletion.js';
import { ReplacedClusters1764460800000 } from './migrations/0005-replaced-clusters.js';
import { Drift1764547200000 } from './migrations/0006-drift.js';
import { SchedulesSetAside1764633600000 } from './migrations/0007-schedules-set-aside.js';
import { AdoptedSources1764720000000 } from './migrations/0008-adopted-sources.js';
import { UntoldDisposals1764806400000 } from './migrations/0009-untold-disposals.js';
import { SnapshotContents1764892800000 } from './migrations/0010-snapshot-contents.js';
import { BeforeAndAfterAStart1764979200000 } from './migrations/0011-before-and-after-a-start.js';
import { LeftBehind1765065600000 } from './migrations/0012-left-behind.js';
import { CompatibilityChecks1765152000000 } from './migrations/0013-compatibility-checks.js';

const MIGRATION_LOCK = 7_208_002;

/**
 * Brings the database up to date: numbered, hand-written SQL, forward only, each in a transaction of its own. Any
 * number of processes may call it at once; an advisory lock lets one through and the others find nothing to do.
 */
export async function runMigrations(url: string): Promise<void> {
  const source = new DataSource({
    type: 'postgres',
    url,
    migrations: [
      Foundation1764115200000,
      Chores1764201600000,
      WholeLife1764288000000,
      SchedulesAndDeletion1764374400000,
      ReplacedClusters1764460800000,
      Drift1764547200000,
      SchedulesSetAside1764633600000,
      AdoptedSources1764720000000,
      UntoldDisposals1764806400000,
      SnapshotContents1764892800000,
      BeforeAndAfterAStart1764979200000,
      LeftBehind1765065600000,
      CompatibilityChecks1765152000000,
    ],
    migrationsTableName: 'migration',
    migrationsTransactionMode: 'each',
    installExtensions: false,
    uuidExtension: 'pgcrypto',
    poolSize: 2,
    applicationName: 'stateward migrations',
  });
  await source.initialize();
  const lock = source.createQueryRunner();
  try {
    await lock.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await source.runMigrations();
  } finally {
    await lock.release();
    await source.destroy(); // ends the session, and with it the lock
  }
}
